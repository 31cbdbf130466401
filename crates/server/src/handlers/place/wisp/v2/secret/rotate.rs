//! `place.wisp.v2.secret.rotate`

use axum::extract::State;
use loggia_api::place::wisp::v2::secret::rotate::{Error, Input, Output, Rotate};
use loggia_delivery::{Clock, SystemClock};
use loggia_xrpc::{Failure, Reply, declared};

use crate::caller::Caller;
use crate::view::datetime;
use crate::wisp::{SecretDesk, SecretError};

/// The new token is in this answer only.
pub async fn handle(
    State(desk): State<SecretDesk>,
    Caller(owner): Caller,
    input: Input,
) -> Reply<Rotate> {
    let (name, now) = (input.name.as_str(), SystemClock.now());
    let token = desk.rotate(&owner, name, now).await.map_err(failure)?;
    Ok(Output {
        name: name.to_owned(),
        token: token.to_string(),
        rotated_at: datetime(now),
        extra: Default::default(),
    })
}

fn failure(error: SecretError) -> Failure<Error> {
    match error {
        SecretError::NotFound => declared(Error::NotFound).status(404).into(),
        error => error.into(),
    }
}
