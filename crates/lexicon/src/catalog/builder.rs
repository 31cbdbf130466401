//! Filling a catalog.

use std::collections::BTreeMap;
use std::collections::btree_map;
use std::fmt;

use loggia_syntax::Nsid;

use super::references;
use super::{Catalog, DefinitionName, Entry, Problem};
use crate::document::{Def, Document};
use crate::place::Place;
use crate::read::{self, Diagnostic, Severity};

/// A catalog in the making.
#[derive(Debug, Default)]
pub struct CatalogBuilder {
    catalog: Catalog,
    /// The texts, kept until the references are resolved so that problems can point into them.
    texts: BTreeMap<Nsid, String>,
}

impl CatalogBuilder {
    /// Adds the text of a file. What is wrong with it becomes a problem of the catalog.
    pub fn add(&mut self, text: &str, file: impl Into<String>) -> &mut Self {
        let file = file.into();
        match read::read(text) {
            Ok((document, diagnostics)) => {
                self.note(&file, diagnostics);
                let nsid = document.id.clone();
                if self.insert(document, &file, Some(text)) {
                    self.texts.insert(nsid, text.to_owned());
                }
            }
            Err(error) => {
                self.note(&file, error.diagnostics());
                self.note_unreadable(&file, &error);
            }
        }
        self
    }

    /// Adds a document that was read before.
    pub fn add_document(&mut self, document: Document, file: impl Into<String>) -> &mut Self {
        self.insert(document, &file.into(), None);
        self
    }

    /// Notes a problem with a file that never became a text.
    pub(super) fn add_unreadable(&mut self, file: String, message: String) {
        self.note_unreadable(&file, &message);
        let diagnostic = document_diagnostic(Severity::Error, "unreadable-file", "", message);
        self.note(&file, vec![diagnostic]);
    }

    fn note_unreadable(&mut self, file: &str, reason: &dyn fmt::Display) {
        for nsid in nsids_of_path(file) {
            self.catalog
                .unreadable
                .insert(nsid, format!("{file}: {reason}"));
        }
    }

    fn insert(&mut self, document: Document, file: &str, text: Option<&str>) -> bool {
        if text.is_some() && !path_fits(file, document.id.as_str()) {
            let message = format!("the file's path does not spell `{}`", document.id);
            let mut found = vec![document_diagnostic(
                Severity::Warning,
                "path-mismatch",
                "/id",
                message,
            )];
            read::fill_spans(text.unwrap_or_default(), &mut found);
            self.note(file, found);
        }
        match self.catalog.entries.entry(document.id.clone()) {
            btree_map::Entry::Vacant(place) => {
                place.insert(Entry {
                    document,
                    file: file.to_owned(),
                });
                true
            }
            btree_map::Entry::Occupied(first) => {
                let message = format!(
                    "`{}` is defined by {} already",
                    document.id,
                    first.get().file
                );
                let mut found = vec![document_diagnostic(
                    Severity::Error,
                    "duplicate-id",
                    "/id",
                    message,
                )];
                read::fill_spans(text.unwrap_or_default(), &mut found);
                self.note(file, found);
                false
            }
        }
    }

    fn note(&mut self, file: &str, diagnostics: Vec<Diagnostic>) {
        let problems = diagnostics.into_iter().map(|diagnostic| Problem {
            file: file.to_owned(),
            diagnostic,
        });
        self.catalog.problems.extend(problems);
    }

    /// Resolves every reference and hands out the catalog.
    pub fn build(self) -> Catalog {
        let Self { mut catalog, texts } = self;
        let mut problems = Vec::new();
        for (nsid, entry) in &catalog.entries {
            let mut found = unresolved(&catalog, &entry.document);
            if let Some(text) = texts.get(nsid) {
                read::fill_spans(text, &mut found);
            }
            problems.extend(found.into_iter().map(|diagnostic| Problem {
                file: entry.file.clone(),
                diagnostic,
            }));
        }
        catalog.problems.append(&mut problems);
        catalog.problems.sort_by(|a, b| a.file.cmp(&b.file));
        catalog
            .unreadable
            .retain(|nsid, _| !catalog.entries.contains_key(nsid.as_str()));
        catalog
    }
}

fn document_diagnostic(
    severity: Severity,
    rule: &'static str,
    pointer: &str,
    message: String,
) -> Diagnostic {
    Diagnostic {
        severity,
        rule,
        pointer: pointer.to_owned(),
        span: None,
        message,
    }
}

fn unresolved(catalog: &Catalog, document: &Document) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    references::visit(document, &mut |at, reference| {
        if found.len() < Diagnostic::MOST {
            found.extend(unresolved_reference(catalog, document, at, reference));
        }
    });
    found
}

fn unresolved_reference(
    catalog: &Catalog,
    document: &Document,
    at: &Place<'_>,
    reference: &str,
) -> Option<Diagnostic> {
    let (severity, rule, message) = match DefinitionName::parse(document.id.as_str(), reference) {
        None => (
            Severity::Error,
            "invalid-ref",
            format!("`{reference}` is no reference"),
        ),
        Some(name) => match catalog.get(name).map(|found| found.def) {
            None => (
                Severity::Error,
                "unresolved-ref",
                format!("there is no `{name}`"),
            ),
            Some(Def::Record(_) | Def::Schema(_) | Def::Unsupported(_)) => return None,
            Some(Def::Token(_)) => {
                let message = format!("`{name}` is a token; read as a string");
                (Severity::Warning, "ref-to-token", message)
            }
            Some(_) => (
                Severity::Error,
                "ref-to-no-data",
                format!("`{name}` is no data"),
            ),
        },
    };
    Some(document_diagnostic(
        severity,
        rule,
        &at.to_string(),
        message,
    ))
}

/// Whether the path spells the NSID: as folders from the right, or as one flat file name.
fn path_fits(file: &str, nsid: &str) -> bool {
    let path = file.strip_suffix(".json").unwrap_or(file);
    let mut steps = path.rsplit(['/', '\\']);
    if steps.clone().next() == Some(nsid) {
        return true;
    }
    nsid.rsplit('.')
        .all(|segment| steps.next().is_none_or(|step| step == segment))
}

/// The NSIDs that a path may stand for: as one flat file name, else each of its right ends that
/// could be one, as nobody knows where the folder of lexicons begins.
fn nsids_of_path(file: &str) -> Vec<String> {
    let Some(path) = file.strip_suffix(".json") else {
        return Vec::new();
    };
    let steps: Vec<&str> = path.split(['/', '\\']).collect();
    let flat = steps.last().copied().unwrap_or_default();
    if Nsid::check(flat).is_ok() {
        return vec![flat.to_owned()];
    }
    let ends = (0..steps.len()).map(|from| steps[from..].join("."));
    ends.filter(|text| Nsid::check(text).is_ok()).collect()
}
