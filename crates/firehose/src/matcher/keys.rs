//! Who is to be told, in lists that do not mind how long they become.

use std::hash::Hash;

use indexmap::IndexSet;

use crate::scope::Actions;
use crate::{Action, Scope};

/// From so many on, a list knows where in it each is.
const MANY: usize = 32;

/// Who wants to be told, apart by what of: no one is looked at who does not want to know.
#[derive(Debug)]
pub(super) struct Keys<K>(Vec<(Wish, List<K>)>);

/// Of what somebody wants to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    actions: Actions,
    backlinks: bool,
}

/// How a record meets a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It is in it.
    Direct,
    /// It refers to it.
    Backlink,
}

#[derive(Debug)]
enum List<K> {
    Few(Vec<K>),
    Many(IndexSet<K>),
}

impl Wish {
    pub(super) fn of(scope: &Scope) -> Self {
        Self {
            actions: scope.actions(),
            backlinks: scope.backlinks(),
        }
    }

    pub(super) fn is_for(self, way: Way) -> bool {
        way == Way::Direct || self.backlinks
    }

    pub(super) fn is_of(self, action: Action, way: Way) -> bool {
        self.actions.contains(action) && self.is_for(way)
    }
}

impl<K> Default for Keys<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Copy + Eq + Hash> Keys<K> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether anybody wants to be told of what comes this way.
    pub(super) fn has(&self, way: Way) -> bool {
        self.0.iter().any(|(wish, _)| wish.is_for(way))
    }

    pub(super) fn insert(&mut self, wish: Wish, key: K) {
        match self.0.iter_mut().find(|(of, _)| *of == wish) {
            Some((_, list)) => list.insert(key),
            None => {
                self.0.reserve_exact(1);
                self.0.push((wish, List::Few(vec![key])));
            }
        }
    }

    pub(super) fn remove(&mut self, wish: Wish, key: &K) {
        for (_, list) in self.0.iter_mut().filter(|(of, _)| *of == wish) {
            list.remove(key);
        }
        self.0.retain(|(_, list)| list.len() > 0);
    }

    /// Adds those who want to be told of such a change.
    pub(super) fn tell(&self, action: Action, way: Way, to: &mut Vec<K>) {
        for (wish, list) in &self.0 {
            if wish.is_of(action, way) {
                match list {
                    List::Few(keys) => to.extend_from_slice(keys),
                    List::Many(keys) => to.extend(keys),
                }
            }
        }
    }
}

impl<K: Copy + Eq + Hash> List<K> {
    fn len(&self) -> usize {
        match self {
            Self::Few(keys) => keys.len(),
            Self::Many(keys) => keys.len(),
        }
    }

    fn insert(&mut self, key: K) {
        match self {
            Self::Few(keys) if keys.len() < MANY => keys.push(key),
            Self::Few(keys) => *self = Self::Many(keys.drain(..).chain([key]).collect()),
            Self::Many(keys) => {
                keys.insert(key);
            }
        }
    }

    fn remove(&mut self, key: &K) {
        match self {
            Self::Few(keys) => keys.retain(|known| known != key),
            Self::Many(keys) => {
                keys.swap_remove(key);
            }
        }
    }
}
