//! `dev.loggia.projection.reactivate`

use axum::extract::State;
use loggia_api::dev::loggia::projection::reactivate::{Error, Input, Output, Reactivate};
use loggia_delivery::{Clock, SystemClock};
use loggia_xrpc::{Reply, declared};

use super::view::projection;
use crate::caller::Caller;
use crate::projections::ProjectionDesk;
use crate::projections::desk::DeskError;
use crate::projections::names::read_projection;

/// A parked one as well: it begins anew instead of going on.
pub async fn handle(
    State(desk): State<ProjectionDesk>,
    Caller(owner): Caller,
    input: Input,
) -> Reply<Reactivate> {
    let not_found = || declared(Error::NotFound).status(404);
    let id = read_projection(&input.id).ok_or_else(not_found)?;
    match desk.reactivate(id, &owner, SystemClock.now()).await {
        Ok(shown) => Ok(Output {
            projection: projection(shown)?,
            extra: Default::default(),
        }),
        Err(DeskError::NotFound) => Err(not_found().into()),
        Err(error) => Err(error.into()),
    }
}
