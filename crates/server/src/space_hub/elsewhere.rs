//! News of spaces that are not hosted here, from those who host them.
//!
//! One function for each event, called within the transaction.

use jiff::Timestamp;
use loggia_api::com::atproto::space::notify_write;
use loggia_storage::{StorageError, Write};
use loggia_syntax::{Did, SpaceRef};
use loggia_xrpc::{DeclaredError, Failure, Rejection};

use crate::space_copies::{NewsError, RepoNews};
use crate::space_host::SpaceHost;

/// Something that the host or the authority of a space says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word<'a> {
    /// Who says it: proved, and not yet compared with anything.
    pub issuer: &'a Did,
    /// When it was heard.
    pub now: Timestamp,
}

/// An author's repository has advanced; whether the space is known here, and the word is its
/// authority's. After the commit, [`SpaceCopies::ring`](crate::space_copies::SpaceCopies::ring).
pub(crate) async fn written<E: DeclaredError>(
    host: &SpaceHost,
    tx: &mut Write,
    word: Word<'_>,
    input: &notify_write::Input,
) -> Result<bool, Failure<E>> {
    let (space, issuer) = (input.space.as_str(), word.issuer.as_str());
    if *word.issuer != input.space.authority() {
        tracing::debug!(space, issuer, "news of a space from somebody else");
        return Ok(false);
    }
    let news = RepoNews {
        space: &input.space,
        repo: &input.repo,
        repo_rev: &input.repo_rev,
        space_rev: input.space_rev.as_ref(),
        prev_space_rev: input.prev_space_rev.as_ref(),
    };
    match host.copies.written(tx, &news, word.now).await {
        Ok(is_known) => Ok(is_known),
        Err(NewsError::Crowded) => {
            let message = "the space has more repositories than are copied here";
            Err(Rejection::new(503, "NotEnoughResources", message).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// A space is gone, as its authority says: nothing is written or registered there any more, and nothing is
/// kept of it. Before the registrations for it are forgotten.
pub(crate) async fn deleted(
    host: &SpaceHost,
    tx: &mut Write,
    space: &SpaceRef,
    now: Timestamp,
) -> Result<(), StorageError> {
    let spaces = host.storage.spaces();
    let is_of_concern = spaces.is_of_concern(tx, space).await?;
    host.copies.forget(tx, space).await?;
    if is_of_concern {
        spaces.bury(tx, space, now).await?;
    }
    Ok(())
}

/// Credentials are void, as their authority says: none of them is used any more.
pub(crate) fn revoked(host: &SpaceHost, space: &SpaceRef, credentials: &[String]) {
    host.copies.revoked(space, credentials);
}
