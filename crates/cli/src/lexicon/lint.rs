//! `loggia lexicon lint PATH…`.

use std::path::PathBuf;

use loggia_lexicon::document::Document;
use loggia_lexicon::lint::{Finding, lint_among};
use loggia_lexicon::read::{Diagnostic, fill_spans, read};
use miette::Result;
use serde_json::json;

use super::{LexiconFile, files};
use crate::{Outcome, output, progress, report};

pub fn run(paths: &[PathBuf], as_json: bool) -> Result<Outcome> {
    let mut all = Vec::new();
    for path in paths {
        all.extend(files(path)?);
    }
    let read: Vec<_> = all.iter().map(|file| read(&file.text)).collect();
    let documents: Vec<&Document> = read
        .iter()
        .flatten()
        .map(|(document, _)| document)
        .collect();
    let mut found = 0;
    let progress = progress::bar("linting", all.len());
    for (file, read) in all.iter().zip(&read) {
        let diagnostics = match read {
            Err(error) => error.diagnostics(),
            Ok((document, read)) => {
                let mut linted = lint(document, &documents);
                linted.retain(|found| !read.iter().any(|read| says_already(read, found)));
                fill_spans(&file.text, &mut linted);
                read.iter().cloned().chain(linted).collect()
            }
        };
        found += diagnostics.len();
        let show = || {
            diagnostics
                .iter()
                .try_for_each(|found| show(file, found, as_json))
        };
        progress.suspend(show)?;
        progress.inc(1);
    }
    progress.finish_and_clear();
    if !as_json {
        output::line(format_args!("{found} findings in {} files", all.len()))?;
    }
    Ok(if found == 0 {
        Outcome::Fine
    } else {
        Outcome::Found
    })
}

/// Whether the reader has said of this place, or of something in it, why it cannot be used: a rule that
/// looks at what is left of it would say the same once more.
fn says_already(read: &Diagnostic, linted: &Diagnostic) -> bool {
    let within = read.pointer.strip_prefix(linted.pointer.as_str());
    within.is_some_and(|rest| rest.rfind('/').is_none_or(|slash| slash == 0))
}

fn lint(document: &Document, among: &[&Document]) -> Vec<Diagnostic> {
    let others = among
        .iter()
        .copied()
        .filter(|other| other.id != document.id);
    let findings = lint_among(document, others);
    findings.into_iter().map(diagnostic).collect()
}

fn diagnostic(finding: Finding) -> Diagnostic {
    Diagnostic {
        severity: finding.severity,
        rule: finding.rule.as_str(),
        pointer: finding.pointer,
        span: None,
        message: finding.message,
    }
}

fn show(file: &LexiconFile, found: &Diagnostic, as_json: bool) -> Result<()> {
    let name = file.path.display().to_string();
    if !as_json {
        let report = report::lexicon(&name, &file.text, found);
        return output::line(format_args!("{report:?}"));
    }
    let span = found.span.as_ref();
    let place = span.map(|span| report::line_and_column(&file.text, span.start));
    output::line(json!({
        "file": name,
        "severity": found.severity.to_string(),
        "rule": found.rule,
        "pointer": found.pointer,
        "line": place.map(|(line, _)| line),
        "column": place.map(|(_, column)| column),
        "message": found.message,
    }))
}
