//! Reading a whole repository, without its records' values.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::HeaderMap;
use bytes::BytesMut;
use loggia_api::com::atproto::space::get_repo::{GetRepo, Params};
use loggia_auth::PublicKey;
use loggia_space::snapshot::{BadSnapshot, Part, Reader, Values};
use loggia_space::{BadCommit, Index, SignedCommit};
use loggia_storage::RepoName;
use loggia_xrpc::{NoBody, NoError};
use loggia_xrpc_client::{CallError, Credentials, Download};
use loggia_xrpc_server::CallerKey;

use super::asking::{AskError, Asking};
use super::limits;
use super::proof::{Unproved, is_signed_by};
use super::turn::Turn;
use super::worker::{Syncer, Undone};
use crate::at_once::{AtOnce, Place};
use crate::host_places::{Domain, NoPlace};

/// When to come again while as many repositories are read as may be.
const LATER: Duration = Duration::from_secs(5);
/// The same of large ones.
const MUCH_LATER: Duration = Duration::from_secs(60);
/// So many repositories are remembered to be large.
const KNOWN: usize = 10_000;

/// Places for repositories that are read whole. Each begins in one of many; what turns out to be large goes
/// on in one of few. So a host that takes its time with a large one keeps no small one waiting, and none of
/// the same owner has all. One that is known to be large waits for one of those few, so that it is not
/// read anew up to there each time.
pub(crate) struct Snapshots {
    small: AtOnce,
    large: AtOnce,
    known: Mutex<HashSet<RepoName>>,
}

impl Default for Snapshots {
    fn default() -> Self {
        let (small, large) = (limits::SNAPSHOTS, limits::LARGE_SNAPSHOTS);
        Self {
            small: AtOnce::new(small.0, small.1),
            large: AtOnce::new(large.0, large.1),
            known: Mutex::default(),
        }
    }
}

impl Snapshots {
    fn is_large(&self, name: &RepoName) -> bool {
        lock(&self.known).contains(name)
    }

    /// Remembers a large repository, of [`KNOWN`] at most: more are found to be large once more.
    fn remember(&self, name: &RepoName) {
        let mut known = lock(&self.known);
        if known.len() >= KNOWN {
            known.clear();
        }
        known.insert(name.clone());
    }

    fn forget(&self, name: &RepoName) {
        lock(&self.known).remove(name);
    }
}

/// What is remembered changes in one step: it is whole even if somebody panicked.
fn lock(known: &Mutex<HashSet<RepoName>>) -> MutexGuard<'_, HashSet<RepoName>> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A place for a repository that is read.
struct Room<'a> {
    snapshots: &'a Snapshots,
    name: &'a RepoName,
    domain: Domain,
    place: Place<'a>,
    is_large: bool,
    read: usize,
}

impl<'a> Room<'a> {
    fn of(snapshots: &'a Snapshots, turn: &Turn, name: &'a RepoName) -> Result<Self, AskError> {
        let domain = Domain::of(turn.base());
        let is_large = snapshots.is_large(name);
        let place = match is_large {
            true => enter(&snapshots.large, &domain, MUCH_LATER)?,
            false => enter(&snapshots.small, &domain, LATER)?,
        };
        Ok(Self {
            snapshots,
            name,
            domain,
            place,
            is_large,
            read: 0,
        })
    }

    /// Makes room for so many bytes more.
    fn grow(&mut self, bytes: usize) -> Result<(), AskError> {
        self.read += bytes;
        if !self.is_large && self.read > limits::SMALL {
            self.snapshots.remember(self.name);
            self.place = enter(&self.snapshots.large, &self.domain, MUCH_LATER)?;
            self.is_large = true;
        }
        Ok(())
    }

    /// It was read to its end: it is as large as it is.
    fn end(&self) {
        if self.read <= limits::SMALL {
            self.snapshots.forget(self.name);
        }
    }
}

