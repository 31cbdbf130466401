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
    /// What the values of the young generation weigh.
    weight: usize,
    scale: Scale<V>,
}

/// What values weigh, and how much all of them may.
#[derive(Debug)]
pub(super) struct Scale<V> {
    pub(super) weigh: fn(&V) -> usize,
    pub(super) most: usize,
}

impl<V> Scale<V> {
    /// However much they weigh.
    pub(super) fn none() -> Self {
        Self {
            weigh: |_| 0,
            most: usize::MAX,
        }
    }
}

impl<K: Clone + Eq + Hash, V, E> Store<K, V, E> {
    /// Room for `most` keys, at least two, and for values of some weight; at least for one of each
    /// generation, whatever that weighs.
    pub(super) fn new(most: usize, scale: Scale<V>) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            most: most.max(2),
            weight: 0,
            scale,
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
        if let Some(before) = self.young.remove(&key) {
            self.weight -= self.weight_of(&before);
        }
        let weight = self.weight_of(&known);
        let is_heavy = self.weight.saturating_add(weight) > self.scale.most / 2;
        if self.young.len() >= self.most / 2 || is_heavy && !self.young.is_empty() {
            self.old = std::mem::take(&mut self.young);
            self.weight = 0;
        }
        self.weight += weight;
        self.young.insert(key, known);
    }

    fn weight_of(&self, known: &Known<V, E>) -> usize {
        known.answer.as_ref().map_or(0, self.scale.weigh)
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
        let mut store = Store::new(10, Scale::none());
        store.insert(0, known(0));
        for number in 1..100 {
            store.insert(number, known(number));
            assert!(store.len() <= 10);
            assert!(store.get(&0).is_some(), "forgotten after {number}");
        }
        assert!(store.get(&50).is_none());
        assert!(store.get(&99).is_some());
    }

    #[test]
    fn values_weigh_no_more_than_they_may() {
        let scale = Scale {
            weigh: |number: &usize| *number,
            most: 100,
        };
        let mut store = Store::new(1_000, scale);
        let weight = |store: &Store<usize, usize, ()>| {
            let all = store.young.values().chain(store.old.values());
            all.map(|known| known.answer.expect("a value"))
                .sum::<usize>()
        };
        for key in 0..100 {
            store.insert(key, known(10));
            store.insert(key, known(9));
            assert!(weight(&store) <= 100, "{key}: {}", weight(&store));
        }
        assert!(store.get(&99).is_some() && store.get(&95).is_some());
        // One that is heavier than all may be is there by itself.
        store.insert(100, known(70));
        assert!(store.get(&100).is_some() && store.young.len() == 1);
    }
}
