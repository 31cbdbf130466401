//! Known clients: fetched once, kept for an hour, fetched anew when a key is not there.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use loggia_identity::Fetch;
use url::Url;

use super::places::Places;
use super::{ClientError, ClientId, ClientKeys, ClientMetadata};
use crate::bounded::Bounded;
use crate::jwk::{JwkSet, KeysError, LARGEST, get_keys};
use crate::key::PublicKey;

/// How long clients are kept, and how many.
#[derive(Clone, Copy, Debug)]
pub struct ClientsSettings {
    /// The most clients remembered; the least recently used half goes first. 1,000 (about 1 MB).
    pub entries: usize,
    /// The most fetches under way at once; more answer [`ClientError::Busy`]. 16.
    pub fetches: usize,
    /// As many of them for the clients of one domain, as far as the last two labels of a host tell. 2.
    pub fetches_of_one: usize,
    /// A client is fetched anew when it is older. 1 h.
    pub fresh: SignedDuration,
    /// Its keys are not used any more when they are older and it cannot be fetched. 24 h.
    pub usable: SignedDuration,
    /// A client is not fetched again so soon, whether fetching failed or a key is missing. 60 s.
    pub between: SignedDuration,
}

impl Default for ClientsSettings {
    fn default() -> Self {
        Self {
            entries: 1_000,
            fetches: 16,
            fetches_of_one: 2,
            fresh: SignedDuration::from_hours(1),
            usable: SignedDuration::from_hours(24),
            between: SignedDuration::from_mins(1),
        }
    }
}

/// What is known of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// What it calls itself.
    pub name: Option<String>,
    /// Its keys.
    pub keys: JwkSet,
}

/// The clients that were seen, and a way to fetch others. Fetching is left to a guarded [`Fetch`],
/// since the URLs are the callers'.
#[derive(Debug)]
pub struct Clients<F> {
    fetch: F,
    settings: ClientsSettings,
    known: Mutex<Bounded<ClientId, Known>>,
    fetching: Places,
}

#[derive(Clone, Debug, Default)]
struct Known {
    client: Option<(Timestamp, Arc<Client>)>,
    asked: Option<(Timestamp, Result<(), ClientError>)>,
}

impl Known {
    fn find(
        &self,
        kid: &str,
        now: Timestamp,
        oldest: SignedDuration,
    ) -> Option<(Arc<Client>, PublicKey)> {
        let (since, client) = self.client.as_ref()?;
        let key = client.keys.find(kid).cloned()?;
        (now.duration_since(*since) <= oldest).then(|| (Arc::clone(client), key))
    }
}

impl<F: Fetch> Clients<F> {
    /// No client is known yet.
    pub fn new(fetch: F, settings: ClientsSettings) -> Self {
        Self {
            fetch,
            settings,
            known: Mutex::new(Bounded::new(settings.entries)),
            fetching: Places::new(settings.fetches_of_one, settings.fetches),
        }
    }

    /// The key of this name, and the client that publishes it. Whoever asks for a key that is not
    /// there, or while the client is away, takes nothing from those whose key is known.
    pub async fn find(
        &self,
        id: &ClientId,
        kid: &str,
        now: Timestamp,
    ) -> Result<(Arc<Client>, PublicKey), ClientError> {
        let known = self.known(id);
        if let Some(found) = known.find(kid, now, self.settings.fresh) {
            return Ok(found);
        }
        let known = match known.asked {
            Some((asked, _)) if now.duration_since(asked) <= self.settings.between => known,
            _ => self.refresh(id, known, now).await,
        };
        let found = known.find(kid, now, self.settings.usable);
        let failure = known.asked.and_then(|(_, outcome)| outcome.err());
        found.ok_or_else(|| failure.unwrap_or(ClientError::UnknownKey))
    }

    /// Fetches a client and remembers it, or that it could not be fetched.
    async fn refresh(&self, id: &ClientId, mut known: Known, now: Timestamp) -> Known {
        let Some(_place) = self.fetching.enter(id) else {
            known.asked = Some((now, Err(ClientError::Busy)));
            return known;
        };
        let fetched = self.fetch(id).await;
        // Somebody else may have fetched it meanwhile, and with more luck.
        let mut all = self.lock();
        let mut known = all.get(id).cloned().unwrap_or(known);
        let outcome = fetched.map(|client| known.client = Some((now, Arc::new(client))));
        known.asked = Some((now, outcome));
        all.insert(id.clone(), known.clone());
        known
    }

    async fn fetch(&self, id: &ClientId) -> Result<Client, ClientError> {
        let answer = self
            .fetch
            .get(id.as_str(), LARGEST)
            .await
            .map_err(|error| ClientError::Keys(KeysError::Fetch(Arc::new(error))))?;
        if answer.status != 200 {
            return Err(ClientError::Keys(KeysError::Status(answer.status)));
        }
        let metadata = ClientMetadata::parse(id, &answer.body)
            .map_err(|error| ClientError::Metadata(Arc::new(error)))?;
        let keys = match metadata.keys {
            ClientKeys::Inline(keys) => keys,
            ClientKeys::Uri(uri) => self.fetch_keys(&uri).await?,
        };
        Ok(Client {
            name: metadata.name,
            keys,
        })
    }

    async fn fetch_keys(&self, uri: &str) -> Result<JwkSet, ClientError> {
        let is_https = Url::parse(uri).is_ok_and(|url| url.scheme() == "https");
        if !is_https {
            return Err(ClientError::KeysUri);
        }
        get_keys(&self.fetch, uri).await.map_err(ClientError::Keys)
    }

    fn known(&self, id: &ClientId) -> Known {
        self.lock().get(id).cloned().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Bounded<ClientId, Known>> {
        // Nothing panics while it is held; and a lost entry costs one fetch.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
