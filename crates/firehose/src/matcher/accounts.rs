//! Accounts, and what is watched of each.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::{BuildHasher as _, Hash};

use super::filter::{Filter, Trace};
use super::keys::{Keys, Way, Wish};
use super::tree::Tree;
use crate::{Action, Scope};

/// Scopes of one account that are tried one by one.
const FEW: usize = 16;

/// What is watched, by account.
#[derive(Debug)]
pub(super) struct Accounts<K> {
    /// By a hash of the DID with 128 bits that nobody outside knows: two accounts never share one.
    watched: HashMap<[u64; 2], Watched<K>>,
    chance: [RandomState; 2],
    filter: Filter,
}

/// What is watched of one account. It is one thing of most, and there may be a million of them: what it
/// is stands with the scopes.
#[derive(Debug)]
pub(super) enum Watched<K> {
    One(K),
    Few(Vec<K>),
    Many(Box<Tree<K>>),
}

/// Some who watch the same.
#[derive(Clone, Copy, Debug)]
pub(super) enum Watchers<'a, K> {
    One(K, Wish),
    List(&'a Keys<K>),
}

impl<K> Default for Accounts<K> {
    fn default() -> Self {
        Self {
            watched: HashMap::new(),
            chance: Default::default(),
            filter: Filter::default(),
        }
    }
}

impl<K: Copy + Eq + Hash> Accounts<K> {
    /// What is watched of an account.
    pub(super) fn get(&self, did: &[u8]) -> Option<&Watched<K>> {
        match self.may_have(Trace::of(did)) {
            true => self.watched.get(&self.hash(did)),
            false => None,
        }
    }

    /// Whether [`Accounts::get`] has to look for it.
    #[inline]
    pub(super) fn may_have(&self, trace: Trace) -> bool {
        self.filter.may_have(trace)
    }

    /// Adds a scope under a key that has none; `scopes` are those that were added before.
    pub(super) fn insert(&mut self, key: K, scope: &Scope, scopes: &HashMap<K, Scope>) {
        let hash = self.hash(scope.account().as_bytes());
        match self.watched.entry(hash) {
            Entry::Occupied(mut known) => known.get_mut().insert(key, scope, scopes),
            Entry::Vacant(place) => {
                place.insert(Watched::One(key));
                if self.filter.is_full() {
                    let dids = scopes.values().map(Scope::account);
                    self.filter = Filter::of(self.watched.len(), dids);
                }
                self.filter.add(scope.account());
            }
        }
    }

    /// Removes a scope that was added.
    pub(super) fn remove(&mut self, key: &K, scope: &Scope) {
        let hash = self.hash(scope.account().as_bytes());
        if let Some(watched) = self.watched.get_mut(&hash)
            && watched.remove(key, scope)
        {
            self.watched.remove(&hash);
        }
        if self.watched.is_empty() {
            *self = Self::default();
        }
    }

    fn hash(&self, did: &[u8]) -> [u64; 2] {
        self.chance.each_ref().map(|chance| chance.hash_one(did))
    }
}

impl<K: Copy + Eq + Hash> Watched<K> {
    fn insert(&mut self, key: K, scope: &Scope, scopes: &HashMap<K, Scope>) {
        match self {
            Self::One(other) => *self = Self::Few(vec![*other, key]),
            Self::Few(keys) if keys.len() < FEW => keys.push(key),
            Self::Few(keys) => {
                let mut tree = Box::<Tree<K>>::default();
                for (other, of) in known(keys, scopes) {
                    tree.insert(of, other);
                }
                tree.insert(scope, key);
                *self = Self::Many(tree);
            }
            Self::Many(tree) => tree.insert(scope, key),
        }
    }

    /// Whether nothing is left.
    fn remove(&mut self, key: &K, scope: &Scope) -> bool {
        match self {
            Self::One(_) => true,
            Self::Few(keys) => {
                keys.retain(|known| known != key);
                keys.is_empty()
            }
            Self::Many(tree) => {
                tree.remove(scope, key);
                tree.is_empty()
            }
        }
    }

    /// All those who watch this.
    pub(super) fn each<'a>(
        &'a self,
        scopes: &HashMap<K, Scope>,
        (collection, rkey): (Option<&str>, Option<&str>),
        mut found: impl FnMut(Watchers<'a, K>),
    ) {
        if let Self::Many(tree) = self {
            tree.each(collection, rkey, |keys| found(Watchers::List(keys)));
        }
        for (key, scope) in known(self.few(), scopes) {
            if scope.covers(collection, rkey) {
                found(Watchers::One(key, Wish::of(scope)));
            }
        }
    }

    /// The keys, if they are few.
    fn few(&self) -> &[K] {
        match self {
            Self::One(key) => std::slice::from_ref(key),
            Self::Few(keys) => keys,
            Self::Many(_) => &[],
        }
    }
}

/// The scopes of these keys.
fn known<'s, K: Copy + Eq + Hash>(
    keys: &[K],
    scopes: &'s HashMap<K, Scope>,
) -> impl Iterator<Item = (K, &'s Scope)> {
    let scope = |key: &K| scopes.get(key).map(|scope| (*key, scope));
    keys.iter().filter_map(scope)
}

impl<K: Copy + Eq + Hash> Watchers<'_, K> {
    /// Whether any of them is to be told of what comes this way.
    pub(super) fn have(self, way: Way) -> bool {
        match self {
            Self::One(_, wish) => wish.is_for(way),
            Self::List(keys) => keys.has(way),
        }
    }

    /// Adds those who want to be told of such a change.
    pub(super) fn tell(self, action: Action, way: Way, to: &mut Vec<K>) {
        match self {
            Self::One(key, wish) => to.extend(wish.is_of(action, way).then_some(key)),
            Self::List(keys) => keys.tell(action, way, to),
        }
    }
}
