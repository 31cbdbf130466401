//! What is wrong or unwise in a lexicon document, rule by rule.
//!
//! Lint reads the model and never data. What the reader refused has no model; [`lint_text`] says
//! that too.
//! Severity belongs to the rule: an error breaks the language, a warning is advice.

mod definition;
mod rule;
mod schema;
mod text;

use std::fmt;

pub use rule::Rule;
pub use text::lint_text;

use crate::document::Document;
use crate::library::{DefName, Library, below};
pub use crate::read::Severity;

/// One thing that a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// How bad it is; always [`Rule::severity`].
    pub severity: Severity,
    /// Where in the document, as a JSON pointer.
    pub pointer: String,
    /// What was found, for people.
    pub message: String,
}

/// Lints a document on its own: references into other documents are taken on trust.
pub fn lint(document: &Document) -> Vec<Finding> {
    run(document, &Library::new([document]), Scope::Document)
}

/// Lints a document among others, following its references into them. A reference to a document
/// that is not there is a finding too. The document itself need not be among the others.
pub fn lint_among<'a>(
    document: &'a Document,
    others: impl IntoIterator<Item = &'a Document>,
) -> Vec<Finding> {
    let documents = others.into_iter().chain([document]);
    run(document, &Library::new(documents), Scope::Everything)
}

/// How far references are followed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Document,
    Everything,
}

fn run(document: &Document, library: &Library<'_>, scope: Scope) -> Vec<Finding> {
    let mut linter = Linter {
        document,
        library,
        scope,
        findings: Vec::new(),
    };
    if document.defs.is_empty() {
        linter.note(
            Rule::LexiconSchema,
            "/defs",
            "a document needs at least one definition",
        );
    }
    for (name, def) in &document.defs {
        linter.definition(name, def, &below("/defs", name));
    }
    linter.findings
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}: {} [{}]",
            self.severity, self.pointer, self.message, self.rule
        )
    }
}

/// The state of one run.
struct Linter<'a> {
    document: &'a Document,
    library: &'a Library<'a>,
    scope: Scope,
    findings: Vec<Finding>,
}

impl Linter<'_> {
    fn note(&mut self, rule: Rule, pointer: &str, message: impl Into<String>) {
        self.findings.push(Finding {
            rule,
            severity: rule.severity(),
            pointer: pointer.to_owned(),
            message: message.into(),
        });
    }

    /// What a reference names, whether or not it is there.
    fn target(&self, reference: &str) -> DefName {
        DefName::parse(self.document.id.as_str(), reference)
    }

    /// Whether a missing target is known to be missing, and not merely out of sight.
    fn is_in_scope(&self, target: &DefName) -> bool {
        self.scope == Scope::Everything || target.nsid == self.document.id.as_str()
    }
}
