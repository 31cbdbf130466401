//! `place.stream.server.deleteWebhook`

use axum::extract::State;
use loggia_api::place::stream::server::delete_webhook::{DeleteWebhook, Error, Input, Output};
use loggia_delivery::{Clock, SystemClock};
use loggia_xrpc::{Reply, declared};

use crate::caller::Caller;
use crate::webhook_desk::{WebhookDesk, read_id};

/// One webhook of the caller goes; the record of its deliveries stays for a while.
pub async fn handle(
    State(desk): State<WebhookDesk>,
    Caller(caller): Caller,
    input: Input,
) -> Reply<DeleteWebhook> {
    let Some(id) = read_id(&input.id) else {
        return Err(declared(Error::WebhookNotFound).status(404).into());
    };
    let mut tx = desk.storage.begin().await?;
    let now = SystemClock.now();
    if desk.webhooks().delete(&mut tx, &caller, id, now).await? {
        tx.commit().await?;
        desk.engine.endpoint_dropped(id.endpoint()).await;
        return Ok(Output {
            success: true,
            extra: Default::default(),
        });
    }
    match desk.webhooks().is_anybodys(id).await? {
        true => Err(declared(Error::Unauthorized).status(403).into()),
        false => Err(declared(Error::WebhookNotFound).status(404).into()),
    }
}
