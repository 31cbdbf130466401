//! `dev.loggia.community.cancelJoinRequest`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::dev::loggia::community::cancel_join_request::{
    CancelJoinRequest, Error, Input, Output,
};
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::{ProposalKind, ProposalStatus};
use loggia_xrpc::Reply;

use super::view;
use crate::caller::Caller;
use crate::community::Side;
use crate::space_host::SpaceHost;

/// Told to nobody: Bettermode has no event for it.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    Caller(caller): Caller,
    input: Input,
) -> Reply<CancelJoinRequest> {
    let now = SystemClock.now();
    let mut tx = host.storage.begin().await?;
    let which = (ProposalKind::JoinRequest, input.id.as_str());
    let (_, waits) = host
        .waiting::<Error>(&mut tx, (&caller, Side::Account), which)
        .await?;
    let ended = host
        .end::<Error>(&mut tx, waits, (ProposalStatus::Withdrawn, &caller), now)
        .await?;
    tx.commit().await?;
    Ok(Output {
        request: view::join_request(ended),
        extra: Default::default(),
    })
}
