//! `dev.loggia.community.deleteWebhook`

use axum::extract::State;
use loggia_api::dev::loggia::community::delete_webhook::{DeleteWebhook, Error, Input, Output};
use loggia_delivery::{Clock, SystemClock};
use loggia_xrpc::{Failure, Reply, declared};

use crate::caller::Caller;
use crate::community::{CommunityDesk, DeskError};

/// Its secret goes at once, the record of its deliveries stays for a while.
pub async fn handle(
    State(desk): State<CommunityDesk>,
    Caller(owner): Caller,
    input: Input,
) -> Reply<DeleteWebhook> {
    let id = input.id.parse();
    let id = id.map_err(|_| declared(Error::NotFound).status(404))?;
    let deleted = desk.delete(&owner, id, SystemClock.now()).await;
    deleted.map_err(failure)?;
    Ok(Output {
        extra: Default::default(),
    })
}

fn failure(error: DeskError) -> Failure<Error> {
    match error {
        DeskError::NotFound => declared(Error::NotFound).status(404).into(),
        other => other.into_failure(),
    }
}
