//! `dev.loggia.delivery.getReplay`

use axum::extract::State;
use loggia_api::dev::loggia::delivery::get_replay::{Error, GetReplay, Output, Params};
use loggia_storage::Whose;
use loggia_xrpc::{Reply, declared};

use super::view;
use crate::caller::Caller;
use crate::delivery_desk::DeliveryDesk;

/// One replay of an endpoint of the caller.
pub async fn handle(
    State(desk): State<DeliveryDesk>,
    Caller(owner): Caller,
    params: Params,
) -> Reply<GetReplay> {
    let not_found = || declared(Error::NotFound).status(404);
    let id = params.id.parse().map_err(|_| not_found())?;
    let redeliveries = desk.storage.redeliveries();
    let found = redeliveries.find(Whose::Of(&owner), id).await?;
    Ok(Output {
        replay: view::replay(&found.ok_or_else(not_found)?)?,
        extra: Default::default(),
    })
}
