//! `place.wisp.v2.secret.delete`

use axum::extract::State;
use loggia_api::place::wisp::v2::secret::delete::{Delete, Error, Input};
use loggia_delivery::{Clock, SystemClock};
use loggia_xrpc::{Failure, NoBody, Reply, declared};

use crate::caller::Caller;
use crate::wisp::{SecretDesk, SecretError};

/// Webhooks that name the secret are not told any more.
pub async fn handle(
    State(desk): State<SecretDesk>,
    Caller(owner): Caller,
    input: Input,
) -> Reply<Delete> {
    let deleted = desk.delete(&owner, input.name.as_str(), SystemClock.now());
    deleted.await.map_err(failure)?;
    Ok(NoBody)
}

fn failure(error: SecretError) -> Failure<Error> {
    match error {
        SecretError::NotFound => declared(Error::NotFound).status(404).into(),
        error => error.into(),
    }
}