fn enter<'a>(places: &'a AtOnce, of: &Domain, wait: Duration) -> Result<Place<'a>, AskError> {
    let place = places.enter(Some(CallerKey::Name(of.as_str().into())));
    let silences = 0;
    place.ok_or(AskError::NoPlace(NoPlace { wait, silences }))
}

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
        let (client, base, params) = (&self.outgoing.0, turn.base(), &params);
        let begin = |fields: HeaderMap| async move {
            let credentials = Credentials::Fields(&fields);
            let most = (limits::SNAPSHOT_BYTES, limits::PACE);
            let begun = client.download::<GetRepo>(base, params, NoBody, credentials, most);
            begun.await
        };
        self.with_credential(turn, (space, author), begin).await
    }
}

impl Syncer {
    /// An author's whole repository, if the author has signed it.
    pub(super) async fn snapshot(&self, turn: &Turn, name: &RepoName) -> Result<Snapshot, Undone> {
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
        let mut room = Room::of(&self.snapshots, turn, name)?;
        let mut file = self.asking.file(turn, name).await?;
        // A host that drips is left alone like a silent one, also when it is cut off for that.
        turn.began();
        let verify = move |bytes: &[u8], signature: &[u8; 64]| is_signed_by(&key, bytes, signature);
        let mut reader = Reader::new(&name.space, &name.author, Values::Excluded, verify);
        loop {
            let piece = piece(&mut file).await.map_err(AskError::from)?;
            let is_last = piece.len() < limits::PIECE;
            if let Err(full) = room.grow(piece.len()) {
                // That there is no room is not the host's fault.
                turn.brought();
                return Err(full.into());
            }
            let reading = move || {
                reader.push(&piece);
                let part = reader.next();
                (reader, part)
            };
            let read = self.computing.run::<_, NoError>(reading).await;
            let (next, part) = read.map_err(|_| Undone::Busy)?;
            if let Some(Part::Commit(commit)) = part.map_err(Unproved::Snapshot)? {
                turn.brought();
                room.end();
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

#[cfg(test)]
mod tests {
    use loggia_syntax::{Did, SpaceRef};

    use super::*;
    use crate::host_places::Places;

    #[test]
    fn large_repositories_keep_no_small_one_waiting_and_no_owner_has_all_places() {
        let (snapshots, places) = (Snapshots::default(), Places::default());
        let turn = |url: &str| {
            let turn = Turn::of(&places, url.parse().expect("a URL"));
            turn.unwrap_or_else(|_| panic!("a place"))
        };
        let repos: Vec<_> = ["a", "b", "good"].map(repo).into();
        let begin = |turn: &Turn, name| Room::of(&snapshots, turn, name);
        let slow = turn("https://a.slow.test");
        let mut large = begin(&slow, &repos[0]).expect("a place");
        large.grow(limits::SMALL).expect("it is small");
        large.grow(1).expect("a place");
        let beside = turn("https://b.slow.test");
        let mut other = begin(&beside, &repos[1]).expect("a place");
        let full = other.grow(limits::SMALL + 1);
        assert!(matches!(full, Err(AskError::NoPlace(_))), "{full:?}");
        // It is known to be large now: nothing is read of it while no place is free.
        let full = begin(&beside, &repos[1]).err();
        assert!(matches!(full, Some(AskError::NoPlace(_))), "{full:?}");
        let mut good = begin(&turn("https://good.test"), &repos[2]).expect("a place");
        good.grow(limits::SMALL + 1).expect("a place for another");
        drop(large);
        other = begin(&beside, &repos[1]).expect("it is free again");
        other.grow(limits::SMALL).expect("as much as it likes");
        // It has become small.
        other.end();
        assert!(!snapshots.is_large(&repos[1]));
        snapshots.forget(&repos[0]);
        // Those who have begun are as many as may be of each owner.
        let most = limits::SNAPSHOTS.0;
        let begun: Vec<_> = (0..=most).map(|_| begin(&slow, &repos[0])).collect();
        assert_eq!(begun.iter().filter(|one| one.is_ok()).count(), most);
    }

    fn repo(author: &str) -> RepoName {
        let space = "at://did:web:space.test/space/com.example.forum/main";
        RepoName {
            author: Did::new(format!("did:web:{author}.test")).expect("a DID"),
            space: SpaceRef::new(space).expect("a space"),
        }
    }
}
