//! `dev.loggia.stream.getForm`

use axum::extract::State;
use loggia_api::dev::loggia::stream::get_form::{Error, GetForm, Output, Params};
use loggia_xrpc::{Reply, declared};

use super::view::form;
use crate::caller::Caller;
use crate::webhook_desk::{WebhookDesk, read_id};

/// How one webhook of the caller is told.
pub async fn handle(
    State(desk): State<WebhookDesk>,
    Caller(caller): Caller,
    params: Params,
) -> Reply<GetForm> {
    let not_found = || declared(Error::NotFound).status(404);
    let id = read_id(&params.webhook).ok_or_else(not_found)?;
    let found = desk.webhooks().find(&caller, id).await?;
    let webhook = found.ok_or_else(not_found)?;
    Ok(Output {
        form: form(&desk, &webhook).await?,
        extra: Default::default(),
    })
}
