//! `repo:`, records in the account's public repository.

use std::collections::BTreeSet;
use std::fmt;

use loggia_syntax::Nsid;

use super::ScopeError;
use super::choice::{Choices, Word, choices};
use super::text::{Fields, Writer};

/// Which records may be written, and how: `repo:com.example.note?action=create`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RepoScope {
    collections: Choices<Nsid>,
    actions: BTreeSet<RepoAction>,
}

/// What is done to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RepoAction {
    /// Making a new one.
    Create,
    /// Replacing one that is there.
    Update,
    /// Deleting one.
    Delete,
}

/// One write to the public repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepoNeed<'a> {
    /// The record's collection.
    pub collection: &'a Nsid,
    /// What is done to it.
    pub action: RepoAction,
}

impl Word for RepoAction {
    const ALL: &'static [Self] = &[Self::Create, Self::Update, Self::Delete];

    fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl RepoScope {
    pub(super) fn read(text: &str) -> Result<Self, ScopeError> {
        let fields = Fields::read(text, &["collection", "action"])?;
        let collections = choices(fields.many("collection"), "collection")?;
        if matches!(&collections, Choices::Of(none) if none.is_empty()) {
            return Err(ScopeError::Missing {
                param: "collection",
            });
        }
        let mut actions = RepoAction::read_all(fields.many("action"), "action")?;
        if actions.is_empty() {
            actions.extend(RepoAction::ALL);
        }
        Ok(Self {
            collections,
            actions,
        })
    }

    /// The collections.
    pub fn collections(&self) -> &Choices<Nsid> {
        &self.collections
    }

    /// The actions, at least one.
    pub fn actions(&self) -> &BTreeSet<RepoAction> {
        &self.actions
    }

    /// Whether it allows this write.
    pub fn allows(&self, need: &RepoNeed<'_>) -> bool {
        self.actions.contains(&need.action) && self.collections.take(need.collection.as_str())
    }
}

impl fmt::Display for RepoScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut writer = Writer::new(f, "repo")?;
        writer.values("collection", self.collections.as_strs().into_iter())?;
        if self.actions.len() < RepoAction::ALL.len() {
            for action in &self.actions {
                writer.param("action", action.word())?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for RepoNeed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut writer = Writer::new(f, "repo")?;
        writer.value(self.collection.as_str())?;
        writer.param("action", self.action.word())
    }
}
