//! Whom a change concerns, out of any number of scopes.
//!
//! Everything is found by hash, by the account first: what an event costs depends on what it has in
//! it and on how many want to be told of it, and not on how many want to be told of something else.
//!
//! Nearly every event concerns nobody. Which those are is told for many at once ([`Matcher::sift`]), so
//! that waiting for memory is done for many at once, too.

mod accounts;
mod filter;
mod globs;
mod keys;
mod sift;
mod tree;

use std::collections::HashMap;
use std::hash::Hash;

use crate::reference::{self, Reference};
use crate::references::{self, References, TooComplex};
use crate::{Action, Change, Event, Scope, What};
use accounts::{Accounts, Watchers};
use keys::{Keys, Way, Wish};

/// Scopes, each under a key of its own, and whom a change concerns among them.
#[derive(Debug)]
pub struct Matcher<K> {
    scopes: HashMap<K, Scope>,
    accounts: Accounts<K>,
    /// How many of the scopes are about backlinks.
    backlinks: usize,
}

/// Whom a change concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matches<K> {
    /// The keys of the scopes, each once, in no particular order.
    pub keys: Vec<K>,
    /// What is to be stored from now on as the record's references; none if what is stored stays.
    pub references: Option<References>,
    /// Why backlinks were not looked for.
    pub too_complex: Option<TooComplex>,
}

impl<K> Default for Matcher<K> {
    fn default() -> Self {
        Self {
            scopes: HashMap::new(),
            accounts: Accounts::default(),
            backlinks: 0,
        }
    }
}

impl<K> Default for Matches<K> {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            references: None,
            too_complex: None,
        }
    }
}

impl<K: Copy + Ord + Hash> Matcher<K> {
    /// One without scopes.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many scopes there are.
    pub fn len(&self) -> usize {
        self.scopes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.scopes.is_empty()
    }

    /// Whether any scope is about backlinks: if none is, no earlier references need be known.
    pub fn has_backlinks(&self) -> bool {
        self.backlinks > 0
    }

    /// The scope of a key.
    pub fn scope(&self, key: &K) -> Option<&Scope> {
        self.scopes.get(key)
    }

    /// Adds a scope, in the place of what the key had before.
    pub fn insert(&mut self, key: K, scope: Scope) {
        self.remove(&key);
        self.backlinks += usize::from(scope.backlinks());
        self.accounts.insert(key, &scope, &self.scopes);
        self.scopes.insert(key, scope);
    }

    /// Removes the scope of a key, and says which it was.
    pub fn remove(&mut self, key: &K) -> Option<Scope> {
        let scope = self.scopes.remove(key)?;
        self.backlinks -= usize::from(scope.backlinks());
        self.accounts.remove(key, &scope);
        Some(scope)
    }

    /// Whom an event concerns; nobody if it is no change of a record. What was in `found` is
    /// forgotten.
    ///
    /// `earlier` are the references that are stored of the record: an update or a deletion concerns
    /// those whom it referred to before, too. If the record is too complex, backlinks are not looked
    /// for at all, and what is stored stays.
    pub fn matches(&self, event: &Event, earlier: &References, found: &mut Matches<K>) {
        found.keys.clear();
        found.references = None;
        found.too_complex = None;
        let What::Change(change) = &event.what else {
            return;
        };
        if let Some(watched) = self.accounts.get(event.did.as_str().as_bytes()) {
            let place = (Some(change.collection.as_str()), Some(change.rkey.as_str()));
            watched.each(&self.scopes, place, |watchers| {
                watchers.tell(change.action, Way::Direct, &mut found.keys);
            });
        }
        if self.has_backlinks()
            && let Err(too_complex) = self.match_backlinks(change, earlier, found)
        {
            found.too_complex = Some(too_complex);
        }
    }

    fn match_backlinks(
        &self,
        change: &Change,
        earlier: &References,
        found: &mut Matches<K>,
    ) -> Result<(), TooComplex> {
        let mut now = Pointing::default();
        if let Some(record) = &change.record {
            let watched = |text: &[u8]| {
                let account = reference::account(text);
                account.is_some_and(|did| self.may_be_pointed_to(did))
            };
            references::each(record, watched, |text| self.follow(text, &mut now))?;
            now.check()?;
        }
        let kept = if now.texts.is_empty() && earlier.is_empty() {
            None
        } else {
            now.texts.sort_unstable();
            now.texts.dedup();
            let kept = References::of_sorted(std::mem::take(&mut now.texts));
            if change.action != Action::Create {
                for text in earlier.iter() {
                    self.follow(text, &mut now);
                }
            }
            Some(kept).filter(|kept| kept != earlier)
        };
        found.references = kept;
        if now.tell(change.action, &mut found.keys) {
            found.keys.sort_unstable();
            found.keys.dedup();
        }
        Ok(())
    }

    /// Finds those who watch what is referred to, if the text is a reference.
    fn follow<'a>(&'a self, text: &str, to: &mut Pointing<'a, K>) {
        let Some(reference) = Reference::new(text) else {
            return;
        };
        let Some(watched) = self.accounts.get(reference.did.as_bytes()) else {
            return;
        };
        if to.texts.len() > References::MOST {
            return;
        }
        let mut any = false;
        let place = (reference.collection, reference.rkey);
        watched.each(&self.scopes, place, |watchers| {
            if watchers.have(Way::Backlink) {
                any = true;
                to.add(watchers);
            }
        });
        if any {
            to.bytes += reference.text.len() + 1;
            to.texts.push(reference.text.into());
        }
    }
}

/// What references point to.
struct Pointing<'a, K> {
    /// Those that point to something watched, with repetitions; not many more than are allowed.
    texts: Vec<Box<str>>,
    bytes: usize,
    /// Who watches it, with repetitions.
    lists: Vec<&'a Keys<K>>,
    ones: Vec<(K, Wish)>,
}

impl<K> Default for Pointing<'_, K> {
    fn default() -> Self {
        Self {
            texts: Vec::new(),
            bytes: 0,
            lists: Vec::new(),
            ones: Vec::new(),
        }
    }
}

impl<'a, K: Copy + Eq + Hash> Pointing<'a, K> {
    fn check(&self) -> Result<(), TooComplex> {
        let within = self.texts.len() <= References::MOST && self.bytes <= References::MAX_STORED;
        if within {
            Ok(())
        } else {
            Err(TooComplex::References)
        }
    }

    fn add(&mut self, watchers: Watchers<'a, K>) {
        match watchers {
            Watchers::One(key, wish) => self.ones.push((key, wish)),
            Watchers::List(keys) => self.lists.push(keys),
        }
    }

    /// Adds those who want to be told of such a change; whether some may be there twice now.
    fn tell(mut self, action: Action, to: &mut Vec<K>) -> bool {
        let before = to.len();
        self.lists
            .sort_unstable_by_key(|keys| std::ptr::from_ref(*keys).addr());
        self.lists.dedup_by(|one, other| std::ptr::eq(*one, *other));
        for keys in self.lists {
            keys.tell(action, Way::Backlink, to);
        }
        // A scope is in one list at most: it is there twice if it was met before, or stands alone.
        let lone = self.ones.len();
        let told = self
            .ones
            .into_iter()
            .filter(|(_, wish)| wish.is_of(action, Way::Backlink));
        to.extend(told.map(|(key, _)| key));
        to.len() > before && (before > 0 || lone > 1)
    }
}
