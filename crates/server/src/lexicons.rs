//! The lexicons that this server knows: those that it was built with, and those of a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use loggia_lexicon::catalog::{Catalog, LoadError};
use loggia_lexicon::document::Document;
use loggia_lexicon::validate::Validator;
use loggia_syntax::Nsid;
use loggia_syntax::check::Violation;
use loggia_xrpc::Method;
use loggia_xrpc_server::Explain;

use crate::overlay::{NotifySpaceDeleted, NotifyWrite, RegisterNotify};

/// Methods whose input may follow another lexicon than that of their NSID.
const TWO_SHAPES: [&str; 3] = [
    RegisterNotify::NSID,
    NotifyWrite::NSID,
    NotifySpaceDeleted::NSID,
];

/// Problems of a folder that are told at once.
const MOST_TOLD: usize = 5;

/// Why a folder of lexicons is not used.
#[derive(Debug, thiserror::Error)]
pub enum LexiconsError {
    /// The folder cannot be read.
    #[error("the folder of `lexicons` cannot be read")]
    Load(#[source] LoadError),
    /// Something in it is wrong.
    #[error("the lexicons in {} are wrong: {problems}", folder.display())]
    Wrong {
        /// The folder.
        folder: PathBuf,
        /// What, and where.
        problems: String,
    },
}

/// A catalog and its validator. Cheap to clone.
#[derive(Clone)]
pub struct Lexicons(Arc<(Catalog, Validator)>);

impl Lexicons {
    /// Reads and compiles the documents that stand in the generated code.
    pub fn built_in() -> Self {
        let mut builder = Catalog::builder();
        for (nsid, text) in loggia_api::catalog::DOCUMENTS {
            builder.add(text, format!("{}.json", nsid.replace('.', "/")));
        }
        Self::new(builder.build())
    }

    /// Compiles a catalog.
    pub fn new(catalog: Catalog) -> Self {
        let validator = Validator::new(&catalog);
        Self(Arc::new((catalog, validator)))
    }

    /// What this type leads to, and no more: of what is given, which wins, and of these, if the others
    /// count as well. Of these the type itself counts in any case.
    pub fn reached_from(&self, nsid: &Nsid, given: Vec<Document>, others: bool) -> Self {
        if others && given.is_empty() {
            return self.clone();
        }
        let mut by_name = BTreeMap::new();
        for document in given {
            // Of two of the same name the first counts.
            by_name.entry(document.id.to_string()).or_insert(document);
        }
        let mut reached = BTreeMap::new();
        let mut wanted = BTreeSet::from([nsid.to_string()]);
        while let Some(name) = wanted.pop_first() {
            let ours = || match others || name == nsid.as_str() {
                true => self.catalog().document(&name).cloned(),
                false => None,
            };
            // What is not there stays unresolved.
            let Some(document) = by_name.remove(&name).or_else(ours) else {
                continue;
            };
            let new = document.leads_to().into_iter();
            let new = new.filter(|one| *one != name && !reached.contains_key(*one));
            wanted.extend(new.map(str::to_owned));
            reached.insert(name, document);
        }
        Self::new(Catalog::from_documents(reached.into_values()))
    }

    /// Those that are known from the start: the built-in ones, and those of a folder.
    ///
    /// # Errors
    /// As [`Lexicons::with_folder`].
    pub fn from_start(folder: Option<&Path>) -> Result<Self, LexiconsError> {
        let built_in = Self::built_in();
        match folder {
            Some(folder) => built_in.with_folder(folder),
            None => Ok(built_in),
        }
    }

    /// Those of a folder as well. An official lexicon, or one of ours, is never bent: of two of the
    /// same name the built-in one counts.
    ///
    /// # Errors
    /// The folder cannot be read, or what is in it is wrong.
    pub fn with_folder(&self, folder: &Path) -> Result<Self, LexiconsError> {
        let given = Catalog::load(folder).map_err(LexiconsError::Load)?;
        let wrong = given.problems().iter();
        let wrong = wrong.filter(|problem| problem.diagnostic.is_error());
        let wrong: Vec<_> = wrong.take(MOST_TOLD).map(ToString::to_string).collect();
        if !wrong.is_empty() {
            return Err(LexiconsError::Wrong {
                folder: folder.to_owned(),
                problems: wrong.join("; "),
            });
        }
        let mut builder = Catalog::builder();
        for document in self.catalog().documents() {
            builder.add_document(document.clone(), "server");
        }
        for document in given.documents() {
            let nsid = document.id.as_str();
            if self.catalog().document(nsid).is_some() {
                tracing::warn!(
                    nsid,
                    "a lexicon of the folder is built in, and stays as it is"
                );
            } else {
                builder.add_document(document.clone(), given.file(nsid).unwrap_or("folder"));
            }
        }
        Ok(Self::new(builder.build()))
    }

    /// What validates by the documents.
    pub fn validator(&self) -> &Validator {
        &self.0.1
    }

    /// The documents.
    pub fn catalog(&self) -> &Catalog {
        &self.0.0
    }
}

impl Explain for Lexicons {
    fn input(&self, nsid: &str, json: &[u8]) -> Vec<Violation> {
        if TWO_SHAPES.contains(&nsid) {
            return Vec::new();
        }
        match serde_json::from_slice::<serde_json::Value>(json) {
            Ok(value) => self.0.1.input(nsid, &value).err().unwrap_or_default(),
            // What is not JSON has no places to point at; the decoder's own message does.
            Err(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_lexicons_have_no_problems() {
        let lexicons = Lexicons::built_in();
        let problems = lexicons.catalog().problems();
        assert!(problems.is_empty(), "{problems:?}");
        assert!(lexicons.catalog().len() > 50);
    }
}
