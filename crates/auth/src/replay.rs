//! Tokens that may be used once.

use std::collections::btree_map::OccupiedEntry;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// Which kind of token a key belongs to; keys of different scopes never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReplayScope {
    /// Service auth: key is issuer and `jti`.
    ServiceAuth,
    /// DPoP proofs of OAuth: key is the key's thumbprint and `jti`.
    OauthDpop,
    /// Proofs that go with a space credential: key is the key's thumbprint and `jti`.
    SpaceDpop,
    /// Delegation tokens: key is issuer and `jti`.
    Delegation,
    /// Client attestations: key is `client_id` and `jti`.
    ClientAttestation,
}

impl ReplayScope {
    /// The name under which a store keeps it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServiceAuth => "service",
            Self::OauthDpop => "oauth-dpop",
            Self::SpaceDpop => "space-dpop",
            Self::Delegation => "delegation",
            Self::ClientAttestation => "attestation",
        }
    }
}

/// What a store says of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Replay {
    /// Used for the first time, and kept from now on.
    Fresh,
    /// Used before.
    Seen,
}

/// Why a store cannot say. The token is refused then.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// No room for another live key. Forgetting one would let its token be used again.
    #[error("the replay store holds {0} live keys and has no room for another")]
    Full(usize),
    /// The store is away for now.
    #[error("the replay store is away")]
    Away(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store failed.
    #[error("the replay store failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ReplayError {
    /// The HTTP status of a request that is refused for it.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Full(_) | Self::Away(_) => 503,
            Self::Failed(_) => 500,
        }
    }

    /// The error name on the wire.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Full(_) | Self::Away(_) => "NotEnoughResources",
            Self::Failed(_) => "InternalServerError",
        }
    }
}

/// Remembers which tokens were used. Shared by all processes that accept the same tokens.
pub trait ReplayStore: Send + Sync + 'static {
    /// Uses a key up, atomically: of any number of callers with the same key, one gets
    /// [`Replay::Fresh`]. The key may be forgotten after `not_after`, when its token has expired.
    fn consume(
        &self,
        scope: ReplayScope,
        key: &str,
        not_after: Timestamp,
        now: Timestamp,
    ) -> impl Future<Output = Result<Replay, ReplayError>> + Send;
}

impl<S: ReplayStore> ReplayStore for std::sync::Arc<S> {
    async fn consume(
        &self,
        scope: ReplayScope,
        key: &str,
        not_after: Timestamp,
        now: Timestamp,
    ) -> Result<Replay, ReplayError> {
        S::consume(self, scope, key, not_after, now).await
    }
}

/// A store for a single process, lost when it ends. A key takes about 150 bytes.
#[derive(Debug)]
pub struct MemoryReplayStore {
    most: usize,
    live: Mutex<Live>,
}

/// Keys are kept as digests, so that their length does not matter.
type Key = [u8; 32];

#[derive(Debug, Default)]
struct Live {
    keys: HashSet<Key>,
    /// Which keys may be forgotten after which second.
    by_end: BTreeMap<i64, Vec<Key>>,
}

impl MemoryReplayStore {
    /// A store of at most `most` live keys; when it is full it refuses, and forgets none.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            live: Mutex::default(),
        }
    }
}

impl Default for MemoryReplayStore {
    /// 200,000 keys (about 30 MB): 600 calls a second with tokens of five minutes.
    fn default() -> Self {
        Self::new(200_000)
    }
}

impl ReplayStore for MemoryReplayStore {
    async fn consume(
        &self,
        scope: ReplayScope,
        key: &str,
        not_after: Timestamp,
        now: Timestamp,
    ) -> Result<Replay, ReplayError> {
        let key = digest(scope, key);
        // Nothing panics while it is held, and both sets change together.
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.forget_before(now);
        if live.keys.contains(&key) {
            return Ok(Replay::Seen);
        }
        if live.keys.len() >= self.most {
            return Err(ReplayError::Full(self.most));
        }
        live.keys.insert(key);
        let second = not_after.as_second();
        live.by_end.entry(second).or_default().push(key);
        Ok(Replay::Fresh)
    }
}

impl Live {
    fn forget_before(&mut self, now: Timestamp) {
        // A second is over when the next one has begun.
        let over = |entry: &OccupiedEntry<'_, _, _>| *entry.key() < now.as_second();
        while let Some(entry) = self.by_end.first_entry().filter(over) {
            for key in entry.remove() {
                self.keys.remove(&key);
            }
        }
    }
}

fn digest(scope: ReplayScope, key: &str) -> Key {
    let mut hash = Sha256::new();
    hash.update(scope.as_str());
    hash.update([0]);
    hash.update(key);
    hash.finalize().into()
}
