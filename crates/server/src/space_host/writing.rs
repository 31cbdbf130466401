//! Writing to a repository and telling of it, in one transaction.

use jiff::Timestamp;
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::{
    HostedSpace, RecordWrite, RepoName, SpacePolicy, StorageError, Unwritten, Write, Written, Wrote,
};
use loggia_syntax::{Did, SpaceRef};
use loggia_xrpc::{DeclaredError, Failure, Rejection, declared};

use super::accounts::not_hosted;
use super::caller::SpaceAccount;
use super::managing_app::{Access, Question};
use super::{SpaceHost, limits};
use crate::{chance, space_hub};

/// Somebody who writes to their own repository in a space.
pub(crate) struct Writer<'a> {
    host: &'a SpaceHost,
    repo: RepoName,
}

/// The names of refusals in the words of a method.
pub(crate) trait NotWritten: DeclaredError + Sized {
    /// `SpaceNotFound`
    fn no_space() -> Self;

    /// The declared error for this, if there is one.
    fn of(_: &Unwritten) -> Option<Self> {
        None
    }
}

impl<'a> Writer<'a> {
    /// The caller at the repository that the input names, which must be their own and hosted here.
    pub(crate) async fn of<E>(
        host: &'a SpaceHost,
        caller: &SpaceAccount,
        space: SpaceRef,
        repo: Did,
    ) -> Result<Self, Failure<E>> {
        if caller.did != repo {
            let message = "nobody writes into the repository of another account";
            return Err(Rejection::forbidden(message).into());
        }
        if !host.accounts.hosts(&repo).await? {
            return Err(not_hosted().into());
        }
        let repo = RepoName {
            author: repo,
            space,
        };
        Ok(Self { host, repo })
    }

    /// Does all of it or nothing. `check` sees what would be done, and may refuse it.
    pub(crate) async fn write<E: NotWritten>(
        &self,
        writes: &[RecordWrite],
        check: impl FnOnce(&Written) -> Result<(), Rejection>,
    ) -> Result<Wrote, Failure<E>> {
        let (host, now) = (self.host, SystemClock.now());
        let authority = self.repo.space.authority();
        let is_ours = host.accounts.hosts(&authority).await?;
        let asked = self.ask(now).await?;
        let mut tx = host.storage.begin().await?;
        let spaces = host.storage.spaces();
        let space = spaces.find_in(&mut tx, &self.repo.space).await?;
        let is_gone = spaces.is_deleted_in(&mut tx, &self.repo.space).await?;
        if is_gone || is_ours && space.is_none() {
            return Err(declared(E::no_space()).into());
        }
        let clock = u16::from_le_bytes(chance::bytes());
        let repos = host.storage.space_repos();
        let wrote = repos
            .write(&mut tx, &self.repo, writes, limits::RECORDS, (now, clock))
            .await?;
        let written = match &wrote {
            Wrote::Written(written) => written,
            Wrote::Unchanged => return Ok(wrote),
            Wrote::Refused(refused) => return Err(refusal(refused)),
        };
        check(written)?;
        let told = match self.counts(&mut tx, space.as_ref(), asked).await? {
            true => {
                let notices = &host.notices;
                Some(space_hub::written(notices, &mut tx, &self.repo, written, now).await?)
            }
            false => None,
        };
        tx.commit().await?;
        if let Some(told) = told {
            told.deliver();
        }
        Ok(wrote)
    }

    /// What the managing app says of this author's writes, if the space goes by it. Before the
    /// transaction, in which nothing waits for others.
    async fn ask(&self, now: Timestamp) -> Result<Option<(String, bool)>, StorageError> {
        let RepoName { author, space } = &self.repo;
        if space.authority() == *author {
            return Ok(None);
        }
        let found = self.host.storage.spaces().find(space).await?;
        let Some(SpacePolicy::ManagingApp(app)) = found.map(|space| space.write_policy) else {
            return Ok(None);
        };
        let question = Question {
            space,
            user: author,
            access: Access::Write,
            client: None,
        };
        let lets_in = self.host.ask(&app, &question, now).await;
        Ok(Some((app, lets_in)))
    }

    /// Whether the space takes note of this author's writes. That of somebody else is left to its own
    /// host, except for those who have registered here.
    async fn counts(
        &self,
        tx: &mut Write,
        space: Option<&HostedSpace>,
        asked: Option<(String, bool)>,
    ) -> Result<bool, StorageError> {
        let author = &self.repo.author;
        let Some(space) = space.filter(|space| space.uri.authority() != *author) else {
            return Ok(true);
        };
        match &space.write_policy {
            SpacePolicy::Public => Ok(true),
            SpacePolicy::MemberList => {
                let spaces = self.host.storage.spaces();
                let member = spaces.member_in(tx, &space.uri, author).await?;
                Ok(member.is_some_and(|member| member.write))
            }
            SpacePolicy::ManagingApp(app) => {
                Ok(asked.is_some_and(|(asked, lets_in)| asked == *app && lets_in))
            }
        }
    }
}

fn refusal<E: NotWritten>(refused: &Unwritten) -> Failure<E> {
    let message = match refused {
        Unwritten::Exists(path) => format!("there is a record {path} already"),
        Unwritten::Missing(path) => format!("there is no record {path}"),
        Unwritten::NoBlob(cid) => format!("the blob {cid} was not uploaded, or is forgotten again"),
        Unwritten::Full => format!("a repository has at most {} records", limits::RECORDS),
    };
    match (E::of(refused), refused) {
        (Some(error), _) => declared(error).message(message).into(),
        (None, Unwritten::NoBlob(_)) => Rejection::new(400, "BlobNotFound", message).into(),
        (None, _) => Rejection::invalid_request(message).into(),
    }
}
