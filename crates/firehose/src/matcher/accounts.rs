//! Accounts, and what is watched of each.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hash};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::filter::{Filter, Trace};
use super::keys::{Keys, Way, Wish};
use super::tree::Tree;
use crate::{Action, Scope};

/// Scopes of one account that are tried one by one.
const FEW: usize = 16;

/// What is watched, by account.
#[derive(Debug)]
pub(super) struct Accounts<K> {
    watched: HashTable<(Fingerprint, Watched<K>)>,
    chance: [RandomState; 2],
    filter: Filter,
}

/// A hash of a DID with 128 bits that nobody outside knows: two accounts never share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint([u64; 2]);

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
            watched: HashTable::new(),
            chance: Default::default(),
            filter: Filter::default(),
        }
    }
}

impl<K: Copy + Eq + Hash> Accounts<K> {
    /// What is watched of an account.
    pub(super) fn get(&self, did: &[u8]) -> Option<&Watched<K>> {
        match self.filter.may_have(Trace::of(did)) {
            true => self.find(self.fingerprint(did)),
            false => None,
        }
    }

    /// What is watched of the account with this fingerprint.
    pub(super) fn find(&self, account: Fingerprint) -> Option<&Watched<K>> {
        let found = self
            .watched
            .find(account.hash(), |known| known.0 == account);
        found.map(|(_, watched)| watched)
    }

    /// Tells, of nearly every account that nobody watches, that nobody does.
    pub(super) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Adds a scope under a key that has none; `scopes` are those that were added before.
    pub(super) fn insert(&mut self, key: K, scope: &Scope, scopes: &HashMap<K, Scope>) {
        let account = self.fingerprint(scope.account().as_bytes());
        match self.entry(account) {
            Entry::Occupied(mut known) => known.get_mut().1.insert(key, scope, scopes),
            Entry::Vacant(place) => {
                place.insert((account, Watched::One(key)));
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
        let account = self.fingerprint(scope.account().as_bytes());
        if let Entry::Occupied(mut known) = self.entry(account)
            && known.get_mut().1.remove(key, scope)
        {
            known.remove();
        }
        if self.watched.is_empty() {
            *self = Self::default();
        }
    }

    fn entry(&mut self, account: Fingerprint) -> Entry<'_, (Fingerprint, Watched<K>)> {
        let same = |known: &(Fingerprint, _)| known.0 == account;
        self.watched
            .entry(account.hash(), same, |known| known.0.hash())
    }

    pub(super) fn fingerprint(&self, did: &[u8]) -> Fingerprint {
        let hash = |chance: &RandomState| chance.hash_one(did);
        Fingerprint(self.chance.each_ref().map(hash))
    }
}

impl Fingerprint {
    /// Where to look for it in a table.
    fn hash(self) -> u64 {
        self.0[0]
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

    /// Whether a change in this place of the account concerns anybody: surely not, or perhaps.
    pub(super) fn may_want(
        &self,
        scopes: &HashMap<K, Scope>,
        way: Way,
        (collection, rkey): (Option<&str>, Option<&str>),
    ) -> bool {
        matches!(self, Self::Many(_))
            || known(self.few(), scopes).any(|(_, scope)| match way {
                Way::Direct => scope.covers(collection, rkey),
                Way::Backlink => scope.backlinks(),
            })
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
