//! `dev.loggia.event.appendBatch`

use axum::extract::State;
use loggia_api::dev::loggia::event::append_batch::{AppendBatch, Error, Input, Output};
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::Appended;
use loggia_xrpc::{Reply, declared};

use super::view;
use crate::caller::Caller;
use crate::projections::ProjectionDesk;

/// All of them or none.
pub async fn handle(
    State(desk): State<ProjectionDesk>,
    Caller(owner): Caller,
    input: Input,
) -> Reply<AppendBatch> {
    let now = SystemClock.now();
    let mut new = Vec::with_capacity(input.events.len());
    for (place, event) in input.events.iter().enumerate() {
        let invalid =
            |reason| declared(Error::InvalidJson).message(format!("event {place}: {reason}"));
        new.push(view::new_event(event, now).map_err(invalid)?);
    }
    match desk.append(&owner, new, now).await? {
        Appended::Done(stored) => Ok(Output {
            events: stored.into_iter().map(view::appended).collect(),
            extra: Default::default(),
        }),
        Appended::Conflict { place, version } => {
            let conflict = declared(Error::VersionConflict).status(409);
            Err(conflict.message(view::conflict(place, version)).into())
        }
    }
}
