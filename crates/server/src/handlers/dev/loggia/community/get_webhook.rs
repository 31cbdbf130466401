//! `dev.loggia.community.getWebhook`

use axum::extract::State;
use loggia_api::dev::loggia::community::get_webhook::{Error, GetWebhook, Output, Params};
use loggia_delivery::{Clock, SystemClock};
use loggia_xrpc::{Failure, Reply, declared};

use super::view;
use crate::caller::Caller;
use crate::community::{CommunityDesk, DeskError};

/// Everything but its secret.
pub async fn handle(
    State(desk): State<CommunityDesk>,
    Caller(owner): Caller,
    params: Params,
) -> Reply<GetWebhook> {
    let id = params.id.parse();
    let id = id.map_err(|_| declared(Error::NotFound).status(404))?;
    let found = desk.find(&owner, id).await.map_err(failure)?;
    Ok(Output {
        webhook: view::webhook(found, SystemClock.now())?,
        extra: Default::default(),
    })
}

fn failure(error: DeskError) -> Failure<Error> {
    match error {
        DeskError::NotFound => declared(Error::NotFound).status(404).into(),
        other => other.into_failure(),
    }
}
