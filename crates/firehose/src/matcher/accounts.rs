//! Accounts by DID.

use std::collections::HashMap;
use std::hash::Hash;

use super::tree::Tree;

/// What is watched, by account.
#[derive(Debug)]
pub(super) struct Accounts<K> {
    trees: HashMap<Box<str>, Box<Tree<K>>>,
    filter: Filter,
}

/// Says of nearly every account that nobody watches that it is not there, with one look at a table so
/// small that it stays in a cache. Only speed depends on it: whoever chooses DIDs that all look as if
/// they were there makes every event as slow as one that concerns somebody.
#[derive(Debug, Default)]
struct Filter {
    /// Two bits of one word for each account, of eight or more that it has; a power of two. None if
    /// there are no accounts.
    words: Vec<u64>,
    /// Accounts added since the table was made, those that are gone included.
    added: usize,
}

impl<K> Default for Accounts<K> {
    fn default() -> Self {
        Self {
            trees: HashMap::new(),
            filter: Filter::default(),
        }
    }
}

impl<K: Copy + Eq + Hash> Accounts<K> {
    pub(super) fn is_empty(&self) -> bool {
        self.trees.is_empty()
    }

    pub(super) fn get(&self, did: &str) -> Option<&Tree<K>> {
        let found = self.may_have(did.as_bytes()).then(|| self.trees.get(did));
        found.flatten().map(|tree| &**tree)
    }

    /// Whether [`Accounts::get`] has to look for it.
    #[inline]
    pub(super) fn may_have(&self, did: &[u8]) -> bool {
        self.filter.may_have(did)
    }

    /// The tree of an account, made if need be.
    pub(super) fn make(&mut self, did: &str) -> &mut Tree<K> {
        if !self.trees.contains_key(did) {
            if self.filter.is_full() {
                self.filter = Filter::of(self.trees.keys());
            }
            self.filter.add(did);
        }
        self.trees.entry(did.into()).or_default()
    }

    /// Does this with the tree of an account, and forgets the account if that empties it.
    pub(super) fn change(&mut self, did: &str, change: impl FnOnce(&mut Tree<K>)) {
        let Some(tree) = self.trees.get_mut(did) else {
            return;
        };
        change(tree);
        if tree.is_empty() {
            self.trees.remove(did);
        }
        if self.trees.is_empty() {
            *self = Self::default();
        }
    }
}

impl Filter {
    /// Words of the smallest table.
    const LEAST: usize = 64;
    /// Accounts for which a word is enough.
    const OF_A_WORD: usize = 8;

    /// A table with room for as many again.
    fn of<'a>(dids: impl ExactSizeIterator<Item = &'a Box<str>>) -> Self {
        let words = dids.len() / (Self::OF_A_WORD / 2) + 1;
        let mut filter = Self {
            words: vec![0; words.next_power_of_two().max(Self::LEAST)],
            added: 0,
        };
        dids.for_each(|did| filter.add(did));
        filter
    }

    fn is_full(&self) -> bool {
        self.added >= self.words.len() * Self::OF_A_WORD
    }

    fn add(&mut self, did: &str) {
        let (word, bits) = self.place(did.as_bytes());
        if let Some(word) = self.words.get_mut(word) {
            *word |= bits;
        }
        self.added += 1;
    }

    fn may_have(&self, did: &[u8]) -> bool {
        let (word, bits) = self.place(did);
        self.words.get(word).is_some_and(|word| word & bits == bits)
    }

    /// From the end of the DID, which is different for nearly every account.
    fn place(&self, did: &[u8]) -> (usize, u64) {
        let end = did.last_chunk().copied().unwrap_or_default();
        let mixed = u64::from_le_bytes(end).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let word = usize::try_from(mixed >> 32).unwrap_or_default();
        let bits = 1 << (mixed >> 26 & 63) | 1 << (mixed >> 20 & 63);
        (word & self.words.len().wrapping_sub(1), bits)
    }
}
