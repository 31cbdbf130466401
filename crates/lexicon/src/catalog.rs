//! A set of lexicon documents with their references resolved.
//!
//! A document that cannot be read and a reference that leads nowhere are [`Problem`]s with file and
//! place; the rest of the catalog stays usable.

mod builder;
mod load;
mod name;
mod reach;
mod references;

pub use builder::CatalogBuilder;
pub use load::LoadError;
pub use name::DefinitionName;

use std::collections::BTreeMap;
use std::fmt;

use loggia_syntax::Nsid;

use crate::document::{Def, Document};
use crate::read::Diagnostic;

/// Lexicon documents by NSID.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    entries: BTreeMap<Nsid, Entry>,
    /// NSIDs whose lexicon is there but could not be read, with the reason.
    unreadable: BTreeMap<String, String>,
    problems: Vec<Problem>,
}

#[derive(Clone, Debug)]
struct Entry {
    document: Document,
    file: String,
}

/// Something wrong or odd in one file of a catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as it was named to the catalog.
    pub file: String,
    /// What and where in the file.
    pub diagnostic: Diagnostic,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.diagnostic)
    }
}

/// A definition found in a catalog.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The document that it stands in.
    pub document: &'a Document,
    /// Its name there.
    pub name: &'a str,
    /// The definition.
    pub def: &'a Def,
}

impl Catalog {
    /// A catalog to be filled text by text.
    pub fn builder() -> CatalogBuilder {
        CatalogBuilder::default()
    }

    /// A catalog of documents that were read before.
    ///
    /// Each is named in problems by its NSID; of several with the same NSID the first counts.
    pub fn from_documents(documents: impl IntoIterator<Item = Document>) -> Self {
        let mut builder = Self::builder();
        for document in documents {
            let file = document.id.to_string();
            builder.add_document(document, file);
        }
        builder.build()
    }

    /// The document of an NSID.
    pub fn document(&self, nsid: &str) -> Option<&Document> {
        self.entries.get(nsid).map(|entry| &entry.document)
    }

    /// Every document, in the order of their NSIDs.
    pub fn documents(&self) -> impl ExactSizeIterator<Item = &Document> {
        self.entries.values().map(|entry| &entry.document)
    }

    /// The file that a document came from, as it was named to the catalog.
    pub fn file(&self, nsid: &str) -> Option<&str> {
        self.entries.get(nsid).map(|entry| entry.file.as_str())
    }

    /// How many documents there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no documents.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The definition that `nsid`, `nsid#main` or `nsid#name` names.
    pub fn find(&self, name: &str) -> Option<Found<'_>> {
        self.get(DefinitionName::parse("", name)?)
    }

    /// The definition that a reference in the document `base` names: `#name` and all that
    /// [`find`](Self::find) takes.
    pub fn resolve(&self, base: &str, reference: &str) -> Option<Found<'_>> {
        self.get(DefinitionName::parse(base, reference)?)
    }

    fn get(&self, name: DefinitionName<'_>) -> Option<Found<'_>> {
        let entry = self.entries.get(name.nsid)?;
        let (name, def) = entry.document.defs.get_key_value(name.name)?;
        Some(Found {
            document: &entry.document,
            name,
            def,
        })
    }

    /// Everything that is wrong or odd, by file name and then by place in the file's reading order.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Why the lexicon of an NSID cannot be used, if a file that should hold it could not be read.
    pub fn unreadable(&self, nsid: &str) -> Option<&str> {
        self.unreadable.get(nsid).map(String::as_str)
    }

    pub(crate) fn all_unreadable(&self) -> impl Iterator<Item = (&str, &str)> {
        self.unreadable
            .iter()
            .map(|(nsid, reason)| (nsid.as_str(), reason.as_str()))
    }
}
