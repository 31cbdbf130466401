//! Collections with a `*`, found by how they begin and end.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use super::tree::Node;
use crate::pattern::{self, Glob};

/// Patterns by what stands before the first `*`, then by what stands after the last. How many there
/// are does not matter: how many different lengths their ends have does, and that is at most 254.
///
/// Those with several `*`s that begin and end alike are tried one by one.
#[derive(Debug)]
pub(super) struct Globs<K>(Ends<Ends<Group<K>>>);

/// What is found by a piece of text of one of several lengths.
#[derive(Debug)]
struct Ends<T> {
    of: HashMap<Box<str>, T>,
    /// How many have each length.
    lengths: BTreeMap<usize, usize>,
}

/// Patterns that begin and end alike, by what stands between.
#[derive(Debug)]
struct Group<K>(HashMap<Box<str>, Node<K>>);

impl<T> Default for Ends<T> {
    fn default() -> Self {
        Self {
            of: HashMap::new(),
            lengths: BTreeMap::new(),
        }
    }
}

impl<K> Default for Globs<K> {
    fn default() -> Self {
        Self(Ends::default())
    }
}

impl<K> Default for Group<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Default> Ends<T> {
    fn make(&mut self, text: &str) -> &mut T {
        if !self.of.contains_key(text) {
            *self.lengths.entry(text.len()).or_default() += 1;
        }
        self.of.entry(text.into()).or_default()
    }

    fn remove(&mut self, text: &str) {
        if self.of.remove(text).is_some()
            && let Some(count) = self.lengths.get_mut(&text.len())
        {
            *count -= 1;
            if *count == 0 {
                self.lengths.remove(&text.len());
            }
        }
    }

    fn lengths(&self, most: usize) -> impl Iterator<Item = usize> {
        self.lengths.range(..=most).map(|(length, _)| *length)
    }
}

impl<K: Copy + Eq + Hash> Globs<K> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.of.is_empty()
    }

    /// The place of a pattern, made if need be.
    pub(super) fn make(&mut self, glob: Glob<'_>) -> &mut Node<K> {
        let group = self.0.make(glob.prefix).make(glob.suffix);
        group.0.entry(glob.middle.into()).or_default()
    }

    /// Does this with the place of a pattern, and forgets the place if that empties it.
    pub(super) fn change(&mut self, glob: Glob<'_>, change: impl FnOnce(&mut Node<K>)) {
        let Some(ends) = self.0.of.get_mut(glob.prefix) else {
            return;
        };
        let Some(group) = ends.of.get_mut(glob.suffix) else {
            return;
        };
        let Some(node) = group.0.get_mut(glob.middle) else {
            return;
        };
        change(node);
        if node.is_empty() {
            group.0.remove(glob.middle);
        }
        if group.0.is_empty() {
            ends.remove(glob.suffix);
        }
        if ends.of.is_empty() {
            self.0.remove(glob.prefix);
        }
    }

    /// Every place whose pattern matches.
    pub(super) fn each<'a>(&'a self, collection: &str, mut found: impl FnMut(&'a Node<K>)) {
        // Collections are ASCII: any length is a place between two characters.
        for begun in self.0.lengths(collection.len()) {
            let (prefix, rest) = collection.split_at(begun);
            let Some(ends) = self.0.of.get(prefix) else {
                continue;
            };
            for ended in ends.lengths(rest.len()) {
                let (inside, suffix) = rest.split_at(rest.len() - ended);
                let Some(group) = ends.of.get(suffix) else {
                    continue;
                };
                for (middle, node) in &group.0 {
                    if pattern::is_in_order(middle, inside) {
                        found(node);
                    }
                }
            }
        }
    }
}
