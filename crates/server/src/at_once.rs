//! How much may be under way at once: of one caller, so that none takes the places of all others, and
//! altogether.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use loggia_xrpc_server::CallerKey;

/// Places for work that waits for others. Whoever finds none is told to come back and does not queue.
#[derive(Debug)]
pub(crate) struct AtOnce {
    of_each: usize,
    of_all: usize,
    taken: Mutex<Taken>,
}

/// Who has which places: no more callers than places.
#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by: HashMap<CallerKey, usize>,
}

/// A place; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    at_once: &'a AtOnce,
    caller: Option<CallerKey>,
}

impl AtOnce {
    /// At most `of_each` places for one caller and `of_all` for all.
    pub fn new(of_each: usize, of_all: usize) -> Self {
        Self {
            of_each,
            of_all,
            taken: Mutex::default(),
        }
    }

    /// A place, if there is one for this caller. Of nobody known only the total counts, as for rate
    /// limits.
    pub fn enter(&self, caller: Option<CallerKey>) -> Option<Place<'_>> {
        let mut taken = self.lock();
        if taken.all >= self.of_all {
            return None;
        }
        if let Some(caller) = &caller {
            let places = taken.by.get(caller).copied().unwrap_or(0);
            if places >= self.of_each {
                return None;
            }
            taken.by.insert(caller.clone(), places + 1);
        }
        taken.all += 1;
        drop(taken);
        Some(Place {
            at_once: self,
            caller,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        // Nothing panics while it is held.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut taken = self.at_once.lock();
        taken.all -= 1;
        let Some(caller) = &self.caller else { return };
        match taken.by.get_mut(caller) {
            Some(places) if *places > 1 => *places -= 1,
            _ => {
                taken.by.remove(caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(name: &str) -> Option<CallerKey> {
        Some(CallerKey::Name(name.into()))
    }

    #[test]
    fn one_caller_leaves_places_to_others() {
        let at_once = AtOnce::new(2, 5);
        let first = at_once.enter(caller("a")).expect("a place");
        let _second = at_once.enter(caller("a")).expect("a place");
        assert!(at_once.enter(caller("a")).is_none());
        let _other = at_once.enter(caller("b")).expect("a place");
        drop(first);
        let _third = at_once.enter(caller("a")).expect("free again");
        assert!(at_once.enter(caller("a")).is_none());
    }

    #[test]
    fn all_together_have_so_many_places() {
        let at_once = AtOnce::new(2, 3);
        let unknown: Vec<_> = (0..2).map_while(|_| at_once.enter(None)).collect();
        let known = at_once.enter(caller("a")).expect("a place");
        for nobody in [caller("a"), caller("b"), None] {
            assert!(at_once.enter(nobody).is_none());
        }
        drop(unknown);
        let again = at_once.enter(caller("b")).expect("free again");
        drop((known, again));
        let taken = at_once.lock();
        assert_eq!((taken.all, taken.by.len()), (0, 0), "nothing is left over");
    }

    #[test]
    fn a_refusal_takes_no_place() {
        let at_once = AtOnce::new(1, 2);
        let _held = at_once.enter(caller("a")).expect("a place");
        for _ in 0..10 {
            assert!(at_once.enter(caller("a")).is_none());
        }
        let _other = at_once.enter(caller("b")).expect("the second place");
        assert_eq!(at_once.lock().by.len(), 2);
    }
}
