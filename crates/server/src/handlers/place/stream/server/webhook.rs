//! A webhook between the wire and the store.

use loggia_api::place::stream::server::defs;
use loggia_storage::{RewriteRule, Webhook};
use loggia_syntax::Uri;
use loggia_xrpc::Rejection;

use crate::plain_text;
use crate::view::datetime;

/// A stored webhook that the lexicon has no form for: written by a newer program, or by hand.
#[derive(Debug, thiserror::Error)]
#[error("webhook {id} has a {field} that cannot be shown")]
pub struct Unshowable {
    id: String,
    field: &'static str,
}

/// The webhook as its owner sees it: what was never set, or was cleared, is absent.
pub fn view(webhook: Webhook) -> Result<defs::Webhook, Unshowable> {
    let unshowable = |field| Unshowable {
        id: webhook.id.to_string(),
        field,
    };
    let fields = &webhook.fields;
    let events: Option<_> = fields
        .events
        .iter()
        .map(|event| loggia_xrpc::Listed::from_text(event))
        .collect();
    Ok(defs::Webhook {
        id: webhook.id.to_string(),
        url: Uri::new(&fields.url).map_err(|_| unshowable("url"))?,
        events: events.ok_or_else(|| unshowable("event"))?,
        active: fields.active,
        streamplace_format: fields.streamplace_format.then_some(true),
        prefix: text(&fields.prefix),
        suffix: text(&fields.suffix),
        rewrite: list(fields.rewrite.iter().map(shown_rule).collect()),
        created_at: datetime(webhook.created_at),
        updated_at: webhook.updated_at.map(datetime),
        name: text(&fields.name),
        description: text(&fields.description),
        last_triggered: webhook.last_triggered.map(datetime),
        error_count: (webhook.error_count > 0).then_some(webhook.error_count.into()),
        mute_words: list(fields.mute_words.clone()),
        extra: Default::default(),
    })
}

/// Checks the texts of a webhook, where they are given: each single one under its name, the rules, and
/// the muted words.
///
/// # Errors
/// 400 with what is wrong.
pub fn check_texts<const N: usize>(
    texts: [(&str, Option<&String>); N],
    rules: Option<&Vec<defs::RewriteRule>>,
    words: Option<&Vec<String>>,
) -> Result<(), Rejection> {
    for (field, text) in texts {
        plain_text::check(field, text.map(String::as_str))?;
    }
    for rule in rules.into_iter().flatten() {
        plain_text::check("rewrite", Some(&rule.from))?;
        plain_text::check("rewrite", Some(&rule.to))?;
    }
    for word in words.into_iter().flatten() {
        plain_text::check("muteWords", Some(word))?;
    }
    Ok(())
}

/// Names in the order in which they were given, each the first time only.
pub fn each_once<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut once: Vec<String> = Vec::new();
    for name in names {
        if !once.iter().any(|known| known == name) {
            once.push(name.to_owned());
        }
    }
    once
}

/// The rules as they are stored.
pub fn stored_rules(rules: Vec<defs::RewriteRule>) -> Vec<RewriteRule> {
    rules
        .into_iter()
        .map(|rule| RewriteRule {
            from: rule.from,
            to: rule.to,
        })
        .collect()
}

fn shown_rule(rule: &RewriteRule) -> defs::RewriteRule {
    let RewriteRule { from, to } = rule.clone();
    defs::RewriteRule {
        from,
        to,
        extra: Default::default(),
    }
}

fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn list<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}
