//! `place.stream.server.updateWebhook`

use axum::extract::State;
use loggia_api::place::stream::server::update_webhook::{Error, Input, Output, UpdateWebhook};
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::{Updated, WebhookChange};
use loggia_xrpc::{Rejection, Reply, declared};

use super::webhook::{check_texts, each_once, stored_rules, view};
use crate::caller::Caller;
use crate::webhook_desk::{WebhookDesk, check_counts, read_id};

/// Changes only what is given; an empty text or list clears. What waits for another URL, or for a
/// webhook that is off now, is cancelled. One that is on is told again, should its receiver or its
/// failures have ended that: `active` is the owner's word and says nothing of those.
pub async fn handle(
    State(desk): State<WebhookDesk>,
    Caller(caller): Caller,
    input: Input,
) -> Reply<UpdateWebhook> {
    let Some(id) = read_id(&input.id) else {
        return Err(declared(Error::WebhookNotFound).status(404).into());
    };
    let url = input.url.as_ref().map(|url| desk.read_url(url.as_str()));
    let url = url
        .transpose()
        .map_err(|reason| declared(Error::InvalidUrl).message(reason))?;
    check_counts(
        input.events.as_ref().map(Vec::len),
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
    let change = change(url, input);
    if change.is_empty() {
        return Err(Rejection::invalid_request(
            "nothing to change: give at least one field beside `id`",
        )
        .into());
    }
    let mut tx = desk.storage.begin().await?;
    let updated = desk
        .webhooks()
        .update(&mut tx, &caller, id, change, SystemClock.now())
        .await?;
    let webhook = match updated {
        Updated::Done(webhook) => *webhook,
        Updated::DuplicateUrl => return Err(declared(Error::DuplicateWebhook).into()),
        Updated::NotFound if desk.webhooks().is_anybodys(id).await? => {
            return Err(declared(Error::Unauthorized).status(403).into());
        }
        Updated::NotFound => return Err(declared(Error::WebhookNotFound).status(404).into()),
    };
    tx.commit().await?;
    desk.engine.endpoint_dropped(id.endpoint()).await;
    Ok(Output {
        webhook: view(webhook)?,
        extra: Default::default(),
    })
}

fn change(url: Option<String>, input: Input) -> WebhookChange {
    let events = input.events.as_ref();
    let events = events.map(|events| each_once(events.iter().map(|event| event.as_str())));
    WebhookChange {
        url,
        events,
        active: input.active,
        streamplace_format: input.streamplace_format,
        prefix: input.prefix,
        suffix: input.suffix,
        rewrite: input.rewrite.map(stored_rules),
        mute_words: input.mute_words,
        name: input.name,
        description: input.description,
        format: None,
    }
}
