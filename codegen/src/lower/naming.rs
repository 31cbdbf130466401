//! Chooses the names of a document's types, before anything refers to them.

use std::collections::BTreeMap;

use loggia_lexicon::document::{Def, Document, MethodDef, ObjectSchema, Schema};

use super::types::{Listing, listing};
use crate::names::{self, PRELUDE, Scope};

/// The names of what is generated from one document.
pub(crate) struct ModuleNames {
    /// The Rust module, root first.
    pub(crate) path: Vec<String>,
    /// Type names by the JSON pointer of what they are generated from.
    pub(crate) types: BTreeMap<String, String>,
    /// Constants by the name of the definition.
    pub(crate) constants: BTreeMap<String, String>,
}

/// The names that a method's module uses whether or not the method has the thing.
const OF_METHODS: &[&str] = &["Params", "Input", "Output", "Error", "Message"];

/// The module path of every NSID, in the same order. NSIDs come sorted.
pub(crate) fn module_paths<'a>(nsids: impl Iterator<Item = &'a str>) -> Vec<Vec<String>> {
    let mut groups: BTreeMap<Vec<String>, (Scope, BTreeMap<String, String>)> = BTreeMap::new();
    let mut paths = Vec::new();
    for nsid in nsids {
        let mut path: Vec<String> = Vec::new();
        for segment in nsid.split('.') {
            let root: &[&str] = if path.is_empty() {
                &["catalog", "mod"]
            } else {
                &[]
            };
            let (scope, known) = groups
                .entry(path.clone())
                .or_insert_with(|| (Scope::with(root), BTreeMap::new()));
            let name = known
                .entry(segment.to_owned())
                .or_insert_with(|| scope.take_snake(&names::module(segment)));
            path.push(name.clone());
        }
        paths.push(path);
    }
    paths
}

impl ModuleNames {
    pub(crate) fn new(document: &Document, path: Vec<String>) -> Self {
        let mut naming = Naming {
            scope: Scope::with(PRELUDE),
            constants: Scope::with(&["NSID", "COLLECTIONS", "DETAIL", "KEY", "NAME", "TITLE"]),
            names: Self {
                path,
                types: BTreeMap::new(),
                constants: BTreeMap::new(),
            },
        };
        naming.document(document);
        naming.names
    }

    /// The type that was named for this place.
    pub(crate) fn at(&self, pointer: &str) -> &str {
        self.types.get(pointer).map_or("Unnamed", String::as_str)
    }
}

struct Naming {
    scope: Scope,
    constants: Scope,
    names: ModuleNames,
}

impl Naming {
    /// Definitions first, so that what is nested in one never takes another's name.
    fn document(&mut self, document: &Document) {
        let main = document.id.as_str().rsplit('.').next().unwrap_or_default();
        if let Some(def) = document.defs.get("main") {
            self.def("main", &or(names::camel(main), "Main"), def);
        }
        for (name, def) in document.defs.iter().filter(|(name, _)| *name != "main") {
            self.def(name, &or(names::camel(name), "Def"), def);
        }
        for (name, def) in &document.defs {
            self.nested_in_def(name, def);
        }
    }

    fn def(&mut self, name: &str, wanted: &str, def: &Def) {
        if let Def::Token(_) = def {
            let name_of_constant = self.constants.take(&names::constant(name));
            self.names
                .constants
                .insert(name.to_owned(), name_of_constant);
            return;
        }
        let taken = self.scope.take(wanted);
        self.names
            .types
            .insert(format!("/defs/{}", escape(name)), taken);
        if matches!(
            def,
            Def::Query(_) | Def::Procedure(_) | Def::Subscription(_)
        ) {
            for name in OF_METHODS {
                self.scope.take(name);
            }
        }
    }

    fn nested_in_def(&mut self, name: &str, def: &Def) {
        let pointer = format!("/defs/{}", escape(name));
        let own = self.names.at(&pointer).to_owned();
        match def {
            Def::Record(record) => {
                self.properties(&format!("{pointer}/record"), &own, &record.record);
            }
            Def::Query(method) | Def::Procedure(method) => self.method(&pointer, method),
            Def::Subscription(subscription) => {
                for (name, schema) in subscription.parameters.iter().flat_map(|p| &p.properties) {
                    self.param(&pointer, name, schema);
                }
            }
            Def::Schema(Schema::Object(object)) => self.properties(&pointer, &own, object),
            Def::Schema(Schema::Array(array)) => {
                self.nested(
                    &format!("{pointer}/items"),
                    &format!("{own}Item"),
                    &array.items,
                );
            }
            _ => {}
        }
    }

    fn method(&mut self, pointer: &str, method: &MethodDef) {
        for (name, schema) in method
            .parameters
            .iter()
            .flat_map(|params| &params.properties)
        {
            self.param(pointer, name, schema);
        }
        for (body, part, name) in [
            (&method.input, "input", "Input"),
            (&method.output, "output", "Output"),
        ] {
            let pointer = format!("{pointer}/{part}/schema");
            match body.as_ref().and_then(|body| body.schema.as_ref()) {
                Some(Schema::Object(object)) => {
                    self.names.types.insert(pointer.clone(), name.to_owned());
                    self.properties(&pointer, name, object);
                }
                Some(Schema::Union(_)) => {
                    self.names.types.insert(pointer, name.to_owned());
                }
                Some(schema) => self.nested(&pointer, &format!("{name}Value"), schema),
                None => {}
            }
        }
    }

    fn param(&mut self, pointer: &str, name: &str, schema: &Schema) {
        let pointer = format!("{pointer}/parameters/properties/{}", escape(name));
        self.nested(&pointer, &format!("Params{}", names::camel(name)), schema);
    }

    fn properties(&mut self, pointer: &str, own: &str, object: &ObjectSchema) {
        for (name, schema) in &object.properties {
            let pointer = format!("{pointer}/properties/{}", escape(name));
            self.nested(&pointer, &format!("{own}{}", names::camel(name)), schema);
        }
    }

    fn nested(&mut self, pointer: &str, wanted: &str, schema: &Schema) {
        match schema {
            Schema::Object(object) => {
                let own = self.take(pointer, wanted);
                self.properties(pointer, &own, object);
            }
            Schema::Union(_) => {
                self.take(pointer, wanted);
            }
            Schema::String(string) if listing(string) != Listing::Free => {
                self.take(pointer, wanted);
            }
            Schema::Array(array) => self.nested(&format!("{pointer}/items"), wanted, &array.items),
            _ => {}
        }
    }

    fn take(&mut self, pointer: &str, wanted: &str) -> String {
        let name = self.scope.take(wanted);
        self.names.types.insert(pointer.to_owned(), name.clone());
        name
    }
}

fn or(name: String, otherwise: &str) -> String {
    if name.is_empty() {
        otherwise.to_owned()
    } else {
        name
    }
}

/// A step of a JSON pointer (RFC 6901).
pub(crate) fn escape(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}
