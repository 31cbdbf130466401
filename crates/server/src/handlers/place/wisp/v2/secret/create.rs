//! `place.wisp.v2.secret.create`

use axum::extract::State;
use loggia_api::place::wisp::v2::secret::create::{Create, Error, Input, Output};
use loggia_delivery::{Clock, SystemClock};
use loggia_xrpc::{Failure, Reply, declared};

use crate::caller::Caller;
use crate::view::datetime;
use crate::wisp::{SecretDesk, SecretError};

/// The token is in this answer only.
pub async fn handle(
    State(desk): State<SecretDesk>,
    Caller(owner): Caller,
    input: Input,
) -> Reply<Create> {
    let (name, now) = (input.name.as_str(), SystemClock.now());
    let token = desk.create(&owner, name, now).await.map_err(failure)?;
    Ok(Output {
        name: name.to_owned(),
        token: token.to_string(),
        created_at: datetime(now),
        extra: Default::default(),
    })
}

fn failure(error: SecretError) -> Failure<Error> {
    let message = error.to_string();
    match error {
        SecretError::Exists => declared(Error::AlreadyExists)
            .status(409)
            .message(message)
            .into(),
        SecretError::Name | SecretError::TooMany => {
            declared(Error::InvalidRequest).message(message).into()
        }
        SecretError::NotFound | SecretError::Storage(_) => error.into(),
    }
}
