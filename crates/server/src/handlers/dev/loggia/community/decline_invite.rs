//! `dev.loggia.community.declineInvite`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::dev::loggia::community::decline_invite::{DeclineInvite, Error, Input, Output};
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::{ProposalKind, ProposalStatus};
use loggia_xrpc::Reply;

use super::view;
use crate::caller::Caller;
use crate::community::Side;
use crate::space_host::SpaceHost;

/// The owner sees it in the list of invites.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    Caller(caller): Caller,
    input: Input,
) -> Reply<DeclineInvite> {
    let now = SystemClock.now();
    let mut tx = host.storage.begin().await?;
    let which = (ProposalKind::Invite, input.id.as_str());
    let (_, waits) = host
        .waiting::<Error>(&mut tx, (&caller, Side::Account), which)
        .await?;
    let ended = host
        .end::<Error>(&mut tx, waits, (ProposalStatus::Declined, &caller), now)
        .await?;
    tx.commit().await?;
    Ok(Output {
        invite: view::invite(ended),
        extra: Default::default(),
    })
}
