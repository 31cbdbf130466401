//! The facts, for programs. Documented in the README; fields are added and never change.

use jiff::Timestamp;
use loggia_syntax::{Did, Handle};
use serde::Serialize;
use serde_json::value::RawValue;
use url::Url;

use super::Telling;
use crate::streamplace::happening::What;
use crate::streamplace::text;

/// What happened.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts<'a> {
    /// Which event, as webhooks name them.
    event: &'static str,
    /// The record's address; of video, streamer and segment.
    subject: &'a str,
    at: Timestamp,
    webhook: String,
    streamer: &'a Did,
    actor: Actor<'a>,
    /// What was said, after the owner's words and rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<&'a str>,
    /// Whose chat it was said in.
    #[serde(skip_serializing_if = "Option::is_none")]
    chat: Option<&'a Did>,
    /// The record as it is, unless it is very long.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Actor<'a> {
    did: &'a Did,
    #[serde(skip_serializing_if = "Option::is_none")]
    handle: Option<&'a Handle>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar: Option<&'a str>,
}

/// The facts of what happened.
pub fn facts<'a>(telling: &Telling<'a>) -> Facts<'a> {
    let Telling {
        happening,
        looks,
        webhook,
    } = *telling;
    let (title, chat) = match &happening.what {
        What::Livestream { title, .. } => (Some(title.as_str()), None),
        What::Received { title } => (title.as_deref(), None),
        What::Chat { .. } => (None, Some(&happening.streamer)),
        What::Mention { chat, .. } => (None, chat.as_ref()),
        What::Follow => (None, None),
    };
    let url = match &happening.what {
        What::Mention { .. } => telling.mentioned().1,
        _ => telling.page(),
    };
    Facts {
        event: happening.occasion().as_str(),
        subject: &happening.subject,
        at: happening.at,
        webhook: webhook.id.to_string(),
        streamer: &happening.streamer,
        actor: Actor {
            did: &happening.actor,
            handle: looks.handle.as_ref(),
            avatar: looks.avatar.as_ref().map(Url::as_str),
        },
        text: text(telling),
        title,
        url: url.map(String::from),
        picture: looks.picture.as_ref().map(Url::as_str),
        chat,
        record: happening.record.as_deref(),
    }
}

/// For a program there is nobody to ping.
fn text(telling: &Telling<'_>) -> Option<String> {
    let fields = &telling.webhook.fields;
    match &telling.happening.what {
        What::Chat { text } | What::Mention { text, .. } => Some(text::rewritten(
            &text::framed(text, fields),
            &fields.rewrite,
        )),
        What::Livestream { .. } | What::Follow | What::Received { .. } => None,
    }
}
