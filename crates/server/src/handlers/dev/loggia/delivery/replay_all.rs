//! `dev.loggia.delivery.replayAll`

use axum::extract::State;
use loggia_api::dev::loggia::delivery::replay_all::{Error, Input, InputStates, Output, ReplayAll};
use loggia_delivery::{Clock, EndpointState, SystemClock};
use loggia_storage::{EndedState, NewRedelivery, RedeliveryId};
use loggia_xrpc::{Reply, declared};

use super::view;
use crate::caller::Caller;
use crate::chance;
use crate::delivery_desk::DeliveryDesk;
use crate::view::timestamp;

/// The work is stored, and begins at once.
pub async fn handle(
    State(desk): State<DeliveryDesk>,
    Caller(owner): Caller,
    input: Input,
) -> Reply<ReplayAll> {
    let not_found = || declared(Error::NotFound).status(404);
    let id = input.endpoint.parse().map_err(|_| not_found())?;
    let found = desk.endpoints().find_owned(&owner, id).await?;
    let owned = found.ok_or_else(not_found)?;
    if owned.endpoint.state != EndpointState::Active {
        return Err(declared(Error::EndpointDisabled).into());
    }
    let now = SystemClock.now();
    let new = NewRedelivery {
        id: RedeliveryId::new(now, chance::bytes()),
        endpoint: id,
        since: timestamp(&input.since),
        states: states(input.states),
    };
    let redeliveries = desk.storage.redeliveries();
    let matched = redeliveries.count(&new, now).await?;
    let mut tx = desk.storage.begin().await?;
    let Some(started) = redeliveries.start(&mut tx, new, matched, now).await? else {
        return Err(declared(Error::ReplayRunning).status(409).into());
    };
    tx.commit().await?;
    desk.replays.notify_one();
    Ok(Output {
        replay: view::replay(&started)?,
        extra: Default::default(),
    })
}

fn states(given: Option<Vec<InputStates>>) -> Vec<EndedState> {
    let Some(given) = given else {
        return EndedState::DEAD.to_vec();
    };
    let mut states: Vec<_> = given.into_iter().map(state).collect();
    states.sort_unstable();
    states.dedup();
    states
}

fn state(given: InputStates) -> EndedState {
    match given {
        InputStates::Abandoned => EndedState::Abandoned,
        InputStates::Expired => EndedState::Expired,
        InputStates::Cancelled => EndedState::Cancelled,
        InputStates::Delivered => EndedState::Delivered,
    }
}
