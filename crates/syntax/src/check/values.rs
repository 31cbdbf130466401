//! Which values.

use std::fmt;

use super::{At, Code, Report};
use crate::data::Integer;
use crate::{Excerpt, Format};

/// A string is of this format.
pub fn format(text: &str, format: Format, at: &At<'_>, report: &mut Report) {
    if let Err(error) = format.check(text) {
        report.push(at, Code::InvalidFormat, error.with_text(text));
    }
}

/// An integer is one that every peer can read: ±(2^53-1).
pub fn safe_integer(value: i64, at: &At<'_>, report: &mut Report) {
    let message = "beyond ±9007199254740991, which not every peer can read";
    if value > Integer::MAX {
        report.push(at, Code::TooBig, format_args!("{value} is {message}"));
    } else if value < Integer::MIN {
        report.push(at, Code::TooSmall, format_args!("{value} is {message}"));
    }
}

/// An integer is at most this.
pub fn maximum(value: i64, limit: i64, at: &At<'_>, report: &mut Report) {
    if value > limit {
        report.push(
            at,
            Code::TooBig,
            format_args!("at most {limit} allowed, got {value}"),
        );
    }
}

/// An integer is at least this.
pub fn minimum(value: i64, limit: i64, at: &At<'_>, report: &mut Report) {
    if value < limit {
        report.push(
            at,
            Code::TooSmall,
            format_args!("at least {limit} needed, got {value}"),
        );
    }
}

/// A string is one of these.
pub fn enum_string<S: AsRef<str>>(value: &str, allowed: &[S], at: &At<'_>, report: &mut Report) {
    report.spend(allowed.len());
    if !allowed.iter().any(|allowed| allowed.as_ref() == value) {
        let found = Excerpt(value);
        let allowed = Listed(allowed.iter().map(|allowed| Excerpt(allowed.as_ref())));
        report.push(
            at,
            Code::InvalidValue,
            format_args!("expected {allowed}, got {found}"),
        );
    }
}

/// An integer is one of these.
pub fn enum_integer(value: i64, allowed: &[i64], at: &At<'_>, report: &mut Report) {
    report.spend(allowed.len());
    if !allowed.contains(&value) {
        let allowed = Listed(allowed.iter());
        report.push(
            at,
            Code::InvalidValue,
            format_args!("expected {allowed}, got {value}"),
        );
    }
}

/// A string is this.
pub fn const_string(value: &str, expected: &str, at: &At<'_>, report: &mut Report) {
    if value != expected {
        let (expected, value) = (Excerpt(expected), Excerpt(value));
        report.push(
            at,
            Code::InvalidValue,
            format_args!("expected {expected}, got {value}"),
        );
    }
}

/// An integer is this.
pub fn const_integer(value: i64, expected: i64, at: &At<'_>, report: &mut Report) {
    if value != expected {
        report.push(
            at,
            Code::InvalidValue,
            format_args!("expected {expected}, got {value}"),
        );
    }
}

/// A boolean is this.
pub fn const_boolean(value: bool, expected: bool, at: &At<'_>, report: &mut Report) {
    if value != expected {
        report.push(
            at,
            Code::InvalidValue,
            format_args!("expected {expected}, got {value}"),
        );
    }
}

/// `one of a, b, c`, at most ten of them; `no value` where there are none.
pub(super) struct Listed<I>(pub(super) I);

impl<I: Iterator<Item: fmt::Display> + Clone> fmt::Display for Listed<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 10;
        if self.0.clone().next().is_none() {
            return f.write_str("no value at all, as the list is empty");
        }
        f.write_str("one of ")?;
        for (i, item) in self.0.clone().enumerate().take(MOST) {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{item}")?;
        }
        match self.0.clone().skip(MOST).count() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
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
    fn messages_name_what_is_allowed() {
        assert_eq!(
            says(|at, report| enum_string("c", &["a", "b"], at, report)).as_deref(),
            Some(r#"$: expected one of "a", "b", got "c""#)
        );
        assert_eq!(
            says(|at, report| enum_string::<&str>("c", &[], at, report)).as_deref(),
            Some(r#"$: expected no value at all, as the list is empty, got "c""#)
        );
        let many: Vec<i64> = (0..12).collect();
        assert_eq!(
            says(|at, report| enum_integer(-1, &many, at, report)).as_deref(),
            Some("$: expected one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more, got -1")
        );
        assert_eq!(
            says(|at, report| format("nobody", Format::Did, at, report)).as_deref(),
            Some("$: \"nobody\" is not a valid did: a DID starts with `did:` (at byte 0)")
        );
    }

    #[test]
    fn the_safe_range() {
        for (value, clean) in [
            (Integer::MAX, true),
            (Integer::MAX + 1, false),
            (Integer::MIN, true),
            (Integer::MIN - 1, false),
            (i64::MIN, false),
        ] {
            assert_eq!(
                says(|at, report| safe_integer(value, at, report)).is_none(),
                clean
            );
        }
    }
}
