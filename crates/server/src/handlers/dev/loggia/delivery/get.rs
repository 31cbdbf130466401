//! `dev.loggia.delivery.get`

use axum::extract::State;
use loggia_api::dev::loggia::delivery::get::{Error, Get, Output, Params};
use loggia_storage::Whose;
use loggia_xrpc::{Reply, declared};

use super::view;
use crate::caller::Caller;
use crate::delivery_desk::DeliveryDesk;

/// One delivery with all that is kept of it.
pub async fn handle(
    State(desk): State<DeliveryDesk>,
    Caller(owner): Caller,
    params: Params,
) -> Reply<Get> {
    let not_found = || declared(Error::NotFound).status(404);
    let id = view::read_id(&params.notification, &params.endpoint).ok_or_else(not_found)?;
    let deliveries = desk.storage.deliveries();
    let found = deliveries.detail(Whose::Of(&owner), id).await?;
    let detail = found.ok_or_else(not_found)?;
    let bytes = &detail.notification.body;
    let body = serde_json::from_slice(bytes).ok();
    let text = || String::from_utf8_lossy(bytes).into_owned();
    let attempts = detail.attempts.iter().map(view::attempt);
    Ok(Output {
        delivery: view::delivery(detail.delivery),
        body_text: body.is_none().then(text),
        body,
        attempts: attempts.collect::<Result<_, _>>()?,
        extra: Default::default(),
    })
}
