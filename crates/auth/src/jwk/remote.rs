//! A key set behind a URL: kept, fetched anew when it is old or lacks a key, never too often.

use std::sync::{Arc, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};
use loggia_identity::{Fetch, FetchError};

use super::{JwkSet, JwkSetError};
use crate::key::PublicKey;

/// The largest document with keys that is read.
pub(crate) const LARGEST: usize = 64 * 1024;

/// How long a key set is kept.
#[derive(Clone, Copy, Debug)]
pub struct RemoteKeysSettings {
    /// It is fetched anew when it is older. 1 h.
    pub fresh: SignedDuration,
    /// It is not used any more when it is older and cannot be fetched. 24 h.
    pub usable: SignedDuration,
    /// It is not fetched again so soon, whatever unknown keys tokens name. 60 s.
    pub between: SignedDuration,
}

impl Default for RemoteKeysSettings {
    fn default() -> Self {
        Self {
            fresh: SignedDuration::from_hours(1),
            usable: SignedDuration::from_hours(24),
            between: SignedDuration::from_mins(1),
        }
    }
}

/// Why there is no key.
#[derive(Clone, Debug, thiserror::Error)]
pub enum KeysError {
    /// The set has no such key, or several.
    #[error("there is no key of that name (kid)")]
    Unknown,
    /// The set could not be fetched.
    #[error("the keys could not be fetched")]
    Fetch(#[source] Arc<FetchError>),
    /// Its server answered with another status than 200.
    #[error("the keys' server answered with HTTP status {0}")]
    Status(u16),
    /// The document is no key set.
    #[error("the keys cannot be read")]
    Document(#[source] Arc<JwkSetError>),
}

impl KeysError {
    /// Whether the fault may lie on the way, and not in the token.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Fetch(error) => matches!(**error, FetchError::Failed(_)),
            Self::Status(status) => matches!(status, 408 | 425 | 429 | 500..),
            Self::Unknown | Self::Document(_) => false,
        }
    }
}

/// The keys that stand behind one URL.
#[derive(Debug)]
pub struct RemoteKeys<F> {
    fetch: F,
    url: String,
    settings: RemoteKeysSettings,
    known: RwLock<Known>,
    /// Held while fetching, so that any number of callers cause one request.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug, Default)]
struct Known {
    keys: Option<(Timestamp, Arc<JwkSet>)>,
    asked: Option<(Timestamp, Result<(), KeysError>)>,
}

impl<F: Fetch> RemoteKeys<F> {
    /// The keys of `url`; nothing is fetched yet.
    pub fn new(fetch: F, url: impl Into<String>, settings: RemoteKeysSettings) -> Self {
        Self {
            fetch,
            url: url.into(),
            settings,
            known: RwLock::default(),
            fetching: tokio::sync::Mutex::new(()),
        }
    }

    /// The key of this name.
    pub async fn find(&self, kid: &str, now: Timestamp) -> Result<PublicKey, KeysError> {
        if let Some(key) = self.known().key(kid, now, self.settings.fresh) {
            return Ok(key);
        }
        let _one_at_a_time = self.fetching.lock().await;
        let known = self.known();
        if let Some(key) = known.key(kid, now, self.settings.fresh) {
            return Ok(key);
        }
        let outcome = match known.asked {
            Some((asked, outcome)) if now.duration_since(asked) < self.settings.between => outcome,
            _ => self.refresh(now).await,
        };
        self.known()
            .key(kid, now, self.settings.usable)
            .ok_or_else(|| outcome.err().unwrap_or(KeysError::Unknown))
    }

    async fn refresh(&self, now: Timestamp) -> Result<(), KeysError> {
        let fetched = get_keys(&self.fetch, &self.url).await;
        // Nothing panics while it is held.
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let outcome = fetched.map(|keys| known.keys = Some((now, Arc::new(keys))));
        known.asked = Some((now, outcome.clone()));
        outcome
    }

    fn known(&self) -> Known {
        self.known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Known {
    fn key(&self, kid: &str, now: Timestamp, oldest: SignedDuration) -> Option<PublicKey> {
        let (since, keys) = self.keys.as_ref()?;
        (now.duration_since(*since) <= oldest)
            .then(|| keys.find(kid).cloned())
            .flatten()
    }
}

/// The keys of a URL, fetched now.
pub(crate) async fn get_keys(fetch: &impl Fetch, url: &str) -> Result<JwkSet, KeysError> {
    let answer = fetch
        .get(url, LARGEST)
        .await
        .map_err(|error| KeysError::Fetch(Arc::new(error)))?;
    if answer.status != 200 {
        return Err(KeysError::Status(answer.status));
    }
    JwkSet::parse(&answer.body).map_err(|error| KeysError::Document(Arc::new(error)))
}
