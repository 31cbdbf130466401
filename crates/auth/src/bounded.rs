//! A map with a limit that forgets what was not used for long.

use std::collections::HashMap;
use std::hash::Hash;

/// Two generations: when the young one is full it becomes the old one, and the old one is
/// forgotten. What is used moves to the young.
#[derive(Debug)]
pub(crate) struct Bounded<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    most: usize,
}

impl<K: Hash + Eq + Clone, V> Bounded<K, V> {
    /// Room for `most` entries; with less than two it holds none.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            most,
        }
    }

    pub(crate) fn get(&mut self, key: &K) -> Option<&V> {
        if !self.young.contains_key(key) {
            let value = self.old.remove(key)?;
            self.insert(key.clone(), value);
        }
        self.young.get(key)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        if self.most < 2 {
            return;
        }
        self.old.remove(&key);
        if self.young.len() >= self.most / 2 && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    pub(crate) fn remove(&mut self, key: &K) {
        self.young.remove(key);
        self.old.remove(key);
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_within_its_bound_and_keeps_what_is_used() {
        let mut map = Bounded::new(10);
        map.insert(0, ());
        for number in 1..100 {
            map.insert(number, ());
            assert!(map.len() <= 10);
            assert!(map.get(&0).is_some(), "forgotten after {number}");
        }
        assert!(map.get(&50).is_none());
        map.remove(&0);
        assert!(map.get(&0).is_none());
    }

    #[test]
    fn without_room_it_holds_nothing() {
        let mut map = Bounded::new(0);
        map.insert(1, ());
        assert!(map.get(&1).is_none());
    }
}
