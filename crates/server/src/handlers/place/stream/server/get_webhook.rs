//! `place.stream.server.getWebhook`

use axum::extract::State;
use loggia_api::place::stream::server::get_webhook::{Error, GetWebhook, Output, Params};
use loggia_xrpc::{Reply, declared};

use super::webhook::view;
use crate::caller::Caller;
use crate::webhook_desk::{WebhookDesk, read_id};

/// One webhook of the caller.
pub async fn handle(
    State(desk): State<WebhookDesk>,
    Caller(caller): Caller,
    params: Params,
) -> Reply<GetWebhook> {
    let Some(id) = read_id(&params.id) else {
        return Err(declared(Error::WebhookNotFound).status(404).into());
    };
    match desk.webhooks().find(&caller, id).await? {
        Some(webhook) => Ok(Output {
            webhook: view(webhook)?,
            extra: Default::default(),
        }),
        None if desk.webhooks().is_anybodys(id).await? => {
            Err(declared(Error::Unauthorized).status(403).into())
        }
        None => Err(declared(Error::WebhookNotFound).status(404).into()),
    }
}
