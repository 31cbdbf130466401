//! A bounded cache of DID documents.
//!
//! A known document is used at once; when it has got old it is fetched anew in the background while
//! the old one goes on being used. Failures are remembered too, for a short time. However many
//! callers want the same DID at once, it is fetched once.

mod store;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use loggia_syntax::Did;
use tokio::sync::watch;

use crate::{DidDocument, ResolveDid, ResolveError, ResolveErrorKind};
use store::{Answer, Known, Store};

/// How long documents are kept, and how many.
#[derive(Clone, Debug)]
pub struct CacheSettings {
    /// The most DIDs remembered; the least recently used half goes first. 10,000 (about 20 MB).
    pub entries: usize,
    /// The most resolutions under way at once; more answer
    /// [`Busy`](ResolveErrorKind::Busy). 64.
    pub flights: usize,
    /// A document is fetched anew in the background when it is older. 1 h.
    pub fresh: Duration,
    /// A document is not used any more when it is older. 24 h.
    pub usable: Duration,
    /// A DID that does not exist or is malformed is not asked for again so soon. 60 s.
    pub remember_absence: Duration,
    /// A directory that failed is not asked for the same DID again so soon. 5 s.
    pub remember_failure: Duration,
    /// A document is not [refreshed](ResolveDid::refresh) again so soon. 30 s.
    pub between_refreshes: Duration,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self {
            entries: 10_000,
            flights: 64,
            fresh: Duration::from_secs(60 * 60),
            usable: Duration::from_secs(24 * 60 * 60),
            remember_absence: Duration::from_secs(60),
            remember_failure: Duration::from_secs(5),
            between_refreshes: Duration::from_secs(30),
        }
    }
}

/// A cache around another resolver. Cheap to clone; clones share what they know.
///
/// Fetches run as tasks of the current Tokio runtime, so that a caller who goes away does not take
/// the answer from those who wait for the same DID.
#[derive(Debug)]
pub struct CachedResolver<R> {
    shared: Arc<Shared<R>>,
}

impl<R> Clone for CachedResolver<R> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

#[derive(Debug)]
struct Shared<R> {
    resolver: R,
    settings: CacheSettings,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    store: Store,
    flights: HashMap<Did, watch::Receiver<Option<Answer>>>,
}

impl<R: ResolveDid> CachedResolver<R> {
    /// A cache around `resolver`, empty.
    pub fn new(resolver: R, settings: CacheSettings) -> Self {
        let state = State {
            store: Store::new(settings.entries),
            flights: HashMap::new(),
        };
        Self {
            shared: Arc::new(Shared {
                resolver,
                settings,
                state: Mutex::new(state),
            }),
        }
    }

    /// Joins the fetch of this DID that is under way, or starts one.
    fn fly(&self, state: &mut State, did: &Did, now: Timestamp) -> Result<Flight, ResolveError> {
        if let Some(flight) = state.flights.get(did) {
            return Ok(Flight(flight.clone()));
        }
        if state.flights.len() >= self.shared.settings.flights {
            return Err(ResolveError {
                did: did.clone(),
                kind: ResolveErrorKind::Busy,
            });
        }
        let (sender, receiver) = watch::channel(None);
        state.flights.insert(did.clone(), receiver.clone());
        let landing = Landing {
            shared: Arc::clone(&self.shared),
            did: did.clone(),
        };
        tokio::spawn(async move {
            let answer = landing.shared.resolver.resolve(&landing.did, now).await;
            landing.shared.remember(&landing.did, answer.clone(), now);
            drop(landing);
            sender.send_replace(Some(answer));
        });
        Ok(Flight(receiver))
    }
}

impl<R: ResolveDid> ResolveDid for CachedResolver<R> {
    async fn resolve(&self, did: &Did, now: Timestamp) -> Result<Arc<DidDocument>, ResolveError> {
        let flight = {
            let mut state = self.shared.lock();
            let settings = &self.shared.settings;
            match state
                .store
                .get(did)
                .map(|known| (known.clone(), known.state(settings, now)))
            {
                Some((known, Freshness::Fresh)) => return known.answer,
                Some((known, Freshness::Stale)) => {
                    if let Err(error) = self.fly(&mut state, did, now) {
                        tracing::debug!(%did, %error, "a document stays old for now");
                    }
                    return known.answer;
                }
                Some((_, Freshness::Unusable)) | None => self.fly(&mut state, did, now)?,
            }
        };
        flight.landed(did).await
    }

    async fn refresh(
        &self,
        did: &Did,
        now: Timestamp,
    ) -> Result<Option<Arc<DidDocument>>, ResolveError> {
        let flight = {
            let mut state = self.shared.lock();
            let pause = self.shared.settings.between_refreshes;
            if state
                .store
                .get(did)
                .is_some_and(|known| age(known.asked, now) < pause)
            {
                return Ok(None);
            }
            self.fly(&mut state, did, now)?
        };
        flight.landed(did).await.map(Some)
    }
}

/// What may be done with something known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Freshness {
    Fresh,
    Stale,
    Unusable,
}

impl Known {
    fn state(&self, settings: &CacheSettings, now: Timestamp) -> Freshness {
        let asked = age(self.asked, now);
        match &self.answer {
            Ok(_) if age(self.answered, now) > settings.usable => Freshness::Unusable,
            Ok(_) if self.asked != self.answered && asked <= settings.remember_failure => {
                Freshness::Fresh
            }
            Ok(_) if age(self.answered, now) > settings.fresh => Freshness::Stale,
            Err(error) if error.is_transient() && asked > settings.remember_failure => {
                Freshness::Unusable
            }
            Err(_) if asked > settings.remember_absence => Freshness::Unusable,
            _ => Freshness::Fresh,
        }
    }
}

impl<R> Shared<R> {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held; and if it did, a cache has no half-made entries.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an answer. A document that is known stays if its fetch only failed on the way; that
    /// the DID is gone replaces it.
    fn remember(&self, did: &Did, answer: Answer, now: Timestamp) {
        let mut state = self.lock();
        let failed = answer.as_ref().is_err_and(ResolveError::is_transient);
        match state.store.get_mut(did) {
            Some(known) if failed && known.answer.is_ok() => known.asked = now,
            _ => state.store.insert(
                did.clone(),
                Known {
                    answer,
                    asked: now,
                    answered: now,
                },
            ),
        }
    }
}

/// A fetch under way, shared by all who wait for it.
struct Flight(watch::Receiver<Option<Answer>>);

impl Flight {
    async fn landed(mut self, did: &Did) -> Answer {
        match self.0.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(answer)) => answer.clone(),
            _ => Err(ResolveError {
                did: did.clone(),
                kind: ResolveErrorKind::Interrupted,
            }),
        }
    }
}

/// Takes a flight off the list when it ends, even by a panic or a runtime that shuts down.
struct Landing<R> {
    shared: Arc<Shared<R>>,
    did: Did,
}

impl<R> Drop for Landing<R> {
    fn drop(&mut self) {
        self.shared.lock().flights.remove(&self.did);
    }
}

/// How long ago `then` was; nothing if the clock went back.
fn age(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or_default()
}
