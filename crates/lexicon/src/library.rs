//! A set of documents as look-ups: what a reference names, spelled one way only.
//!
//! `#a`, `nsid#a`, `nsid` and `nsid#main` name definitions in several ways. Whoever compares,
//! checks or exports references goes through [`DefName`], so that a respelling is never a change.

use std::collections::BTreeMap;
use std::fmt;

use crate::catalog::DefinitionName;
use crate::document::{Def, Document};
use crate::place::escape;

/// The full name of a definition, kept: [`DefinitionName`] borrows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct DefName {
    /// The document.
    pub(crate) nsid: String,
    /// The definition in it.
    pub(crate) name: String,
}

impl DefName {
    /// A definition by its two parts.
    pub(crate) fn new(nsid: &str, name: &str) -> Self {
        Self {
            nsid: nsid.to_owned(),
            name: name.to_owned(),
        }
    }

    /// Reads a reference that stands in the document `base`. What is not a reference leads nowhere.
    pub(crate) fn parse(base: &str, reference: &str) -> Self {
        match DefinitionName::parse(base, reference) {
            Some(name) => Self::new(name.nsid, name.name),
            None => Self::new(reference, ""),
        }
    }
}

impl fmt::Display for DefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        DefinitionName {
            nsid: &self.nsid,
            name: &self.name,
        }
        .fmt(f)
    }
}

/// Documents by NSID. Of two with the same NSID the later one counts.
#[derive(Debug, Default)]
pub(crate) struct Library<'a> {
    documents: BTreeMap<&'a str, &'a Document>,
}

impl<'a> Library<'a> {
    /// Shelves documents.
    pub(crate) fn new(documents: impl IntoIterator<Item = &'a Document>) -> Self {
        Self {
            documents: documents.into_iter().map(|d| (d.id.as_str(), d)).collect(),
        }
    }

    /// Every document, by NSID.
    pub(crate) fn documents(&self) -> impl Iterator<Item = &'a Document> + '_ {
        self.documents.values().copied()
    }

    /// A document.
    pub(crate) fn document(&self, nsid: &str) -> Option<&'a Document> {
        self.documents.get(nsid).copied()
    }

    /// A definition.
    pub(crate) fn def(&self, name: &DefName) -> Option<&'a Def> {
        self.document(&name.nsid)?.defs.get(&name.name)
    }
}

/// A JSON pointer (RFC 6901) one step further down.
pub(crate) fn below(pointer: &str, step: &str) -> String {
    format!("{pointer}/{}", escape(step))
}
