//! `dev.loggia.community.acceptJoinRequest`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::dev::loggia::community::accept_join_request::{
    AcceptJoinRequest, Error, Input, Output,
};
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::{Member, ProposalKind};
use loggia_xrpc::Reply;

use super::view;
use crate::caller::Caller;
use crate::community::Side;
use crate::space_host::SpaceHost;

/// Two events follow: that the request was accepted, and that there is a new member.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    Caller(caller): Caller,
    input: Input,
) -> Reply<AcceptJoinRequest> {
    let now = SystemClock.now();
    let mut tx = host.storage.begin().await?;
    let which = (ProposalKind::JoinRequest, input.id.as_str());
    let (space, waits) = host
        .waiting::<Error>(&mut tx, (&caller, Side::Owner), which)
        .await?;
    let member = Member {
        did: waits.new.did,
        read: input.read.unwrap_or(true),
        write: input.write.unwrap_or(true),
    };
    let news = host
        .enlist::<Error>(&mut tx, (&space, &caller), member, now)
        .await?;
    let accepted = host.proposal::<Error>(&mut tx, waits.id).await?;
    tx.commit().await?;
    news.deliver(&host.notices.engine).await;
    Ok(Output {
        request: view::join_request(accepted),
        extra: Default::default(),
    })
}
