//! `dev.loggia.projection.rotateSecret`

use axum::extract::State;
use loggia_api::dev::loggia::projection::rotate_secret::{Error, Input, Output, RotateSecret};
use loggia_delivery::{Clock, SystemClock};
use loggia_xrpc::{Failure, Reply, declared};

use crate::caller::Caller;
use crate::projections::ProjectionDesk;
use crate::projections::desk::DeskError;
use crate::projections::names::read_projection;

/// The new secret is in this answer.
pub async fn handle(
    State(desk): State<ProjectionDesk>,
    Caller(owner): Caller,
    input: Input,
) -> Reply<RotateSecret> {
    let now = SystemClock.now();
    let secret = match input.id.as_deref() {
        None => desk.rotate_shared(&owner, now).await,
        Some(id) => {
            let not_found = || declared(Error::NotFound).status(404);
            let id = read_projection(id).ok_or_else(not_found)?;
            desk.rotate(id, &owner, now).await
        }
    };
    Ok(Output {
        secret: secret.map_err(failure)?.to_text().to_string(),
        isolated: input.id.is_some(),
        extra: Default::default(),
    })
}

fn failure(error: DeskError) -> Failure<Error> {
    match error {
        DeskError::NotFound => declared(Error::NotFound).status(404).into(),
        DeskError::NotIsolated => declared(Error::NotIsolated).into(),
        error => error.into(),
    }
}
