//! Reading a whole repository, without its records' values.

use std::time::Duration;

use bytes::BytesMut;
use loggia_api::com::atproto::space::get_repo::{GetRepo, Params};
use loggia_auth::PublicKey;
use loggia_space::snapshot::{BadSnapshot, Part, Reader, Values};
use loggia_space::{BadCommit, Index, SignedCommit};
use loggia_storage::RepoName;
use loggia_xrpc::{NoBody, NoError};
use loggia_xrpc_client::{CallError, Credentials, Download};

use super::asking::{AskError, Asking};
use super::limits;
use super::proof::{Unproved, is_signed_by};
use super::turn::Turn;
use super::worker::{Syncer, Undone};
use crate::host_places::NoPlace;

/// When to come again while as many repositories are read as may be.
const LATER: NoPlace = NoPlace {
    wait: Duration::from_secs(5),
    silences: 0,
};

/// A repository that is proved.
pub(super) struct Snapshot {
    pub(super) commit: SignedCommit,
    pub(super) index: Index,
}

impl Asking {
    /// The file, as it begins.
    async fn file(&self, turn: &Turn, name: &RepoName) -> Result<Download, AskError> {
        let RepoName { author, space } = name;
        let params = Params {
            space: space.clone(),
            repo: author.clone(),
            exclude_values: true,
        };
        let mut held = self.credential((space, turn), None).await?;
        let mut is_first = true;
        loop {
            let fields = held.fields(author)?;
            let (client, credentials) = (&self.outgoing.0, Credentials::Fields(&fields));
            let most = (limits::SNAPSHOT_BYTES, limits::PACE);
            let begun = client.download::<GetRepo>(turn.base(), &params, NoBody, credentials, most);
            match turn.call(begun).await {
                Err(AskError::Call(CallError::Refused { source, .. }))
                    if source.status == 401 && is_first =>
                {
                    held = self.credential((space, turn), Some(&held)).await?;
                    is_first = false;
                }
                begun => return begun,
            }
        }
    }
}

impl Syncer {
    /// An author's whole repository, if the author has signed it.
    pub(super) async fn snapshot(&self, turn: &Turn, name: &RepoName) -> Result<Snapshot, Undone> {
        let place = self.snapshots.try_acquire();
        let _held = place.map_err(|_| AskError::NoPlace(LATER))?;
        let key = self.asking.key(&name.author).await?;
        match self.read(turn, name, key).await {
            Err(Undone::Unproved(Unproved::Snapshot(BadSnapshot::Commit(
                BadCommit::Signature,
            )))) => {}
            read => return read,
        }
        // The key may have changed since it was looked up. The commit comes first, so that not much
        // was read in vain.
        let unsigned = BadSnapshot::Commit(BadCommit::Signature);
        let key = self.asking.new_key(&name.author).await?;
        let key = key.ok_or(Undone::Key(Unproved::Snapshot(unsigned)))?;
        self.read(turn, name, key).await
    }

    /// Reads no further than to the end of the index: it is what the commit was signed for, and a host
    /// that sends records all the same sends them in vain.
    async fn read(&self, turn: &Turn, name: &RepoName, key: PublicKey) -> Result<Snapshot, Undone> {
        let mut file = self.asking.file(turn, name).await?;
        // A host that drips is left alone like a silent one, also when it is cut off for that.
        turn.began();
        let verify = move |bytes: &[u8], signature: &[u8; 64]| is_signed_by(&key, bytes, signature);
        let mut reader = Reader::new(&name.space, &name.author, Values::Excluded, verify);
        loop {
            let piece = piece(&mut file).await.map_err(AskError::from)?;
            let is_last = piece.len() < limits::PIECE;
            let reading = move || {
                reader.push(&piece);
                let part = reader.next();
                (reader, part)
            };
            let read = self.computing.run::<_, NoError>(reading).await;
            let (next, part) = read.map_err(|_| Undone::Busy)?;
            if let Some(Part::Commit(commit)) = part.map_err(Unproved::Snapshot)? {
                turn.brought();
                let index = next.into_index();
                let index = index.ok_or(Unproved::Snapshot(BadSnapshot::Missing(0)))?;
                return Ok(Snapshot { commit, index });
            }
            if is_last {
                turn.brought();
                next.end().map_err(Unproved::Snapshot)?;
                return Err(Unproved::Snapshot(BadSnapshot::Missing(0)).into());
            }
            reader = next;
        }
    }
}

/// Of the file, as much as is read at once; less at its end.
async fn piece(file: &mut Download) -> Result<BytesMut, CallError> {
    let mut piece = BytesMut::new();
    while piece.len() < limits::PIECE {
        let chunk = file.next().await.map_err(|source| CallError::Client {
            nsid: <GetRepo as loggia_xrpc::Method>::NSID,
            source,
        })?;
        match chunk {
            Some(chunk) => piece.extend_from_slice(&chunk),
            None => break,
        }
    }
    Ok(piece)
}
