//! Reading a whole repository, without its records' values.

use loggia_api::com::atproto::space::get_repo::{GetRepo, Params};
use loggia_auth::PublicKey;
use loggia_space::snapshot::{BadSnapshot, Part, Reader, Values};
use loggia_space::{Index, SignedCommit};
use loggia_storage::RepoName;
use loggia_xrpc::{Content, NoBody, NoError};
use loggia_xrpc_client::Url;

use super::asking::Asking;
use super::limits;
use super::proof::{Unproved, is_signed_by};
use super::worker::{Syncer, Undone};
use bytes::Bytes;

/// A repository that is proved.
pub(super) struct Snapshot {
    pub(super) commit: SignedCommit,
    pub(super) index: Index,
}

impl Asking {
    /// The file, as it is.
    async fn file(&self, base: &Url, name: &RepoName) -> Result<Bytes, Undone> {
        let RepoName { author, space } = name;
        let params = Params {
            space: space.clone(),
            repo: author.clone(),
            exclude_values: true,
        };
        let output = self
            .ask::<GetRepo>(
                base,
                (space, author),
                &params,
                || NoBody,
                limits::SNAPSHOT_BYTES,
            )
            .await?;
        match output.0.content {
            Content::Whole(bytes) => Ok(bytes),
            Content::Stream(_) => Err(Undone::Streamed),
        }
    }
}

impl Syncer {
    /// An author's whole repository, if the author has signed it.
    pub(super) async fn snapshot(&self, base: &Url, name: &RepoName) -> Result<Snapshot, Undone> {
        let place = self.snapshots.acquire().await;
        let _held = place.expect("the semaphore is never closed");
        let file = self.asking.file(base, name).await?;
        let key = self.asking.key(&name.author).await?;
        match self.proved(&file, name, key).await? {
            Err(BadSnapshot::Commit(loggia_space::BadCommit::Signature)) => {}
            read => return Ok(read.map_err(Unproved::Snapshot)?),
        }
        // The key may have changed since it was looked up.
        let unsigned = BadSnapshot::Commit(loggia_space::BadCommit::Signature);
        let Some(key) = self.asking.new_key(&name.author).await? else {
            return Err(Unproved::Snapshot(unsigned).into());
        };
        let read = self.proved(&file, name, key).await?;
        Ok(read.map_err(Unproved::Snapshot)?)
    }

    async fn proved(
        &self,
        file: &Bytes,
        name: &RepoName,
        key: PublicKey,
    ) -> Result<Result<Snapshot, BadSnapshot>, Undone> {
        let (file, name) = (file.clone(), name.clone());
        let reading = move || read(&file, &name, &key);
        let read = self.computing.run::<_, NoError>(reading).await;
        read.map_err(|_| Undone::Busy)
    }
}

fn read(file: &[u8], name: &RepoName, key: &PublicKey) -> Result<Snapshot, BadSnapshot> {
    let verify = |bytes: &[u8], signature: &[u8; 64]| is_signed_by(key, bytes, signature);
    let mut reader = Reader::new(&name.space, &name.author, Values::Excluded, verify);
    reader.push(file);
    let mut commit = None;
    while let Some(part) = reader.next()? {
        if let Part::Commit(signed) = part {
            commit = Some(signed);
        }
    }
    reader.end()?;
    let index = reader.index().cloned();
    let whole = commit.zip(index).ok_or(BadSnapshot::Missing(0))?;
    let (commit, index) = whole;
    Ok(Snapshot { commit, index })
}
