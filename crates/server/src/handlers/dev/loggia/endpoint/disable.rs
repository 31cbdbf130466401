//! `dev.loggia.endpoint.disable`

use axum::extract::State;
use loggia_api::dev::loggia::endpoint::disable::{Disable, Error, Input, Output};
use loggia_delivery::{Clock, DisableReason, EndpointState, SystemClock};
use loggia_xrpc::{Reply, declared};

use super::view::{unreadable, view};
use crate::caller::Caller;
use crate::delivery_desk::DeliveryDesk;

/// Does nothing to an endpoint that is disabled already.
pub async fn handle(
    State(desk): State<DeliveryDesk>,
    Caller(owner): Caller,
    input: Input,
) -> Reply<Disable> {
    let not_found = || declared(Error::NotFound).status(404);
    let id = input.id.parse().map_err(|_| not_found())?;
    let found = desk.endpoints().find_owned(&owner, id).await;
    let found = found.map_err(|error| unreadable(error, Error::Unreadable))?;
    let mut owned = found.ok_or_else(not_found)?;
    if !owned.managed {
        return Err(declared(Error::NotManaged).into());
    }
    let (reason, now) = (DisableReason::Owner, SystemClock.now());
    let mut tx = desk.storage.begin().await?;
    let deliveries = desk.storage.deliveries();
    let disabled = deliveries.disable(&mut tx, id, reason, now).await?;
    tx.commit().await?;
    desk.engine.endpoint_dropped(id).await;
    if disabled {
        desk.engine.wake();
        owned.endpoint.state = EndpointState::Disabled { reason, at: now };
    }
    Ok(Output {
        endpoint: view(owned, now)?,
        extra: Default::default(),
    })
}
