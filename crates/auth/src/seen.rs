//! Tokens whose signature was verified before: presenting one again costs a hash and not another
//! verification. What can change (time, keys, revocation) is checked by the caller every time.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use loggia_identity::Multikey;

use crate::bounded::Bounded;
use crate::hashed::HashedToken;

/// A bounded set of tokens by their SHA-256.
pub(crate) struct Seen<T> {
    tokens: Mutex<Bounded<Digest256, Entry<T>>>,
}

type Digest256 = [u8; 32];

/// What a token said, and the key that it was verified with.
pub(crate) struct Entry<T> {
    pub(crate) value: Arc<T>,
    pub(crate) key: Multikey,
}

impl<T> Clone for Entry<T> {
    fn clone(&self) -> Self {
        Self {
            value: Arc::clone(&self.value),
            key: self.key,
        }
    }
}

impl<T> Seen<T> {
    /// Room for `most` tokens of about 1 KB.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            tokens: Mutex::new(Bounded::new(most)),
        }
    }

    pub(crate) fn get(&self, token: &HashedToken<'_>) -> Option<Entry<T>> {
        self.lock().get(token.sha256()).cloned()
    }

    pub(crate) fn insert(&self, token: &HashedToken<'_>, value: &Arc<T>, key: Multikey) {
        let value = Arc::clone(value);
        self.lock().insert(*token.sha256(), Entry { value, key });
    }

    pub(crate) fn remove(&self, token: &HashedToken<'_>) {
        self.lock().remove(token.sha256());
    }

    fn lock(&self) -> MutexGuard<'_, Bounded<Digest256, Entry<T>>> {
        // Nothing panics while it is held; and a lost entry costs one verification.
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> fmt::Debug for Seen<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seen")
    }
}
