//! `dev.loggia.stream.setForm`

use axum::extract::State;
use loggia_api::dev::loggia::stream::set_form::{Error, Input, InputFormat, Output, SetForm};
use loggia_delivery::{Clock, Secret, SystemClock};
use loggia_storage::{Updated, WebhookChange, WebhookFormat};
use loggia_xrpc::{Rejection, Reply, declared};

use super::view::form;
use crate::caller::Caller;
use crate::chance;
use crate::webhook_desk::{WebhookDesk, read_id};

/// A new secret is in this answer only.
pub async fn handle(
    State(desk): State<WebhookDesk>,
    Caller(caller): Caller,
    input: Input,
) -> Reply<SetForm> {
    let not_found = || declared(Error::NotFound).status(404);
    let id = read_id(&input.webhook).ok_or_else(not_found)?;
    if input.format.is_none() && input.signed.is_none() {
        let message = "nothing to change: give `format` or `signed`";
        return Err(Rejection::invalid_request(message).into());
    }
    let change = WebhookChange {
        format: input.format.map(chosen),
        ..WebhookChange::default()
    };
    let secret = (input.signed == Some(true)).then(|| Secret::generate(chance::bytes()));
    let now = SystemClock.now();
    let mut tx = desk.storage.begin().await?;
    let webhooks = desk.webhooks();
    let updated = webhooks.update(&mut tx, &caller, id, change, now).await?;
    let Updated::Done(webhook) = updated else {
        return Err(not_found().into());
    };
    if input.signed.is_some() {
        let signed = webhooks.sign(&mut tx, &caller, id, secret.clone()).await?;
        if !signed {
            return Err(not_found().into());
        }
    }
    tx.commit().await?;
    desk.engine.endpoint_dropped(id.endpoint()).await;
    Ok(Output {
        form: form(&desk, &webhook).await?,
        secret: secret.map(|secret| secret.to_text().to_string()),
        extra: Default::default(),
    })
}

fn chosen(format: InputFormat) -> Option<WebhookFormat> {
    match format {
        InputFormat::Discord => Some(WebhookFormat::Discord),
        InputFormat::Slack => Some(WebhookFormat::Slack),
        InputFormat::Json => Some(WebhookFormat::Json),
        InputFormat::Host => None,
    }
}
