//! Answering requests to join and invites, and taking them back.

use jiff::Timestamp;
use loggia_api::dev::loggia::community::{
    accept_invite, accept_join_request, cancel_join_request, decline_invite, reject_join_request,
    revoke_invite,
};
use loggia_storage::{
    HostedSpace, NewProposal, Proposal, ProposalId, ProposalKind, ProposalStatus, StorageError,
    Write,
};
use loggia_syntax::Did;
use loggia_xrpc::{DeclaredError, Failure, declared};

use crate::space_host::SpaceHost;

/// In whose hands a proposal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Those of the owner of its space.
    Owner,
    /// Those of the account that is to become a member.
    Account,
}

/// The names of refusals in the words of a method.
pub(crate) trait NoAnswer: DeclaredError + Sized {
    /// `NotFound`
    fn not_found() -> Self;
    /// `NotPending`
    fn not_pending() -> Self;
}

macro_rules! no_answer {
    ($($method:ident),* $(,)?) => { $(
        impl NoAnswer for $method::Error {
            fn not_found() -> Self {
                Self::NotFound
            }

            fn not_pending() -> Self {
                Self::NotPending
            }
        }
    )* };
}

no_answer!(
    accept_invite,
    accept_join_request,
    cancel_join_request,
    decline_invite,
    reject_join_request,
    revoke_invite,
);

/// A proposal that was there a moment ago, with its space held.
#[derive(Debug, thiserror::Error)]
#[error("a proposal is gone from under those who hold its space")]
struct Vanished;

impl SpaceHost {
    /// A proposal that waits, if it is in the caller's hands, and its space, which is held until the
    /// transaction ends. Somebody else's is as good as none.
    pub(crate) async fn waiting<E: NoAnswer>(
        &self,
        tx: &mut Write,
        (caller, side): (&Did, Side),
        (kind, id): (ProposalKind, &str),
    ) -> Result<(HostedSpace, Proposal), Failure<E>> {
        let not_found = || declared(E::not_found()).status(404);
        let id = id.parse::<ProposalId>().map_err(|_| not_found())?;
        let proposals = self.storage.proposals();
        let found = proposals.find_in(tx, id).await?;
        let theirs = |one: &Proposal| {
            one.new.kind == kind
                && match side {
                    Side::Owner => one.new.space.authority() == *caller,
                    Side::Account => one.new.did == *caller,
                }
        };
        let uri = found.filter(theirs).ok_or_else(not_found)?.new.space;
        let spaces = self.storage.spaces();
        spaces.hold(tx, &uri).await?;
        // It may have been answered while this waited for its space.
        let found = proposals.find_in(tx, id).await?.ok_or_else(not_found)?;
        if found.status != ProposalStatus::Pending {
            return Err(declared(E::not_pending()).into());
        }
        let space = spaces.find_in(tx, &uri).await?;
        Ok((space.ok_or_else(not_found)?, found))
    }

    /// Ends a proposal that waits in any way but accepting it, which
    /// [`enlist`](SpaceHost::enlist) does.
    pub(crate) async fn end<E>(
        &self,
        tx: &mut Write,
        waits: Proposal,
        (status, by): (ProposalStatus, &Did),
        now: Timestamp,
    ) -> Result<Proposal, Failure<E>> {
        let proposals = self.storage.proposals();
        let ended = proposals.settle(tx, waits, (status, Some(by)), now).await?;
        Ok(ended.ok_or(Vanished)?)
    }

    /// The proposal as it is now.
    pub(crate) async fn proposal<E>(
        &self,
        tx: &mut Write,
        id: ProposalId,
    ) -> Result<Proposal, Failure<E>> {
        let found = self.storage.proposals().find_in(tx, id).await?;
        Ok(found.ok_or(Vanished)?)
    }

    /// What waits for somebody who becomes a member is accepted with that, on these terms.
    pub(crate) async fn settle_by_joining(
        &self,
        tx: &mut Write,
        new: (&HostedSpace, &loggia_storage::Member, &Did),
        now: Timestamp,
    ) -> Result<Option<Proposal>, StorageError> {
        let (space, member, by) = new;
        let proposals = self.storage.proposals();
        let Some(waits) = proposals.pending_in(tx, &space.uri, &member.did).await? else {
            return Ok(None);
        };
        let waits = Proposal {
            new: NewProposal {
                read: member.read,
                write: member.write,
                ..waits.new
            },
            ..waits
        };
        let answer = (ProposalStatus::Accepted, Some(by));
        proposals.settle(tx, waits, answer, now).await
    }
}
