//! `dev.loggia.community.requestToJoin`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::dev::loggia::community::request_to_join::{Error, Input, Output, RequestToJoin};
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::{NewProposal, ProposalId, ProposalKind, Proposed};
use loggia_xrpc::{Reply, declared};

use super::view;
use crate::caller::Caller;
use crate::community::{Happened, News, limits};
use crate::space_host::SpaceHost;
use crate::{chance, plain_text};

/// The owner has no need to ask.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    Caller(caller): Caller,
    input: Input,
) -> Reply<RequestToJoin> {
    plain_text::check("message", input.message.as_deref())?;
    let now = SystemClock.now();
    let mut tx = host.storage.begin().await?;
    let spaces = host.storage.spaces();
    spaces.hold(&mut tx, &input.space).await?;
    let space = spaces.find_in(&mut tx, &input.space).await?;
    let space = space.ok_or_else(|| declared(Error::SpaceNotFound))?;
    let member = spaces.member_in(&mut tx, &space.uri, &caller).await?;
    if member.is_some() || space.uri.authority() == caller {
        return Err(declared(Error::AlreadyMember).into());
    }
    let new = NewProposal {
        kind: ProposalKind::JoinRequest,
        space: input.space,
        did: caller.clone(),
        read: true,
        write: true,
        message: input.message,
    };
    let id = ProposalId::new(now, chance::bytes());
    let proposals = host.storage.proposals();
    let proposed = proposals.propose(&mut tx, id, new, &limits::PROPOSALS, now);
    let request = match proposed.await? {
        Proposed::Done(request) => *request,
        Proposed::Waits(waits) => {
            return Err(declared(match waits.new.kind {
                ProposalKind::JoinRequest => Error::JoinRequestPending,
                ProposalKind::Invite => Error::InvitePending,
            })
            .into());
        }
        Proposed::TooMany => return Err(declared(Error::TooManyRequests).into()),
        Proposed::SpaceFull => return Err(declared(Error::SpaceFull).into()),
    };
    let mut news = News::default();
    let (place, told) = ((&host.storage, &mut tx), (&space, &caller));
    news.add(place, told, &[Happened::JoinRequested(&request)], now)
        .await?;
    tx.commit().await?;
    news.deliver(&host.notices.engine).await;
    Ok(Output {
        request: view::join_request(request),
        extra: Default::default(),
    })
}
