//! Credentials that their authority has taken back (`notifyCredentialRevoked`).

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use loggia_syntax::SpaceRef;
use sha2::{Digest, Sha256};

/// Why a list cannot say. The credential is refused then.
#[derive(Debug, thiserror::Error)]
#[error("the revocation list failed")]
pub struct RevocationError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Knows which credentials were revoked. Shared by all processes that accept the same credentials.
pub trait Revocations: Send + Sync + 'static {
    /// Whether the credential with this `jti`, for this space, was revoked.
    fn is_revoked(
        &self,
        space: &SpaceRef,
        id: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool, RevocationError>> + Send;
}

impl<R: Revocations> Revocations for std::sync::Arc<R> {
    async fn is_revoked(
        &self,
        space: &SpaceRef,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, RevocationError> {
        R::is_revoked(self, space, id, now).await
    }
}

/// For a service to which nobody sends revocations. A host of spaces or repositories is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NothingRevoked;

impl Revocations for NothingRevoked {
    async fn is_revoked(
        &self,
        _: &SpaceRef,
        _: &str,
        _: Timestamp,
    ) -> Result<bool, RevocationError> {
        Ok(false)
    }
}

/// A list for a single process, lost when it ends. An entry takes about 150 bytes.
#[derive(Debug)]
pub struct MemoryRevocations {
    most: usize,
    live: Mutex<Live>,
}

#[derive(Debug, Default)]
struct Live {
    keys: HashSet<[u8; 32]>,
    by_end: BTreeSet<(Timestamp, [u8; 32])>,
}

/// There is no room for another revocation. Forgetting one would let its credential in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the revocation list holds {0} entries and has no room for another")]
pub struct RevocationsFull(pub usize);

impl MemoryRevocations {
    /// How long a revocation is kept: as long as a credential of either form can live, and the skew
    /// on both ends. October alone would need 3610 s.
    pub const KEEP: SignedDuration = SignedDuration::from_secs(7210);

    /// A list of at most `most` entries.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            live: Mutex::default(),
        }
    }

    /// Revokes the credential with this `jti`, for this space. Doing so again changes nothing.
    pub fn revoke(
        &self,
        space: &SpaceRef,
        id: &str,
        now: Timestamp,
    ) -> Result<(), RevocationsFull> {
        let key = digest(space, id);
        // Nothing panics while it is held, and both sets change together.
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.forget_before(now);
        if live.keys.contains(&key) {
            return Ok(());
        }
        if live.keys.len() >= self.most {
            return Err(RevocationsFull(self.most));
        }
        let until = now.checked_add(Self::KEEP).unwrap_or(Timestamp::MAX);
        live.keys.insert(key);
        live.by_end.insert((until, key));
        Ok(())
    }
}

impl Default for MemoryRevocations {
    /// 100,000 entries (about 15 MB).
    fn default() -> Self {
        Self::new(100_000)
    }
}

impl Revocations for MemoryRevocations {
    async fn is_revoked(
        &self,
        space: &SpaceRef,
        id: &str,
        _: Timestamp,
    ) -> Result<bool, RevocationError> {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(live.keys.contains(&digest(space, id)))
    }
}

impl Live {
    fn forget_before(&mut self, now: Timestamp) {
        while let Some(first) = self.by_end.first().copied().filter(|(end, _)| *end < now) {
            self.by_end.remove(&first);
            self.keys.remove(&first.1);
        }
    }
}

fn digest(space: &SpaceRef, id: &str) -> [u8; 32] {
    // A space reference has no NUL in it.
    let mut hash = Sha256::new();
    hash.update(space.as_str());
    hash.update([0]);
    hash.update(id);
    hash.finalize().into()
}
