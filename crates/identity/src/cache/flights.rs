//! The resolutions that are under way, and whether there is room for one more.

use std::collections::HashMap;
use std::hash::Hash;

use super::CacheSettings;

/// One part in so many of all flights is kept for keys that depend on no stranger's host.
const RESERVED: usize = 4;

/// What a cache has to know of a key to share out its flights.
pub trait Key {
    /// Whose host has to answer, if it is one that anybody may set up and let hang. Names that one
    /// person can make any number of are the same host.
    fn host(&self) -> Option<String>;
}

/// Flights by key. `L` is how others wait for them.
#[derive(Debug)]
pub(super) struct Flights<K, L> {
    under_way: HashMap<K, Flight<L>>,
}

#[derive(Debug)]
struct Flight<L> {
    landed: L,
    host: Option<String>,
}

impl<K: Key + Eq + Hash, L> Flights<K, L> {
    pub(super) fn new() -> Self {
        Self {
            under_way: HashMap::new(),
        }
    }

    pub(super) fn get(&self, key: &K) -> Option<&L> {
        self.under_way.get(key).map(|flight| &flight.landed)
    }

    /// Whether a flight for this key may start. Every flight is looked at: they are few, and counts
    /// kept beside them could come to differ.
    pub(super) fn has_room(&self, key: &K, settings: &CacheSettings) -> bool {
        let all = self.under_way.len();
        let Some(host) = key.host() else {
            return all < settings.flights;
        };
        let hosts = self.under_way.values();
        let hosts = hosts.filter_map(|flight| flight.host.as_deref());
        let (mut strangers, mut same) = (0, 0);
        for other in hosts {
            strangers += 1;
            same += usize::from(other == host);
        }
        all < settings.flights
            && strangers < settings.flights - settings.flights / RESERVED
            && same < settings.flights_of_a_host
    }

    pub(super) fn insert(&mut self, key: K, landed: L) {
        let host = key.host();
        self.under_way.insert(key, Flight { landed, host });
    }
}

impl<K: Eq + Hash, L> Flights<K, L> {
    pub(super) fn remove(&mut self, key: &K) {
        self.under_way.remove(key);
    }
}
