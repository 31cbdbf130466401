//! From the text of a lexicon file to a [`Document`], with a diagnostic for whatever is odd in it.
//!
//! Two kinds of trouble are told apart. A text that is not a lexicon at all (no JSON, another
//! language version, no usable id) is a [`ReadError`]. Everything else is a [`Diagnostic`] and a
//! fallback: a stranger's lexicon with one odd field must not take the rest of a catalog with it.
//! An [`Severity::Error`] says that the language forbids what is written; the definition is then
//! kept as [`Def::Unsupported`](crate::document::Def::Unsupported) if nothing in it can be trusted.

mod document;
mod fields;
mod json;
mod locate;
mod method;
mod permission;
mod schema;

use std::fmt;
use std::ops::Range;

use thiserror::Error;

use crate::document::Document;
use fields::Notes;
use json::Json;
pub use locate::fill_spans;

/// Reads a lexicon document.
///
/// The diagnostics come in the order in which their places were visited, at most
/// [`Diagnostic::MOST`] of them.
///
/// # Errors
/// If the text is not JSON, or is not a lexicon document of language version 1 with a valid id.
pub fn read(text: &str) -> Result<(Document, Vec<Diagnostic>), ReadError> {
    let json: Json<'_> =
        serde_json::from_str(text).map_err(|source| ReadError::malformed(text, source))?;
    let mut notes = Notes::default();
    let document = document::lower(&json, &mut notes);
    let mut diagnostics = notes.into_diagnostics();
    fill_spans(text, &mut diagnostics);
    match document {
        Some(document) => Ok((document, diagnostics)),
        None => Err(ReadError::NotALexicon { diagnostics }),
    }
}

/// Something odd in a lexicon document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A short stable name of the rule, such as `unknown-key`.
    pub rule: &'static str,
    /// Where, as a JSON pointer (RFC 6901) into the file; empty for the whole document.
    pub pointer: String,
    /// The bytes of the text that the pointer leads to.
    pub span: Option<Range<usize>>,
    /// What is odd and what was made of it, for people.
    pub message: String,
}

impl Diagnostic {
    /// At most this many diagnostics are kept of one document: enough to mend it, too few to fill
    /// memory. The last one says how many were left out.
    pub const MOST: usize = 1000;

    /// Whether the language forbids what is written.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() {
            "/"
        } else {
            &self.pointer
        };
        write!(
            f,
            "{}: {place}: {} [{}]",
            self.severity, self.message, self.rule
        )
    }
}

/// How bad a [`Diagnostic`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The document can be used; something in it was not understood or is unwise.
    Warning,
    /// The language forbids this; what it stands in is unusable or lacks the part named.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// Why a text is not a lexicon document.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The text is not JSON.
    #[error("not valid JSON, at line {line} column {column}")]
    Malformed {
        /// The line, counted from 1.
        line: usize,
        /// The column in bytes, counted from 1.
        column: usize,
        /// The byte offset in the text.
        offset: usize,
        /// What the parser says.
        #[source]
        source: serde_json::Error,
    },
    /// The text is JSON, but not a lexicon document that this version reads.
    #[error("not a lexicon document: {}", reasons(diagnostics))]
    NotALexicon {
        /// What is wrong; at least one is an error.
        diagnostics: Vec<Diagnostic>,
    },
}

impl ReadError {
    fn malformed(text: &str, source: serde_json::Error) -> Self {
        let line = source.line().max(1);
        let column = source.column().max(1);
        let line_start: usize = text
            .split_inclusive('\n')
            .take(line - 1)
            .map(str::len)
            .sum();
        let offset = (line_start + column - 1).min(text.len());
        Self::Malformed {
            line,
            column,
            offset,
            source,
        }
    }

    /// What is wrong as diagnostics, whichever kind of error it is.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            Self::Malformed { offset, source, .. } => vec![Diagnostic {
                severity: Severity::Error,
                rule: "malformed-json",
                pointer: String::new(),
                span: Some(*offset..*offset),
                message: source.to_string(),
            }],
            Self::NotALexicon { diagnostics } => diagnostics.clone(),
        }
    }
}

fn reasons(diagnostics: &[Diagnostic]) -> String {
    let errors: Vec<&str> = diagnostics
        .iter()
        .filter(|d| d.is_error())
        .map(|d| d.message.as_str())
        .collect();
    errors.join("; ")
}
