//! `dev.loggia.community.createWebhook`

use axum::extract::State;
use loggia_api::dev::loggia::community::create_webhook::{CreateWebhook, Error, Input, Output};
use loggia_delivery::{Clock, SystemClock};
use loggia_xrpc::{Failure, Listed, Reply, declared};

use super::view;
use crate::caller::Caller;
use crate::community::{CommunityDesk, DeskError};

/// What to check signatures by is in this answer only.
pub async fn handle(
    State(desk): State<CommunityDesk>,
    Caller(owner): Caller,
    input: Input,
) -> Reply<CreateWebhook> {
    let (secret, shown) = view::new_secret(input.secret.as_deref())
        .map_err(|error| declared(Error::InvalidSecret).message(error.to_string()))?;
    let now = SystemClock.now();
    let names = input.events.iter().map(Listed::as_str);
    let in_order = input.in_order.unwrap_or(false);
    let where_to = (input.url.as_str(), secret);
    let made = desk.create(&owner, where_to, names, in_order, now).await;
    Ok(Output {
        webhook: view::webhook(made.map_err(failure)?, now)?,
        secret: shown,
        extra: Default::default(),
    })
}

fn failure(error: DeskError) -> Failure<Error> {
    let message = error.to_string();
    match error {
        DeskError::TooMany => declared(Error::TooManyWebhooks).message(message).into(),
        DeskError::Url(_) => declared(Error::InvalidUrl).message(message).into(),
        DeskError::Unanswered(_) => declared(Error::ChallengeFailed).message(message).into(),
        other => other.into_failure(),
    }
}
