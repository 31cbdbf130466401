//! `dev.loggia.endpoint.enable`

use axum::extract::State;
use loggia_api::dev::loggia::endpoint::enable::{Enable, Error, Input, Output};
use loggia_delivery::{Clock, EndpointState, Health, SystemClock};
use loggia_xrpc::{Reply, declared};

use super::view::{unreadable, view};
use crate::caller::Caller;
use crate::delivery_desk::DeliveryDesk;

/// Does nothing to an endpoint that is active, but for forgiving its failures.
pub async fn handle(
    State(desk): State<DeliveryDesk>,
    Caller(owner): Caller,
    input: Input,
) -> Reply<Enable> {
    let not_found = || declared(Error::NotFound).status(404);
    let id = input.id.parse().map_err(|_| not_found())?;
    let found = desk.endpoints().find_owned(&owner, id).await;
    let found = found.map_err(|error| unreadable(error, Error::Unreadable))?;
    let mut owned = found.ok_or_else(not_found)?;
    if !owned.managed {
        return Err(declared(Error::NotManaged).into());
    }
    let mut tx = desk.storage.begin().await?;
    desk.endpoints().enable(&mut tx, id).await?;
    tx.commit().await?;
    desk.engine.endpoint_dropped(id).await;
    let endpoint = &mut owned.endpoint;
    endpoint.state = EndpointState::Active;
    endpoint.health = Health {
        last_success: endpoint.health.last_success,
        ..Health::default()
    };
    Ok(Output {
        endpoint: view(owned, SystemClock.now())?,
        extra: Default::default(),
    })
}
