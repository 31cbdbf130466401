//! Lexicons in other languages: JSON Schema 2020-12 and OpenAPI 3.1.
//!
//! An exported schema never refuses what the lexicon takes on a write. Where JSON Schema can say only part of
//! a constraint (it counts characters, not bytes or grapheme clusters), it says that part, and an
//! `x-lexicon-…` annotation says the whole. String formats are patterns where a pattern is possible;
//! `format` carries the registered name (`date-time`, `uri`) or else the lexicon's. Fields that a
//! schema does not mention are left alone, though the data model limits them (no fractions).

mod format;
mod leaf;
mod name;
mod openapi;
mod schema;
mod union;

pub use openapi::{ApiInfo, open_api};

use serde_json::{Value, json};

use crate::document::{Def, Document};
use crate::library::{DefName, Library};
use schema::Exporter;

/// Why a schema cannot be exported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// The documents have no such definition.
    #[error("there is no definition `{name}`")]
    NotFound {
        /// The definition asked for.
        name: String,
    },
    /// The definition is a method, a permission set or a space, and describes no data.
    #[error("`{name}` does not describe data; methods are exported as OpenAPI")]
    NotData {
        /// The definition asked for.
        name: String,
    },
}

/// Exports a definition (`nsid` or `nsid#name`) as JSON Schema 2020-12 for its JSON form, with all
/// that it refers to under `$defs`.
///
/// A reference to something that is not among the documents becomes a schema that takes anything,
/// marked `x-lexicon-unresolved`.
pub fn json_schema<'a>(
    documents: impl IntoIterator<Item = &'a Document>,
    reference: &str,
) -> Result<Value, ExportError> {
    let library = Library::new(documents);
    let name = DefName::parse("", reference);
    match library.def(&name) {
        None => {
            return Err(ExportError::NotFound {
                name: name.to_string(),
            });
        }
        Some(def) if !is_data(def) => {
            return Err(ExportError::NotData {
                name: name.to_string(),
            });
        }
        Some(_) => {}
    }
    let mut exporter = Exporter::new(&library, "#/$defs/");
    let root = exporter.link(&name);
    Ok(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": name.to_string(),
        "$ref": root["$ref"],
        "$defs": exporter.finish(),
    }))
}

/// Whether a definition describes data.
fn is_data(def: &Def) -> bool {
    matches!(
        def,
        Def::Record(_) | Def::Token(_) | Def::Schema(_) | Def::Unsupported(_)
    )
}
