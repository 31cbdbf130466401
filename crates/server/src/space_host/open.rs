//! Finding the repository that somebody asks for, if they may see it.

use loggia_auth::SigningKey;
use loggia_auth::scope::SpaceAccess;
use loggia_callers::Either;
use loggia_storage::{RepoName, RepoState};
use loggia_syntax::{Did, SpaceRef};
use loggia_xrpc::{DeclaredError, Failure, declared};

use super::SpaceHost;
use super::accounts::not_hosted;
use super::reader::RepoReader;

/// A repository that the caller may read.
pub(crate) struct Opened {
    pub(crate) name: RepoName,
    pub(crate) state: RepoState,
}

/// What the caller is told where there is nothing for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoRepo {
    /// `SpaceNotFound`
    Space,
    /// `RepoNotFound`: there is none, or they may not learn of it.
    Repo,
}

/// The names of [`NoRepo`] in the words of a method.
pub(crate) trait RepoErrors: DeclaredError + Sized {
    /// Which of the declared errors it is.
    fn of(missing: NoRepo) -> Self;
}

macro_rules! repo_errors {
    ($($method:ident),* $(,)?) => { $(
        impl RepoErrors for loggia_api::com::atproto::space::$method::Error {
            fn of(missing: NoRepo) -> Self {
                match missing {
                    NoRepo::Space => Self::SpaceNotFound,
                    NoRepo::Repo => Self::RepoNotFound,
                }
            }
        }
    )* };
}

repo_errors!(
    get_blob,
    get_latest_commit,
    get_record,
    get_repo,
    list_blobs,
    list_records,
    list_repo_ops,
);

impl SpaceHost {
    /// The repository of an author in a space, if the caller may read it. The owner may as long as it
    /// is here; others no longer than the space.
    pub(crate) async fn open<E: RepoErrors>(
        &self,
        caller: &RepoReader,
        space: &SpaceRef,
        repo: &Did,
    ) -> Result<Opened, Failure<E>> {
        let missing = |what| Failure::from(declared(E::of(what)));
        match caller {
            // Whether somebody else has anything in the space is none of the caller's business.
            Either::First(account) if account.did != *repo => return Err(missing(NoRepo::Repo)),
            Either::First(account) => account.require(space, SpaceAccess::ReadSelf)?,
            Either::Second(_) => {}
        }
        // What the authority itself had in the space goes with it, bit by bit.
        let is_with_the_space = matches!(caller, Either::Second(_)) || space.authority() == *repo;
        if is_with_the_space && self.storage.spaces().is_deleted(space).await? {
            return Err(missing(NoRepo::Space));
        }
        let name = RepoName {
            author: repo.clone(),
            space: space.clone(),
        };
        if let Some(state) = self.storage.space_repos().state(&name).await? {
            return Ok(Opened { name, state });
        }
        match self.lacks_space(space).await? {
            true => Err(missing(NoRepo::Space)),
            false => Err(missing(NoRepo::Repo)),
        }
    }

    /// Whether the space would be here if it were anywhere, and is not.
    pub(crate) async fn lacks_space<E>(&self, space: &SpaceRef) -> Result<bool, Failure<E>> {
        if self.storage.spaces().find(space).await?.is_some() {
            return Ok(false);
        }
        let is_deleted = self.storage.spaces().is_deleted(space).await?;
        Ok(is_deleted || self.accounts.hosts(&space.authority()).await?)
    }

    /// The key of an account that is hosted here.
    pub(crate) async fn key_of<E>(&self, did: &Did) -> Result<SigningKey, Failure<E>> {
        let key = self.accounts.key(did).await?;
        Ok(key.ok_or_else(not_hosted)?)
    }
}
