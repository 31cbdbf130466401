//! `dev.loggia.community.listWebhooks`

use axum::extract::State;
use loggia_api::dev::loggia::community::list_webhooks::{ListWebhooks, Output};
use loggia_delivery::{Clock, SystemClock};
use loggia_xrpc::Reply;

use super::view;
use crate::caller::Caller;
use crate::community::CommunityDesk;

/// Newest first.
pub async fn handle(
    State(desk): State<CommunityDesk>,
    Caller(owner): Caller,
) -> Reply<ListWebhooks> {
    let now = SystemClock.now();
    let found = desk.webhooks().list(&owner).await?;
    let webhooks = found.into_iter().map(|one| view::webhook(one, now));
    Ok(Output {
        webhooks: webhooks.collect::<Result<_, _>>()?,
        extra: Default::default(),
    })
}
