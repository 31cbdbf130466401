//! Errors and findings as a person reads them: file, line, column, and the text itself.

mod sources;

use std::ops::Range;

use loggia_lexicon::read::{Diagnostic, Severity};
use miette::{LabeledSpan, MietteDiagnostic, MietteHandlerOpts, NamedSource, Report};
pub use sources::Sources;

use crate::output;

/// Has errors printed with their lines as they are: a path that was broken up to fit cannot be found
/// or copied, and a terminal breaks long lines by itself.
pub fn set_up() {
    let opts = || MietteHandlerOpts::new().wrap_lines(false).build();
    let set = miette::set_hook(Box::new(move |_| Box::new(opts())));
    set.expect("nothing else sets it");
}

/// Prints an error with its causes and, if it has one, the place in the text.
pub fn print(report: &Report) {
    output::say(format_args!("{report:?}"));
}

/// A finding in a text.
pub fn at(
    file: &str,
    text: &str,
    span: Option<Range<usize>>,
    diagnostic: MietteDiagnostic,
) -> Report {
    let Some(span) = span.map(|span| clamp(span, text)) else {
        return Report::new(diagnostic).with_source_code(NamedSource::new(file, text.to_owned()));
    };
    let (name, shown, span) = match excerpt(text, &span) {
        Some(window) => {
            let (line, column) = line_and_column(text, span.start);
            let name = format!("{file}, part of line {line} around column {column}");
            let inside = span.start - window.start..span.end.min(window.end) - window.start;
            (name, &text[window], inside)
        }
        None => (file.to_owned(), text, span),
    };
    Report::new(diagnostic.and_label(LabeledSpan::underline(span)))
        .with_source_code(NamedSource::new(name, shown.to_owned()))
}

/// The longest line that is shown whole, in bytes.
const LONGEST_LINE: usize = 500;

/// What is shown on each side of a place in a longer one.
const AROUND: usize = 100;

/// The part of a long line around a place; none if the line can be shown whole.
fn excerpt(text: &str, span: &Range<usize>) -> Option<Range<usize>> {
    let start = text[..span.start]
        .rfind('\n')
        .map_or(0, |newline| newline + 1);
    let end = text[span.start..]
        .find('\n')
        .map_or(text.len(), |newline| span.start + newline);
    (end - start > LONGEST_LINE).then(|| {
        let from = span.start.saturating_sub(AROUND).max(start);
        let to = (span.start + AROUND).min(end);
        text.ceil_char_boundary(from)..text.floor_char_boundary(to)
    })
}

/// A diagnostic of a lexicon file.
pub fn lexicon(file: &str, text: &str, found: &Diagnostic) -> Report {
    let severity = match found.severity {
        Severity::Error => miette::Severity::Error,
        Severity::Warning => miette::Severity::Warning,
    };
    let place = if found.pointer.is_empty() {
        String::new()
    } else {
        format!("{}: ", found.pointer)
    };
    let diagnostic = MietteDiagnostic::new(format!("{place}{}", found.message))
        .with_severity(severity)
        .with_code(found.rule);
    at(file, text, found.span.clone(), diagnostic)
}

/// Line and column of a byte offset, both from 1; the column counts characters.
pub fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}

/// The byte offset of a line and column, both from 1; the column counts bytes, as serde_json does.
pub fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    (start + column.saturating_sub(1)).min(text.len())
}

/// Places within the text and between characters, as miette wants them.
fn clamp(span: Range<usize>, text: &str) -> Range<usize> {
    text.floor_char_boundary(span.start)..text.floor_char_boundary(span.end)
}

#[cfg(test)]
mod tests {
    use super::line_and_column;

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        assert_eq!(line_and_column("ab", 0), (1, 1));
        assert_eq!(line_and_column("ab\ncd", 4), (2, 2));
        assert_eq!(line_and_column("é\u{1f600}x", 6), (1, 3));
        assert_eq!(line_and_column("ab", 99), (1, 3));
    }
}
