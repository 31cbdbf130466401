//! How long and how many.

use std::fmt;

use unicode_segmentation::UnicodeSegmentation;

use super::{At, Code, Report};

/// A string has at most this many UTF-8 bytes.
pub fn max_length(text: &str, limit: u64, at: &At<'_>, report: &mut Report) {
    at_most(text.len(), limit, "UTF-8 bytes", at, report);
}

/// A string has at least this many UTF-8 bytes.
pub fn min_length(text: &str, limit: u64, at: &At<'_>, report: &mut Report) {
    at_least(text.len(), limit, "UTF-8 bytes", at, report);
}

/// A byte string has at most this many bytes.
pub fn max_bytes(length: usize, limit: u64, at: &At<'_>, report: &mut Report) {
    at_most(length, limit, "bytes", at, report);
}

/// A byte string has at least this many bytes.
pub fn min_bytes(length: usize, limit: u64, at: &At<'_>, report: &mut Report) {
    at_least(length, limit, "bytes", at, report);
}

/// A list has at most this many elements.
pub fn max_items(count: usize, limit: u64, at: &At<'_>, report: &mut Report) {
    at_most(count, limit, "elements", at, report);
}

/// A list has at least this many elements.
pub fn min_items(count: usize, limit: u64, at: &At<'_>, report: &mut Report) {
    at_least(count, limit, "elements", at, report);
}

/// A string has at most this many extended grapheme clusters.
pub fn max_graphemes(text: &str, limit: u64, at: &At<'_>, report: &mut Report) {
    // A cluster has at least one byte, so that most strings need no look at Unicode at all.
    if within(text.len(), limit) {
        return;
    }
    at_most(graphemes(text), limit, "graphemes", at, report);
}

/// A string has at least this many extended grapheme clusters.
pub fn min_graphemes(text: &str, limit: u64, at: &At<'_>, report: &mut Report) {
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    if text.len() >= wanted && text.graphemes(true).take(wanted).count() == wanted {
        return;
    }
    at_least(graphemes(text), limit, "graphemes", at, report);
}

/// How many extended grapheme clusters.
fn graphemes(text: &str) -> usize {
    if text.is_ascii() {
        // The only cluster of two ASCII characters is a line end.
        text.len()
            - text
                .as_bytes()
                .windows(2)
                .filter(|pair| pair == b"\r\n")
                .count()
    } else {
        text.graphemes(true).count()
    }
}

fn at_most(found: usize, limit: u64, unit: impl fmt::Display, at: &At<'_>, report: &mut Report) {
    if !within(found, limit) {
        report.push(
            at,
            Code::TooBig,
            format_args!("at most {limit} {unit} allowed, got {found}"),
        );
    }
}

fn at_least(found: usize, limit: u64, unit: impl fmt::Display, at: &At<'_>, report: &mut Report) {
    if u64::try_from(found).is_ok_and(|found| found < limit) {
        report.push(
            at,
            Code::TooSmall,
            format_args!("at least {limit} {unit} needed, got {found}"),
        );
    }
}

fn within(found: usize, limit: u64) -> bool {
    u64::try_from(found).is_ok_and(|found| found <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(check: impl FnOnce(&At<'_>, &mut Report)) -> Option<String> {
        let mut report = Report::new();
        check(&At::ROOT, &mut report);
        report.violations().first().map(ToString::to_string)
    }

    #[test]
    fn bytes_and_graphemes_are_not_the_same() {
        let flag = "🇩🇪";
        assert_eq!(
            says(|at, report| max_length(flag, 7, at, report)).as_deref(),
            Some("$: at most 7 UTF-8 bytes allowed, got 8")
        );
        assert_eq!(says(|at, report| max_graphemes(flag, 1, at, report)), None);
        assert_eq!(
            says(|at, report| min_graphemes(flag, 2, at, report)).as_deref(),
            Some("$: at least 2 graphemes needed, got 1")
        );
        assert!(says(|at, report| min_graphemes("", u64::MAX, at, report)).is_some());
    }

    #[test]
    fn clusters_as_unicode_has_them() {
        for (text, count) in [
            ("a\r\nb", 3),
            ("\r\r\n", 2),
            ("क्ष", 1),
            ("👨‍👩‍👧‍👧", 1),
            ("e\u{301}", 1),
            ("", 0),
        ] {
            assert_eq!(graphemes(text), count, "{text:?}");
            assert_eq!(text.graphemes(true).count(), count, "{text:?}");
        }
    }
}
