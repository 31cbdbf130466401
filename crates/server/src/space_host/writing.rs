//! Writing to a repository and telling of it, in one transaction.

use loggia_delivery::{Clock, SystemClock};
use loggia_storage::{BlobClaim, RecordWrite, RepoName, Unwritten, Written, Wrote};
use loggia_syntax::{Did, Excerpt, SpaceRef};
use loggia_xrpc::{DeclaredError, Failure, Rejection, declared};

use super::accounts::not_hosted;
use super::caller::SpaceAccount;
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
        let asked = host.ask_to_write(&self.repo, now).await?;
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
        let mut fed = false;
        let counts = host.counts(&mut tx, &self.repo, space.as_ref(), asked);
        let told = match counts.await? {
            true => {
                let (notices, is_here) = (&host.notices, space.is_some());
                let told = space_hub::written(notices, &mut tx, &self.repo, written, is_here, now);
                let told = told.await?;
                let write = (writes, written);
                fed = host
                    .feeding
                    .written(&mut tx, &self.repo, write, now)
                    .await?;
                Some(told)
            }
            false => None,
        };
        tx.commit().await?;
        if fed {
            host.feeding.wake();
        }
        if let Some(told) = told {
            told.deliver();
        }
        Ok(wrote)
    }
}

fn refusal<E: NotWritten>(refused: &Unwritten) -> Failure<E> {
    let message = match refused {
        Unwritten::Exists(path) => format!("there is a record {path} already"),
        Unwritten::Missing(path) => format!("there is no record {path}"),
        Unwritten::NoBlob(cid) => format!("the blob {cid} was not uploaded, or is forgotten again"),
        Unwritten::BlobType(said, kept) => {
            let BlobClaim { cid, mime_type, .. } = said;
            let said = Excerpt(mime_type);
            format!("the blob {cid} was uploaded as {kept}, and the record says {said}")
        }
        Unwritten::BlobSize(said, kept) => {
            let BlobClaim { cid, size, .. } = said;
            format!("the blob {cid} has {kept} bytes, and the record says {size}")
        }
        Unwritten::Full => format!("a repository has at most {} records", limits::RECORDS),
    };
    match (E::of(refused), refused) {
        (Some(error), _) => declared(error).message(message).into(),
        (None, Unwritten::NoBlob(_)) => Rejection::new(400, "BlobNotFound", message).into(),
        // As the reference PDS calls them.
        (None, Unwritten::BlobType(..)) => Rejection::new(400, "InvalidMimeType", message).into(),
        (None, Unwritten::BlobSize(..)) => Rejection::new(400, "InvalidSize", message).into(),
        (None, _) => Rejection::invalid_request(message).into(),
    }
}
