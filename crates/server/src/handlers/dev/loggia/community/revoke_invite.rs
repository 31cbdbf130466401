//! `dev.loggia.community.revokeInvite`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::dev::loggia::community::revoke_invite::{Error, Input, Output, RevokeInvite};
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::{ProposalKind, ProposalStatus};
use loggia_xrpc::Reply;

use super::view;
use crate::caller::Caller;
use crate::community::Side;
use crate::space_host::SpaceHost;

/// Whoever is invited already is a member, or not any more.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    Caller(caller): Caller,
    input: Input,
) -> Reply<RevokeInvite> {
    let now = SystemClock.now();
    let mut tx = host.storage.begin().await?;
    let which = (ProposalKind::Invite, input.id.as_str());
    let (_, waits) = host
        .waiting::<Error>(&mut tx, (&caller, Side::Owner), which)
        .await?;
    let ended = host
        .end::<Error>(&mut tx, waits, (ProposalStatus::Withdrawn, &caller), now)
        .await?;
    tx.commit().await?;
    Ok(Output {
        invite: view::invite(ended),
        extra: Default::default(),
    })
}
