//! `dev.loggia.projection.delete`

use axum::extract::State;
use loggia_api::dev::loggia::projection::delete::{Delete, Error, Input, Output};
use loggia_delivery::{Clock, SystemClock};
use loggia_xrpc::{Reply, declared};

use crate::caller::Caller;
use crate::projections::ProjectionDesk;
use crate::projections::desk::DeskError;
use crate::projections::names::read_projection;

/// Its webhook is told nothing more; what is pending for it is cancelled.
pub async fn handle(
    State(desk): State<ProjectionDesk>,
    Caller(owner): Caller,
    input: Input,
) -> Reply<Delete> {
    let not_found = || declared(Error::NotFound).status(404);
    let id = read_projection(&input.id).ok_or_else(not_found)?;
    match desk.delete(id, &owner, SystemClock.now()).await {
        Ok(()) => Ok(Output {
            extra: Default::default(),
        }),
        Err(DeskError::NotFound) => Err(not_found().into()),
        Err(error) => Err(error.into()),
    }
}
