//! What the hosts of other spaces tell this server, within the transaction of whoever takes it.

use jiff::Timestamp;
use loggia_storage::{Sequel, StorageError, Write};
use loggia_syntax::{Did, SpaceRef, Tid};

use super::visit::NOTHING;
use super::{PULL, SpaceCopies, VISIT, pull};
use crate::space_hub;
use crate::space_notices::{NotifyError, Told};

/// An author's repository has moved on, says the host of the space.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RepoNews<'a> {
    /// Where.
    pub(crate) space: &'a SpaceRef,
    /// Whose.
    pub(crate) repo: &'a Did,
    /// To this revision.
    pub(crate) repo_rev: &'a Tid,
    /// The place of the news in the sequence of the space.
    pub(crate) space_rev: Option<&'a Tid>,
    /// The place before it.
    pub(crate) prev_space_rev: Option<&'a Tid>,
}

impl SpaceCopies {
    /// Has the repository fetched, and the list of the space read if something before was missed. False
    /// if the space is not copied here. After the commit, [`SpaceCopies::ring`].
    ///
    /// What is said is not believed: it is a reason to ask the author's own host, and no more. That it
    /// was heard is kept all the same, since the errand that it caused is kept with it.
    pub(crate) async fn written(
        &self,
        tx: &mut Write,
        news: &RepoNews<'_>,
        now: Timestamp,
    ) -> Result<bool, NewsError> {
        let copies = self.storage.space_copies();
        let Some(copied) = copies.find_space_in(tx, news.space).await? else {
            return Ok(false);
        };
        let errands = self.storage.errands();
        let is_gap = match news.space_rev {
            Some(place) => copied.heard(place, news.prev_space_rev) == Sequel::Gap,
            None => true,
        };
        if !self.accounts.hosts(news.repo).await? {
            let authors = [news.repo.clone()];
            if !copies.begin(tx, &copied, &authors).await? {
                return Err(NewsError::Crowded);
            }
            let wanted = [(news.repo.clone(), pull::wanted(news.repo_rev))];
            self.want_pulls(tx, news.space, &wanted, now).await?;
        }
        if is_gap {
            let space = news.space.as_str();
            errands.put(tx, VISIT, space, NOTHING, now).await?;
        }
        if let Some(place) = news.space_rev {
            copies.set_heard(tx, news.space, place).await?;
        }
        Ok(true)
    }

    /// Wants repositories in a space fetched, each for what an errand of its kind says, or as much as is
    /// wanted of it already.
    pub(super) async fn want_pulls(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        wanted: &[(Did, String)],
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let all: Vec<_> = wanted
            .iter()
            .map(|(author, what)| (pull::subject(author, space), &**what))
            .collect();
        let errands: Vec<_> = all
            .iter()
            .map(|(subject, what)| (&**subject, *what))
            .collect();
        let open = self.storage.errands();
        open.raise_all(tx, PULL, &errands, now).await
    }

    /// Keeps nothing of a space any more; whether it was copied.
    pub(crate) async fn forget(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
    ) -> Result<bool, StorageError> {
        self.purse.forget(space);
        self.storage.space_copies().delete_space(tx, space).await
    }

    /// The space is gone: nothing of it is kept, and whoever is registered for it hears the last of it.
    /// None if it is not copied here.
    pub(super) async fn deleted(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        now: Timestamp,
    ) -> Result<Option<Told<'_>>, NotifyError> {
        if !self.forget(tx, space).await? {
            return Ok(None);
        }
        let told = space_hub::deleted(&self.notices, tx, space, now).await?;
        self.storage.spaces().bury(tx, space, now).await?;
        Ok(Some(told))
    }

    /// These credentials are void; with one of them no more is asked.
    pub(crate) fn revoked(&self, space: &SpaceRef, credentials: &[String]) {
        self.purse.revoke(space, credentials);
    }

    /// There is something to do.
    pub(crate) fn ring(&self) {
        self.bell.ring();
    }
}

/// Why news cannot be taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NewsError {
    /// The store failed.
    #[error("news of a space cannot be kept")]
    Storage(#[from] StorageError),
    /// It is not known whether the repository is here anyway.
    #[error(transparent)]
    Accounts(#[from] crate::space_host::AccountsError),
    /// The space has more repositories than are copied.
    #[error("the space has more repositories than are copied")]
    Crowded,
}
