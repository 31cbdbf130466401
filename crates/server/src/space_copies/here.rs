//! Spaces that are hosted here, in which authors write whose repositories are elsewhere.
//!
//! Their hosts tell this server without being asked, and the list of who has written is its own. So
//! nothing is registered or listed over the network: a visit compares the copies with the list, and
//! wants those that are behind.

use jiff::Timestamp;
use loggia_auth::space_credential::{self, KeyBinding, NewCredential};
use loggia_auth::{SigningKey, service_auth};
use loggia_delivery::{Clock as _, SystemClock};
use loggia_storage::{Begun, CopiedSpace, Errand, RepoName, SpacePolicy, StorageError, Write};
use loggia_syntax::{SpaceRef, Tid};

use super::asking::{AskError, Asking};
use super::credential::Held;
use super::worker::{Syncer, Undone};
use super::{SpaceCopies, pull};
use crate::chance;
use crate::space_host::AccountsError;
use crate::space_hub::News;

/// Why it is not known whether to copy a repository.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotCopied {
    /// The store failed.
    #[error("the wish to copy a repository cannot be kept")]
    Storage(#[from] StorageError),
    /// It is not known whether the repository is here anyway.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
}

impl SpaceCopies {
    /// Has a repository fetched that has moved on in a space here, unless it is here as well; whether
    /// there is something to do. For a space of which somebody hears record by record. What is not later
    /// than `known` was heard of before.
    ///
    /// That there is no room for another copy is no reason to refuse the news: services hear of them.
    pub(crate) async fn advanced_here(
        &self,
        tx: &mut Write,
        news: News<'_>,
        known: Option<&Tid>,
        now: Timestamp,
    ) -> Result<bool, NotCopied> {
        if self.accounts.hosts(&news.repo.author).await? {
            return Ok(false);
        }
        let copies = self.storage.space_copies();
        if copies.begin_here(tx, news.repo, known, now).await? != Begun::Yes {
            return Ok(refused(news.repo));
        }
        let RepoName { author, space } = news.repo;
        let wanted = [(author.clone(), pull::wanted(news.rev))];
        self.want_pulls(tx, space, &wanted, now).await?;
        Ok(true)
    }
}

fn refused(repo: &RepoName) -> bool {
    metrics::counter!("loggia_space_copies_refused_total").increment(1);
    let space = repo.space.as_str();
    tracing::warn!(
        space,
        "as much is copied as may be: webhooks do not hear of an author's writes elsewhere"
    );
    false
}

impl Asking {
    /// A credential for a space of an authority that is hosted here, in its own name. None if it is not.
    pub(super) async fn own_credential(&self, space: &SpaceRef) -> Result<Option<Held>, AskError> {
        let Some(key) = self.accounts.key(&space.authority()).await? else {
            return Ok(None);
        };
        let (now, bound) = (SystemClock.now(), SigningKey::generate_p256()?);
        let binding = KeyBinding::HttpSignature(bound.public().clone());
        let new = NewCredential {
            space,
            binding: &binding,
            fragment: service_auth::KEY,
            now,
            lifetime: binding.usual_lifetime(),
            id: chance::bytes(),
        };
        let credential = space_credential::mint(&key, &new)?;
        Ok(Some(Held::new(bound, &credential, space, now)?))
    }
}

impl Syncer {
    /// Whether a space's authority is hosted here, and with it the space.
    pub(super) async fn is_here(&self, space: &SpaceRef) -> Result<bool, Undone> {
        Ok(self.copies.accounts.hosts(&space.authority()).await?)
    }

    /// Wants every copy that is behind what was heard.
    pub(super) async fn visit_here(
        &self,
        errand: &Errand,
        copied: &CopiedSpace,
    ) -> Result<(), Undone> {
        let (storage, now) = (&self.copies.storage, SystemClock.now());
        let behind = storage.space_copies().behind(&copied.space).await?;
        let wanted: Vec<_> = behind
            .into_iter()
            .map(|(author, rev)| (author, pull::wanted(&rev)))
            .collect();
        let mut tx = storage.begin().await?;
        self.copies
            .want_pulls(&mut tx, &copied.space, &wanted, now)
            .await?;
        storage.errands().done(&mut tx, errand).await?;
        let next = now + self.between_visits;
        storage
            .space_copies()
            .visit_next(&mut tx, &copied.space, next)
            .await?;
        tx.commit().await?;
        self.copies.bell.ring();
        Ok(())
    }

    /// Whether an author's writes are still taken note of. It was asked when the news came; meanwhile
    /// they may have been put out. What a managing app has said holds for what it was asked about.
    pub(super) async fn still_counts(&self, repo: &RepoName) -> Result<bool, StorageError> {
        let spaces = self.copies.storage.spaces();
        let Some(space) = spaces.find(&repo.space).await? else {
            // Elsewhere, its host says who counts; here, it is gone.
            return Ok(!spaces.is_deleted(&repo.space).await?);
        };
        let is_authoritys = repo.space.authority() == repo.author;
        match space.write_policy {
            SpacePolicy::MemberList if !is_authoritys => {
                let member = spaces.member(&repo.space, &repo.author).await?;
                Ok(member.is_some_and(|member| member.write))
            }
            _ => Ok(true),
        }
    }
}
