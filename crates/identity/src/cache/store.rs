//! What is known, in two generations: a bounded map that forgets what was not used for long.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use loggia_syntax::Did;

use crate::{DidDocument, ResolveError};

/// A document, or why there is none.
pub(super) type Answer = Result<Arc<DidDocument>, ResolveError>;

/// What is known of one DID.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) answer: Answer,
    /// When it was last asked for.
    pub(super) asked: Timestamp,
    /// When this answer was given; before `asked` if asking again has failed.
    pub(super) answered: Timestamp,
}

/// When the young generation is full it becomes the old one, and the old one is forgotten. What is
/// used moves to the young. So nothing that was used among the last half of `most` is forgotten, at
/// the price of no list to keep in order.
#[derive(Debug)]
pub(super) struct Store {
    young: HashMap<Did, Known>,
    old: HashMap<Did, Known>,
    most: usize,
}

impl Store {
    /// Room for `most` DIDs, at least two.
    pub(super) fn new(most: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            most: most.max(2),
        }
    }

    pub(super) fn get(&mut self, did: &Did) -> Option<&Known> {
        self.get_mut(did).map(|known| &*known)
    }

    pub(super) fn get_mut(&mut self, did: &Did) -> Option<&mut Known> {
        if !self.young.contains_key(did) {
            let known = self.old.remove(did)?;
            self.insert(did.clone(), known);
        }
        self.young.get_mut(did)
    }

    pub(super) fn insert(&mut self, did: Did, known: Known) {
        self.old.remove(&did);
        if self.young.len() >= self.most / 2 && !self.young.contains_key(&did) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(did, known);
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn did(number: usize) -> Did {
        Did::new(format!("did:web:host{number}.example")).expect("a valid DID")
    }

    fn known(number: usize) -> Known {
        let answer = Ok(Arc::new(DidDocument::new(did(number))));
        Known {
            answer,
            asked: Timestamp::UNIX_EPOCH,
            answered: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn stays_within_its_bound_and_keeps_what_is_used() {
        let mut store = Store::new(10);
        store.insert(did(0), known(0));
        for number in 1..100 {
            store.insert(did(number), known(number));
            assert!(store.len() <= 10);
            assert!(store.get(&did(0)).is_some(), "forgotten after {number}");
        }
        assert!(store.get(&did(50)).is_none());
        assert!(store.get(&did(99)).is_some());
    }
}
