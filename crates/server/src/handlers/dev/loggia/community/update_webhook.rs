//! `dev.loggia.community.updateWebhook`

use axum::extract::State;
use loggia_api::dev::loggia::community::update_webhook::{Error, Input, Output, UpdateWebhook};
use loggia_delivery::{Clock, SystemClock};
use loggia_xrpc::{Failure, Listed, Rejection, Reply, declared};

use super::view;
use crate::caller::Caller;
use crate::community::{CommunityDesk, DeskError, WantedChange};

/// Changes only what is given.
pub async fn handle(
    State(desk): State<CommunityDesk>,
    Caller(owner): Caller,
    input: Input,
) -> Reply<UpdateWebhook> {
    let id = input.id.parse();
    let id = id.map_err(|_| declared(Error::NotFound).status(404))?;
    let events = input.events.as_ref();
    let change = WantedChange {
        url: input.url.as_ref().map(|url| url.as_str()),
        events: events.map(|events| events.iter().map(Listed::as_str).collect()),
        in_order: input.in_order,
        active: input.active,
    };
    if change == WantedChange::default() {
        let message = "nothing to change: give at least one field beside `id`";
        return Err(Rejection::invalid_request(message).into());
    }
    let now = SystemClock.now();
    let changed = desk.update((&owner, id), change, now).await;
    Ok(Output {
        webhook: view::webhook(changed.map_err(failure)?, now)?,
        extra: Default::default(),
    })
}

fn failure(error: DeskError) -> Failure<Error> {
    let message = error.to_string();
    match error {
        DeskError::NotFound => declared(Error::NotFound).status(404).into(),
        DeskError::Url(_) => declared(Error::InvalidUrl).message(message).into(),
        DeskError::Unanswered(_) => declared(Error::ChallengeFailed).message(message).into(),
        other => other.into_failure(),
    }
}
