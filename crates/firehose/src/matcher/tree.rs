//! What is watched of an account of which much is watched.

use std::collections::HashMap;
use std::hash::Hash;

use super::globs::Globs;
use super::keys::{Keys, Wish};
use crate::Scope;

/// What is watched of an account, found by hash however much it is.
#[derive(Debug)]
pub(super) struct Tree<K> {
    whole: Keys<K>,
    exact: HashMap<Box<str>, Node<K>>,
    globs: Globs<K>,
}

/// What is watched of a collection, or of those that match a pattern.
#[expect(
    clippy::box_collection,
    reason = "nearly every one is absent, and there may be a million"
)]
#[derive(Debug)]
pub(super) struct Node<K> {
    whole: Keys<K>,
    records: Option<Box<HashMap<Box<str>, Keys<K>>>>,
}

impl<K> Default for Tree<K> {
    fn default() -> Self {
        Self {
            whole: Keys::default(),
            exact: HashMap::new(),
            globs: Globs::default(),
        }
    }
}

impl<K> Default for Node<K> {
    fn default() -> Self {
        Self {
            whole: Keys::default(),
            records: None,
        }
    }
}

impl<K: Copy + Eq + Hash> Tree<K> {
    pub(super) fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.exact.is_empty() && self.globs.is_empty()
    }

    pub(super) fn insert(&mut self, scope: &Scope, key: K) {
        let Some(pattern) = scope.collection() else {
            return self.whole.insert(Wish::of(scope), key);
        };
        let node = match pattern.glob() {
            Some(glob) => self.globs.make(glob),
            None => self.exact.entry(pattern.as_str().into()).or_default(),
        };
        node.insert(scope, key);
    }

    pub(super) fn remove(&mut self, scope: &Scope, key: &K) {
        let Some(pattern) = scope.collection() else {
            return self.whole.remove(Wish::of(scope), key);
        };
        if let Some(glob) = pattern.glob() {
            return self.globs.change(glob, |node| node.remove(scope, key));
        }
        if let Some(node) = self.exact.get_mut(pattern.as_str()) {
            node.remove(scope, key);
            if node.is_empty() {
                self.exact.remove(pattern.as_str());
            }
        }
    }

    /// Every list of those who watch this.
    pub(super) fn each<'a>(
        &'a self,
        collection: Option<&str>,
        rkey: Option<&str>,
        mut found: impl FnMut(&'a Keys<K>),
    ) {
        found(&self.whole);
        let Some(collection) = collection else { return };
        let mut node = |node: &'a Node<K>| node.each(rkey, &mut found);
        if let Some(exact) = self.exact.get(collection) {
            node(exact);
        }
        self.globs.each(collection, node);
    }
}

impl<K: Copy + Eq + Hash> Node<K> {
    pub(super) fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.records.is_none()
    }

    fn insert(&mut self, scope: &Scope, key: K) {
        let keys = match scope.rkey() {
            None => &mut self.whole,
            Some(rkey) => self
                .records
                .get_or_insert_default()
                .entry(rkey.into())
                .or_default(),
        };
        keys.insert(Wish::of(scope), key);
    }

    fn remove(&mut self, scope: &Scope, key: &K) {
        let Some(rkey) = scope.rkey() else {
            return self.whole.remove(Wish::of(scope), key);
        };
        if let Some(records) = &mut self.records
            && let Some(keys) = records.get_mut(rkey)
        {
            keys.remove(Wish::of(scope), key);
            if keys.is_empty() {
                records.remove(rkey);
            }
        }
        self.records.take_if(|records| records.is_empty());
    }

    fn each<'a>(&'a self, rkey: Option<&str>, found: &mut impl FnMut(&'a Keys<K>)) {
        found(&self.whole);
        if let (Some(records), Some(rkey)) = (&self.records, rkey)
            && let Some(keys) = records.get(rkey)
        {
            found(keys);
        }
    }
}
