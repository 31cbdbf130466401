//! `dev.loggia.endpoint.get`

use axum::extract::State;
use loggia_api::dev::loggia::endpoint::get::{Error, Get, Output, Params};
use loggia_delivery::{Clock, SystemClock};
use loggia_xrpc::{Reply, declared};

use super::view::view;
use crate::caller::Caller;
use crate::delivery_desk::DeliveryDesk;

/// One endpoint of the caller; somebody else's is as good as none.
pub async fn handle(
    State(desk): State<DeliveryDesk>,
    Caller(owner): Caller,
    params: Params,
) -> Reply<Get> {
    let not_found = || declared(Error::NotFound).status(404);
    let id = params.id.parse().map_err(|_| not_found())?;
    let owned = desk.endpoints().find_owned(&owner, id).await?;
    Ok(Output {
        endpoint: view(owned.ok_or_else(not_found)?, SystemClock.now())?,
        extra: Default::default(),
    })
}
