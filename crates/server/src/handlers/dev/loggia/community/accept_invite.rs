//! `dev.loggia.community.acceptInvite`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::dev::loggia::community::accept_invite::{AcceptInvite, Error, Input, Output};
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::{Member, ProposalKind};
use loggia_xrpc::Reply;

use super::view;
use crate::caller::Caller;
use crate::community::Side;
use crate::space_host::SpaceHost;

/// On the terms of the invite.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    Caller(caller): Caller,
    input: Input,
) -> Reply<AcceptInvite> {
    let now = SystemClock.now();
    let mut tx = host.storage.begin().await?;
    let which = (ProposalKind::Invite, input.id.as_str());
    let (space, waits) = host
        .waiting::<Error>(&mut tx, (&caller, Side::Account), which)
        .await?;
    let member = Member {
        did: waits.new.did,
        read: waits.new.read,
        write: waits.new.write,
    };
    let news = host
        .enlist::<Error>(&mut tx, (&space, &caller), member, now)
        .await?;
    let accepted = host.proposal::<Error>(&mut tx, waits.id).await?;
    tx.commit().await?;
    news.deliver(&host.notices.engine).await;
    Ok(Output {
        invite: view::invite(accepted),
        extra: Default::default(),
    })
}
