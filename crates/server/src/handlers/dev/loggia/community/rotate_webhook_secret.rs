//! `dev.loggia.community.rotateWebhookSecret`

use axum::extract::State;
use jiff::SignedDuration;
use loggia_api::dev::loggia::community::rotate_webhook_secret::{
    Error, Input, Output, RotateWebhookSecret,
};
use loggia_delivery::{Clock, SystemClock};
use loggia_xrpc::{Failure, Reply, declared};

use super::view;
use crate::caller::Caller;
use crate::community::{CommunityDesk, DeskError};

/// How long the old secret keeps signing unless the caller says otherwise, in seconds: a day.
const OVERLAP: i64 = 86_400;

/// What to check signatures by from now on is in this answer only.
pub async fn handle(
    State(desk): State<CommunityDesk>,
    Caller(owner): Caller,
    input: Input,
) -> Reply<RotateWebhookSecret> {
    let id = input.id.parse();
    let id = id.map_err(|_| declared(Error::NotFound).status(404))?;
    let (secret, shown) = view::new_secret(input.secret.as_deref())
        .map_err(|error| declared(Error::InvalidSecret).message(error.to_string()))?;
    let overlap = SignedDuration::from_secs(input.overlap_seconds.unwrap_or(OVERLAP));
    let now = SystemClock.now();
    let rotated = desk.rotate((&owner, id), secret, overlap, now).await;
    Ok(Output {
        webhook: view::webhook(rotated.map_err(failure)?, now)?,
        secret: shown,
        extra: Default::default(),
    })
}

fn failure(error: DeskError) -> Failure<Error> {
    match error {
        DeskError::NotFound => declared(Error::NotFound).status(404).into(),
        other => other.into_failure(),
    }
}
