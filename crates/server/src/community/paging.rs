//! Paging through requests to join and invites.

use loggia_api::dev::loggia::community::{list_invites, list_join_requests};
use loggia_storage::{Proposal, ProposalId, ProposalKind, ProposalStatus, ProposalsOf};
use loggia_syntax::{Did, SpaceRef};
use loggia_xrpc::{DeclaredError, Failure, declared};

use crate::space_host::SpaceHost;

/// Which page somebody wants.
pub(crate) struct Wanted {
    pub(crate) kind: ProposalKind,
    /// Those for a space of the caller's; those about the caller if absent.
    pub(crate) space: Option<SpaceRef>,
    pub(crate) status: Option<ProposalStatus>,
    pub(crate) limit: i64,
    pub(crate) cursor: Option<String>,
}

/// The names of refusals in the words of a method.
pub(crate) trait NoPage: DeclaredError + Sized {
    /// `SpaceNotFound`
    fn no_space() -> Self;
    /// `NotSpaceOwner`
    fn not_owner() -> Self;
    /// `InvalidCursor`
    fn no_cursor() -> Self;
}

macro_rules! no_page {
    ($($method:ident),* $(,)?) => { $(
        impl NoPage for $method::Error {
            fn no_space() -> Self {
                Self::SpaceNotFound
            }

            fn not_owner() -> Self {
                Self::NotSpaceOwner
            }

            fn no_cursor() -> Self {
                Self::InvalidCursor
            }
        }
    )* };
}

no_page!(list_invites, list_join_requests);

impl SpaceHost {
    /// A page of proposals, newest first, and where the next one begins.
    pub(crate) async fn page_of_proposals<E: NoPage>(
        &self,
        caller: &Did,
        wanted: Wanted,
    ) -> Result<(Vec<Proposal>, Option<String>), Failure<E>> {
        if let Some(space) = &wanted.space {
            let found = self.storage.spaces().find(space).await?;
            found.ok_or_else(|| declared(E::no_space()))?;
            if space.authority() != *caller {
                return Err(declared(E::not_owner()).into());
            }
        }
        let of = match &wanted.space {
            Some(space) => ProposalsOf::Space(space),
            None => ProposalsOf::Account(caller),
        };
        let cursor = wanted.cursor.map(|cursor| cursor.parse::<ProposalId>());
        let after = cursor.transpose();
        let after = after.map_err(|_| declared(E::no_cursor()))?;
        let limit = usize::try_from(wanted.limit)?;
        let proposals = self.storage.proposals();
        let mut found = proposals
            .list(
                (wanted.kind, of),
                wanted.status,
                after,
                u32::try_from(limit + 1)?,
            )
            .await?;
        let more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| more);
        let cursor = last.map(|last| last.id.to_string());
        Ok((found, cursor))
    }
}
