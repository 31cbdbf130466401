//! What is known, in two generations: a bounded map that forgets what was not used for long.

use std::collections::HashMap;
use std::hash::Hash;

use jiff::Timestamp;

/// What is known of one key.
#[derive(Clone, Debug)]
pub(super) struct Known<V, E> {
    /// The value, or why there is none.
    pub(super) answer: Result<V, E>,
    /// When it was last asked for.
    pub(super) asked: Timestamp,
    /// When this answer was given; before `asked` if asking again has failed.
    pub(super) answered: Timestamp,
}

/// When the young generation is full it becomes the old one, and the old one is forgotten. What is
/// used moves to the young. So nothing that was used among the last half of `most` is forgotten, at
/// the price of no list to keep in order.
#[derive(Debug)]
pub(super) struct Store<K, V, E> {
    young: HashMap<K, Known<V, E>>,
    old: HashMap<K, Known<V, E>>,
    most: usize,
}

impl<K: Clone + Eq + Hash, V, E> Store<K, V, E> {
    /// Room for `most` keys, at least two.
    pub(super) fn new(most: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            most: most.max(2),
        }
    }

    pub(super) fn get(&mut self, key: &K) -> Option<&Known<V, E>> {
        self.get_mut(key).map(|known| &*known)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut Known<V, E>> {
        if !self.young.contains_key(key) {
            let known = self.old.remove(key)?;
            self.insert(key.clone(), known);
        }
        self.young.get_mut(key)
    }

    pub(super) fn insert(&mut self, key: K, known: Known<V, E>) {
        self.old.remove(&key);
        if self.young.len() >= self.most / 2 && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, known);
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(number: usize) -> Known<usize, ()> {
        Known {
            answer: Ok(number),
            asked: Timestamp::UNIX_EPOCH,
            answered: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn stays_within_its_bound_and_keeps_what_is_used() {
        let mut store = Store::new(10);
        store.insert(0, known(0));
        for number in 1..100 {
            store.insert(number, known(number));
            assert!(store.len() <= 10);
            assert!(store.get(&0).is_some(), "forgotten after {number}");
        }
        assert!(store.get(&50).is_none());
        assert!(store.get(&99).is_some());
    }
}
