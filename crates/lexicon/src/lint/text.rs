//! Linting a text: what the reader refused, under lint's names, and then what it read.

use super::{Finding, Rule, lint};
use crate::read::{Diagnostic, read};

/// The reader's errors that lint finds again in the model.
const FOUND_AGAIN: &[&str] = &[
    "body-type",
    "default-and-const",
    "empty-closed-union",
    "empty-enum",
    "error-name",
    "impossible-range",
    "misplaced-type",
    "missing-key-type",
    "no-definitions",
    "params-type",
    "primary-not-main",
    "space-name",
    "undefined-property",
    "unknown-key-type",
];

/// Lints the text of a lexicon file. Other than [`lint`] it can also say of a text that it is no
/// lexicon at all, and what the reader left out.
pub fn lint_text(text: &str) -> Vec<Finding> {
    let (document, diagnostics) = match read(text) {
        Ok((document, diagnostics)) => (Some(document), diagnostics),
        Err(error) => (None, error.diagnostics()),
    };
    let mut findings: Vec<_> = diagnostics.iter().filter_map(from_reader).collect();
    let from_reader = findings.len();
    if let Some(document) = &document {
        let found = lint(document).into_iter();
        let is_news = |finding: &Finding| {
            !findings[..from_reader].iter().any(|known| {
                known.rule == finding.rule && known.pointer.starts_with(&finding.pointer)
            })
        };
        let news: Vec<_> = found.filter(is_news).collect();
        findings.extend(news);
    }
    findings
}

fn from_reader(diagnostic: &Diagnostic) -> Option<Finding> {
    let rule = match diagnostic.rule {
        "invalid-id" => Rule::InvalidNsid,
        "lexicon-version" => Rule::LexiconVersion,
        "unknown-key" => Rule::UnknownKey,
        rule if diagnostic.is_error() && !FOUND_AGAIN.contains(&rule) => Rule::LexiconSchema,
        _ => return None,
    };
    Some(Finding {
        rule,
        severity: rule.severity(),
        pointer: diagnostic.pointer.clone(),
        message: diagnostic.message.clone(),
    })
}
