//! The cache itself, for keys and values of any kind: freshness, one flight for each key, bounds.

use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::CacheSettings;
use super::flights::{Flights, Key};
use super::store::{Known, Scale, Store};

/// Why an answer is an error, as far as a cache has to know.
pub trait Failure<K>: Clone + fmt::Display + Send + Sync + 'static {
    /// Whether asking again later may help.
    fn is_transient(&self) -> bool;
    /// Too many flights are under way.
    fn busy(key: &K) -> Self;
    /// The flight crashed.
    fn interrupted(key: &K) -> Self;
    /// The flight took too long.
    fn late(key: &K, patience: Duration) -> Self;
}

/// What is known of keys of any kind. Cheap to clone; clones share what they know.
///
/// Answers are asked for by tasks of the current Tokio runtime.
#[derive(Debug)]
pub struct Cache<K, V, E> {
    shared: Arc<Shared<K, V, E>>,
}

#[derive(Debug)]
struct Shared<K, V, E> {
    settings: CacheSettings,
    state: Mutex<State<K, V, E>>,
}

#[derive(Debug)]
struct State<K, V, E> {
    store: Store<K, V, E>,
    flights: Flights<K, Landed<V, E>>,
}

type Landed<V, E> = watch::Receiver<Option<Result<V, E>>>;

impl<K, V, E> Clone for Cache<K, V, E> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<K, V, E> Cache<K, V, E>
where
    K: Key + Clone + Eq + Hash + fmt::Display + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Failure<K>,
{
    /// A cache that knows nothing yet.
    pub fn new(settings: CacheSettings) -> Self {
        Self::of(settings, Scale::none())
    }

    /// The same whose values together weigh no more than `most`, by what `weigh` says of each; a value
    /// that alone weighs more than half of it is known as long as no other comes.
    pub fn weighing(settings: CacheSettings, most: usize, weigh: fn(&V) -> usize) -> Self {
        Self::of(settings, Scale { weigh, most })
    }

    fn of(settings: CacheSettings, scale: Scale<V>) -> Self {
        let state = Mutex::new(State {
            store: Store::new(settings.entries, scale),
            flights: Flights::new(),
        });
        Self {
            shared: Arc::new(Shared { settings, state }),
        }
    }

    /// What is known of the key; asked for if nothing is, or if it has got old.
    pub async fn get<F>(&self, key: &K, now: Timestamp, ask: impl FnOnce() -> F) -> Result<V, E>
    where
        F: Future<Output = Result<V, E>> + Send + 'static,
    {
        let flight = {
            let mut state = self.shared.lock();
            let settings = &self.shared.settings;
            let known = state.store.get(key);
            match known.map(|known| (known.answer.clone(), known.freshness(settings, now))) {
                Some((answer, Freshness::Fresh)) => return answer,
                Some((answer, Freshness::Stale)) => {
                    if let Err(error) = self.fly(&mut state, key, now, ask) {
                        tracing::debug!(%key, %error, "an answer stays old for now");
                    }
                    return answer;
                }
                Some((_, Freshness::Unusable)) | None => self.fly(&mut state, key, now, ask)?,
            }
        };
        landed(flight, key).await
    }

    /// Asks anew; `None` if the key was asked for so recently that it is not worth it.
    pub async fn refresh<F>(
        &self,
        key: &K,
        now: Timestamp,
        ask: impl FnOnce() -> F,
    ) -> Result<Option<V>, E>
    where
        F: Future<Output = Result<V, E>> + Send + 'static,
    {
        let flight = {
            let mut state = self.shared.lock();
            let pause = self.shared.settings.between_refreshes;
            let known = state.store.get(key);
            if known.is_some_and(|known| age(known.asked, now) < pause) {
                return Ok(None);
            }
            self.fly(&mut state, key, now, ask)?
        };
        landed(flight, key).await.map(Some)
    }

    /// Joins the flight for this key that is under way, or starts one.
    fn fly<F>(
        &self,
        state: &mut State<K, V, E>,
        key: &K,
        now: Timestamp,
        ask: impl FnOnce() -> F,
    ) -> Result<Landed<V, E>, E>
    where
        F: Future<Output = Result<V, E>> + Send + 'static,
    {
        if let Some(flight) = state.flights.get(key) {
            return Ok(flight.clone());
        }
        if !state.flights.has_room(key, &self.shared.settings) {
            return Err(E::busy(key));
        }
        let (sender, receiver) = watch::channel(None);
        state.flights.insert(key.clone(), receiver.clone());
        let landing = Landing {
            shared: Arc::clone(&self.shared),
            key: key.clone(),
        };
        let asked = ask();
        tokio::spawn(async move {
            let patience = landing.shared.settings.patience;
            let answer = tokio::time::timeout(patience, asked)
                .await
                .unwrap_or_else(|_| Err(E::late(&landing.key, patience)));
            landing.shared.remember(&landing.key, answer.clone(), now);
            drop(landing);
            sender.send_replace(Some(answer));
        });
        Ok(receiver)
    }
}

/// What may be done with something known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Freshness {
    Fresh,
    Stale,
    Unusable,
}

impl<V, E> Known<V, E> {
    fn freshness<K>(&self, settings: &CacheSettings, now: Timestamp) -> Freshness
    where
        E: Failure<K>,
    {
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

impl<K, V, E> Shared<K, V, E> {
    fn lock(&self) -> MutexGuard<'_, State<K, V, E>> {
        // Nothing panics while it is held; and if it did, a cache has no half-made entries.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash, V, E: Failure<K>> Shared<K, V, E> {
    /// Keeps an answer. A value that is known stays if asking only failed on the way; that there is
    /// none any more replaces it.
    fn remember(&self, key: &K, answer: Result<V, E>, now: Timestamp) {
        let mut state = self.lock();
        let failed = answer.as_ref().is_err_and(E::is_transient);
        match state.store.get_mut(key) {
            Some(known) if failed && known.answer.is_ok() => known.asked = now,
            _ => state.store.insert(
                key.clone(),
                Known {
                    answer,
                    asked: now,
                    answered: now,
                },
            ),
        }
    }
}

async fn landed<K, V: Clone, E: Failure<K>>(mut flight: Landed<V, E>, key: &K) -> Result<V, E> {
    match flight.wait_for(Option::is_some).await.as_deref() {
        Ok(Some(answer)) => answer.clone(),
        _ => Err(E::interrupted(key)),
    }
}

/// Takes a flight off the list when it ends, even by a panic or a runtime that shuts down.
struct Landing<K: Eq + Hash, V, E> {
    shared: Arc<Shared<K, V, E>>,
    key: K,
}

impl<K: Eq + Hash, V, E> Drop for Landing<K, V, E> {
    fn drop(&mut self) {
        self.shared.lock().flights.remove(&self.key);
    }
}

/// How long ago `then` was; nothing if the clock went back.
fn age(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or_default()
}
