//! `dev.loggia.event.append`

use axum::extract::State;
use loggia_api::dev::loggia::event::append::{Append, Error, Input, Output};
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::Appended;
use loggia_xrpc::{Reply, declared};

use super::view;
use crate::caller::Caller;
use crate::projections::ProjectionDesk;

/// What is answered is on disk; it is folded a moment later.
pub async fn handle(
    State(desk): State<ProjectionDesk>,
    Caller(owner): Caller,
    input: Input,
) -> Reply<Append> {
    let now = SystemClock.now();
    let invalid = |reason| declared(Error::InvalidJson).message(reason);
    let new = view::new_event(&input.event, now).map_err(invalid)?;
    let stored = match desk.append(&owner, vec![new], now).await? {
        Appended::Done(stored) => stored,
        Appended::Conflict { place, version } => {
            let conflict = declared(Error::VersionConflict).status(409);
            return Err(conflict.message(view::conflict(place, version)).into());
        }
    };
    let stored = stored.into_iter().next();
    let stored = stored.ok_or(std::io::Error::other("an event without a source is new"))?;
    Ok(Output {
        event: view::appended(stored),
        extra: Default::default(),
    })
}
