//! `place.stream.server.updateWebhook`

use axum::extract::State;
use loggia_api::place::stream::server::update_webhook::{
    Error, Input, InputEvents, Output, UpdateWebhook,
};
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::{Updated, WebhookChange};
use loggia_xrpc::{Rejection, Reply, declared};

use super::webhook::{stored_rules, view};
use crate::caller::Caller;
use crate::webhook_desk::{WebhookDesk, read_id};

/// Changes only what is given; an empty text or list clears.
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
    if input.events.as_ref().is_some_and(Vec::is_empty) {
        return Err(Rejection::invalid_request("`events` needs at least one event").into());
    }
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
    Ok(Output {
        webhook: view(webhook)?,
        extra: Default::default(),
    })
}

fn change(url: Option<String>, input: Input) -> WebhookChange {
    let events = |events: Vec<_>| events.iter().map(name).collect();
    WebhookChange {
        url,
        events: input.events.map(events),
        active: input.active,
        streamplace_format: input.streamplace_format,
        prefix: input.prefix,
        suffix: input.suffix,
        rewrite: input.rewrite.map(stored_rules),
        mute_words: input.mute_words,
        name: input.name,
        description: input.description,
    }
}

fn name(event: &InputEvents) -> String {
    event.as_str().to_owned()
}
