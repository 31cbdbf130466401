//! `dev.loggia.community.createInvite`

use std::sync::Arc;

use axum::extract::State;
use loggia_api::dev::loggia::community::create_invite::{CreateInvite, Error, Input, Output};
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::{NewProposal, ProposalId, ProposalKind, Proposed};
use loggia_xrpc::{Reply, declared};

use super::view;
use crate::caller::Caller;
use crate::community::limits;
use crate::space_host::SpaceHost;
use crate::{chance, plain_text};

/// An invite that waits already says the new things.
pub async fn handle(
    State(host): State<Arc<SpaceHost>>,
    Caller(caller): Caller,
    input: Input,
) -> Reply<CreateInvite> {
    plain_text::check("message", input.message.as_deref())?;
    let now = SystemClock.now();
    let mut tx = host.storage.begin().await?;
    let space = host.owned::<Error>(&mut tx, &input.space, &caller).await?;
    let spaces = host.storage.spaces();
    let member = spaces.member_in(&mut tx, &space.uri, &input.did).await?;
    if member.is_some() || input.did == caller {
        return Err(declared(Error::AlreadyMember).into());
    }
    let new = NewProposal {
        kind: ProposalKind::Invite,
        space: space.uri,
        did: input.did,
        read: input.read.unwrap_or(true),
        write: input.write.unwrap_or(true),
        message: input.message,
    };
    let id = ProposalId::new(now, chance::bytes());
    let proposals = host.storage.proposals();
    let proposed = proposals.propose(&mut tx, id, new.clone(), &limits::PROPOSALS, now);
    let invite = match proposed.await? {
        Proposed::Done(invite) => *invite,
        Proposed::Waits(waits) if waits.new.kind == ProposalKind::Invite => {
            proposals.reword(&mut tx, *waits, new, now).await?
        }
        Proposed::Waits(_) => return Err(declared(Error::JoinRequestPending).into()),
        Proposed::TooMany | Proposed::SpaceFull => {
            return Err(declared(Error::SpaceFull).into());
        }
    };
    tx.commit().await?;
    Ok(Output {
        invite: view::invite(invite),
        extra: Default::default(),
    })
}
