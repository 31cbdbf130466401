//! What is watched of one account.

use std::collections::HashMap;
use std::hash::Hash;

use super::globs::Globs;
use super::keys::Keys;
use crate::Scope;

/// What is watched of one account. Boxes: of most accounts little is watched, and there are many.
#[expect(
    clippy::box_collection,
    reason = "nearly every one is absent, and there are a million"
)]
#[derive(Debug)]
pub(super) struct Tree<K> {
    whole: Keys<K>,
    exact: Option<Box<HashMap<Box<str>, Node<K>>>>,
    globs: Option<Box<Globs<K>>>,
}

/// What is watched of a collection, or of those that match a pattern.
#[expect(
    clippy::box_collection,
    reason = "nearly every one is absent, and there are a million"
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
            exact: None,
            globs: None,
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
        self.whole.is_empty() && self.exact.is_none() && self.globs.is_none()
    }

    pub(super) fn insert(&mut self, scope: &Scope, key: K) {
        let Some(pattern) = scope.collection() else {
            return self.whole.insert(scope.actions(), key);
        };
        let node = match pattern.glob() {
            Some(glob) => self.globs.get_or_insert_default().make(pattern, glob),
            None => self
                .exact
                .get_or_insert_default()
                .entry(pattern.as_str().into())
                .or_default(),
        };
        node.insert(scope, key);
    }

    pub(super) fn remove(&mut self, scope: &Scope, key: &K) {
        let Some(pattern) = scope.collection() else {
            return self.whole.remove(scope.actions(), key);
        };
        if let Some(exact) = &mut self.exact
            && let Some(node) = exact.get_mut(pattern.as_str())
        {
            node.remove(scope, key);
            if node.is_empty() {
                exact.remove(pattern.as_str());
            }
        }
        if let Some(globs) = &mut self.globs {
            globs.change(pattern, |node| node.remove(scope, key));
        }
        self.exact.take_if(|exact| exact.is_empty());
        self.globs.take_if(|globs| globs.is_empty());
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
        if let Some(exact) = self.exact.as_ref().and_then(|exact| exact.get(collection)) {
            node(exact);
        }
        if let Some(globs) = &self.globs {
            globs.each(collection, node);
        }
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
        keys.insert(scope.actions(), key);
    }

    fn remove(&mut self, scope: &Scope, key: &K) {
        let Some(rkey) = scope.rkey() else {
            return self.whole.remove(scope.actions(), key);
        };
        if let Some(records) = &mut self.records
            && let Some(keys) = records.get_mut(rkey)
        {
            keys.remove(scope.actions(), key);
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
