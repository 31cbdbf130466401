//! Closing a space in parts: that it is gone holds at once, and what belonged to it goes bit by bit, so
//! that nobody waits for a hundred thousand members.
//!
//! While something is left there is an errand of the kind [`Spaces::CLOSING`] about the space, and no other
//! space of its name can be opened.

use jiff::Timestamp;
use loggia_syntax::SpaceRef;

use super::{Membership, Spaces, forget};
use crate::registration::hold_space;
use crate::sql;
use crate::{RepoName, StorageError, Write};

impl Spaces {
    /// The kind of the errands that finish closing a space; the subject is its name.
    pub const CLOSING: &str = "space-closing";

    /// Closes a space: it is gone, and known to be. Its members, and what is kept of what was written in
    /// it, go by [`Spaces::strike`] and [`Spaces::clear`].
    pub async fn close(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        forget(tx.sql(), "DELETE FROM space WHERE uri = $1", space).await?;
        self.bury(tx, space, now).await
    }

    /// Strikes members off the list of a space that is held, who are the first that are on it.
    pub async fn strike(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        members: &[Membership],
    ) -> Result<(), StorageError> {
        let Some(last) = members.last() else {
            return Ok(());
        };
        sql::query("DELETE FROM space_member WHERE space = $1 AND did <= $2")
            .bind(space.as_str())
            .bind(last.member.did.as_str())
            .execute(tx.sql())
            .await
            .map(drop)
            .map_err(StorageError::doing("strike members off"))
    }

    /// Holds what is in a space: its authority's repository, its sequence, the copies, and what is
    /// registered for it, in the order of those who write and hear.
    pub async fn hold_contents(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
    ) -> Result<RepoName, StorageError> {
        let own = RepoName {
            author: space.authority(),
            space: space.clone(),
        };
        self.storage.space_repos().hold(tx, &own).await?;
        self.storage.space_chains().hold(tx, space).await?;
        self.storage.space_copies().hold(tx, space).await?;
        hold_space(tx.sql(), space.as_str()).await?;
        Ok(own)
    }

    /// Removes what is left of a space that is closed, at most so many rows of a kind: its sequence, the
    /// copies of repositories elsewhere, and its authority's own repository. Whether nothing is left. All
    /// of it is held meanwhile.
    pub async fn clear(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        limit: u32,
    ) -> Result<bool, StorageError> {
        let storage = &self.storage;
        let own = self.hold_contents(tx, space).await?;
        if !storage.space_chains().delete_part(tx, space, limit).await?
            || !storage.space_copies().delete_part(tx, space, limit).await?
        {
            return Ok(false);
        }
        storage.space_repos().delete_part(tx, &own, limit).await
    }
}
