//! `place.stream.server.createWebhook`

use axum::extract::State;
use loggia_api::place::stream::server::create_webhook::{CreateWebhook, Error, Input, Output};
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::{Inserted, WebhookFields, WebhookId};
use loggia_xrpc::{Reply, declared};

use super::webhook::{check_texts, each_once, stored_rules, view};
use crate::caller::Caller;
use crate::chance;
use crate::webhook_desk::{WebhookDesk, check_counts};

/// As the lexicon says, a webhook is off unless `active` is given. Its URL is kept in normal form.
pub async fn handle(
    State(desk): State<WebhookDesk>,
    Caller(caller): Caller,
    input: Input,
) -> Reply<CreateWebhook> {
    let url = desk
        .read_url(input.url.as_str())
        .map_err(|reason| declared(Error::InvalidUrl).message(reason))?;
    check_counts(
        Some(input.events.len()),
        input.rewrite.as_ref().map(Vec::len),
        input.mute_words.as_ref().map(Vec::len),
    )?;
    check_texts(
        [
            ("name", input.name.as_ref()),
            ("description", input.description.as_ref()),
            ("prefix", input.prefix.as_ref()),
            ("suffix", input.suffix.as_ref()),
        ],
        input.rewrite.as_ref(),
        input.mute_words.as_ref(),
    )?;
    let now = SystemClock.now();
    let id = WebhookId::new(now, chance::bytes());
    let mut tx = desk.storage.begin().await?;
    let inserted = desk
        .webhooks()
        .insert(&mut tx, id, &caller, fields(url, input), desk.most, now)
        .await?;
    let webhook = match inserted {
        Inserted::Done(webhook) => *webhook,
        Inserted::DuplicateUrl => return Err(declared(Error::DuplicateWebhook).into()),
        Inserted::TooMany => {
            let message = format!(
                "an account can have {} webhooks: delete one first",
                desk.most
            );
            return Err(declared(Error::TooManyWebhooks).message(message).into());
        }
    };
    tx.commit().await?;
    Ok(Output {
        webhook: view(webhook)?,
        extra: Default::default(),
    })
}

fn fields(url: String, input: Input) -> WebhookFields {
    WebhookFields {
        url,
        events: each_once(input.events.iter().map(|event| event.as_str())),
        active: input.active.unwrap_or(false),
        streamplace_format: input.streamplace_format.unwrap_or(false),
        prefix: input.prefix.unwrap_or_default(),
        suffix: input.suffix.unwrap_or_default(),
        rewrite: stored_rules(input.rewrite.unwrap_or_default()),
        mute_words: input.mute_words.unwrap_or_default(),
        name: input.name.unwrap_or_default(),
        description: input.description.unwrap_or_default(),
        format: None,
    }
}
