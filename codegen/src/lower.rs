//! From documents to the model: names are chosen first, for every document, then references are
//! followed.

mod cycles;
mod defs;
mod methods;
mod naming;
mod refs;
mod types;

use std::collections::BTreeMap;

use loggia_lexicon::catalog::Catalog as Documents;
use loggia_lexicon::document::Document;

use crate::Diagnostic;
use crate::model::{Model, Module};
use naming::ModuleNames;

/// Lowers all documents of a catalog.
pub(crate) fn lower(documents: &Documents) -> (Model, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let catalog = Entries::new(documents);
    let mut model = Model::default();
    for index in 0..catalog.entries.len() {
        let mut lowering = Lowering::new(&catalog, index, &mut diagnostics);
        model.modules.push(lowering.module());
    }
    cycles::cut(&mut model);
    (model, diagnostics)
}

/// All documents with the names of what is generated from them.
struct Entries<'a> {
    entries: Vec<Entry<'a>>,
    by_nsid: BTreeMap<&'a str, usize>,
}

struct Entry<'a> {
    file: &'a str,
    document: &'a Document,
    names: ModuleNames,
}

impl<'a> Entries<'a> {
    fn new(catalog: &'a Documents) -> Self {
        let paths = naming::module_paths(catalog.documents().map(|document| document.id.as_str()));
        let entries: Vec<Entry<'a>> = catalog
            .documents()
            .zip(paths)
            .map(|(document, path)| Entry {
                file: catalog.file(document.id.as_str()).unwrap_or_default(),
                document,
                names: ModuleNames::new(document, path),
            })
            .collect();
        let by_nsid = entries.iter().enumerate();
        let by_nsid = by_nsid
            .map(|(index, entry)| (entry.document.id.as_str(), index))
            .collect();
        Self { entries, by_nsid }
    }
}

/// Lowers one document.
struct Lowering<'a, 'b> {
    catalog: &'b Entries<'a>,
    /// The document that is lowered.
    index: usize,
    diagnostics: &'b mut Vec<Diagnostic>,
    /// The aliases that are being followed, so that one which leads to itself is noticed.
    following: Vec<(usize, String)>,
}

impl<'a, 'b> Lowering<'a, 'b> {
    fn new(catalog: &'b Entries<'a>, index: usize, diagnostics: &'b mut Vec<Diagnostic>) -> Self {
        Self {
            catalog,
            index,
            diagnostics,
            following: Vec::new(),
        }
    }

    fn document(&self) -> &'a Document {
        self.catalog.entries[self.index].document
    }

    fn names(&self) -> &'b ModuleNames {
        &self.catalog.entries[self.index].names
    }

    fn nsid(&self) -> &'a str {
        self.document().id.as_str()
    }

    fn note(&mut self, pointer: &str, message: impl Into<String>) {
        // What is wrong with an alias is said where it is defined.
        if self.following.is_empty() {
            let file = self.catalog.entries[self.index].file.to_owned();
            let message = message.into();
            self.diagnostics.push(Diagnostic {
                file,
                pointer: pointer.to_owned(),
                message,
            });
        }
    }

    /// As [`note`](Self::note), for what is come upon by several ways.
    fn note_once(&mut self, pointer: &str, message: String) {
        let known = self
            .diagnostics
            .iter()
            .any(|d| d.pointer == pointer && d.message == message);
        if !known {
            self.note(pointer, message);
        }
    }

    fn module(&mut self) -> Module {
        let mut items = Vec::new();
        for (name, def) in &self.document().defs {
            self.def(name, def, &mut items);
        }
        Module {
            nsid: self.nsid().to_owned(),
            source: self.catalog.entries[self.index].file.to_owned(),
            path: self.names().path.clone(),
            docs: self.document().description.clone(),
            items,
        }
    }
}
