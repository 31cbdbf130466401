//! `dev.loggia.delivery.replay`

use axum::extract::State;
use loggia_api::dev::loggia::delivery::replay::{Error, Output, Replay};
use loggia_delivery::{Clock, DisableReason, EndpointState, SystemClock};
use loggia_storage::{REPLAY_LASTS, Whose};
use loggia_xrpc::{Reply, declared};

use super::view;
use crate::caller::Caller;
use crate::delivery_desk::DeliveryDesk;

/// One delivery begins anew.
pub async fn handle(
    State(desk): State<DeliveryDesk>,
    Caller(owner): Caller,
    input: loggia_api::dev::loggia::delivery::replay::Input,
) -> Reply<Replay> {
    let not_found = || declared(Error::NotFound).status(404);
    let id = view::read_id(&input.notification, &input.endpoint).ok_or_else(not_found)?;
    let deliveries = desk.storage.deliveries();
    let whose = Whose::Of(&owner);
    if deliveries.detail(whose, id).await?.is_none() {
        return Err(not_found().into());
    }
    let endpoint = desk.storage.endpoints().find(id.endpoint).await?;
    let endpoint = endpoint.ok_or_else(not_found)?;
    match endpoint.state {
        EndpointState::Active => {}
        EndpointState::Disabled {
            reason: DisableReason::Deleted,
            ..
        } => {
            let message = "the endpoint was deleted: what went there cannot go out again";
            return Err(declared(Error::EndpointDisabled).message(message).into());
        }
        EndpointState::Disabled { .. } => return Err(declared(Error::EndpointDisabled).into()),
    }
    let now = SystemClock.now();
    let mut tx = desk.storage.begin().await?;
    let replayed = deliveries
        .replay(&mut tx, &[id], now + REPLAY_LASTS, now)
        .await?;
    if replayed.is_empty() {
        return Err(declared(Error::NotEnded).into());
    }
    tx.commit().await?;
    desk.engine.wake();
    let detail = deliveries.detail(whose, id).await?.ok_or_else(not_found)?;
    Ok(Output {
        delivery: view::delivery(detail.delivery),
        extra: Default::default(),
    })
}
