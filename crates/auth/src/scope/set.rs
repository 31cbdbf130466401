//! The whole `scope` claim.

use std::collections::BTreeSet;
use std::fmt;

use super::{Need, Scope, ScopeMissing, ScopesTooLong};

/// The scopes of a token: a set, in text separated by spaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes {
    known: BTreeSet<Scope>,
    unknown: BTreeSet<String>,
    transitions: bool,
}

impl Scopes {
    /// The longest claim that is read, in bytes. A token that holds more does not fit into the
    /// headers that servers take.
    pub const LONGEST: usize = 64 * 1024;

    /// Reads a claim. What is no known scope is kept, as text, and allows nothing.
    pub fn parse(text: &str) -> Result<Self, ScopesTooLong> {
        if text.len() > Self::LONGEST {
            return Err(ScopesTooLong {
                length: text.len(),
                limit: Self::LONGEST,
            });
        }
        let mut scopes = Self::default();
        for scope in text.split(' ').filter(|scope| !scope.is_empty()) {
            match scope.parse() {
                Ok(known) => scopes.known.insert(known),
                Err(_) => scopes.unknown.insert(scope.to_owned()),
            };
        }
        Ok(scopes)
    }

    /// The same scopes, of which the coarse ones (`transition:…`) now allow what they do in the
    /// reference implementation. Without this they allow nothing.
    #[must_use]
    pub fn with_transitions(mut self) -> Self {
        self.transitions = true;
        self
    }

    /// The scopes that are understood.
    pub fn known(&self) -> impl ExactSizeIterator<Item = &Scope> {
        self.known.iter()
    }

    /// The texts that are not.
    pub fn unknown(&self) -> impl ExactSizeIterator<Item = &str> {
        self.unknown.iter().map(String::as_str)
    }

    /// Whether one of them allows it.
    pub fn allows(&self, need: &Need<'_>) -> bool {
        self.known.iter().any(|scope| match scope {
            Scope::Transition(scope) => self.transitions && need.is_met_in_transition(*scope),
            scope => need.is_met_by(scope),
        })
    }

    /// Says which scope is missing if none allows it.
    pub fn require(&self, need: &Need<'_>) -> Result<(), ScopeMissing> {
        if self.allows(need) {
            return Ok(());
        }
        Err(ScopeMissing::new(need.to_string()))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self {
            known: scopes.into_iter().collect(),
            ..Self::default()
        }
    }
}

/// Canonical: each once, sorted as text.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.known.iter().map(ToString::to_string);
        let all: BTreeSet<String> = known.chain(self.unknown.iter().cloned()).collect();
        for (index, scope) in all.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope)?;
        }
        Ok(())
    }
}
