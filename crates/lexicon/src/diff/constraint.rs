//! Which way a constraint moved, judged by what it takes and never by how it is written.

use std::collections::BTreeSet;

use super::change::Direction;

/// The direction given by whether the old side takes all that the new one takes, and the reverse.
fn by_cover(old_covers_new: bool, new_covers_old: bool) -> Direction {
    match (old_covers_new, new_covers_old) {
        (true, true) => Direction::Neutral,
        (true, false) => Direction::Tightened,
        (false, true) => Direction::Loosened,
        (false, false) => Direction::Changed,
    }
}

/// A lower bound; absent takes everything.
pub(super) fn lower<T: PartialOrd>(old: Option<T>, new: Option<T>) -> Direction {
    let covers = |one: &Option<T>, other: &Option<T>| match (one, other) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(one), Some(other)) => one <= other,
    };
    by_cover(covers(&old, &new), covers(&new, &old))
}

/// An upper bound; absent takes everything.
pub(super) fn upper<T: PartialOrd>(old: Option<T>, new: Option<T>) -> Direction {
    let covers = |one: &Option<T>, other: &Option<T>| match (one, other) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(one), Some(other)) => one >= other,
    };
    by_cover(covers(&old, &new), covers(&new, &old))
}

/// Lengths: a least length of zero says nothing.
pub(super) fn lengths(
    old: (Option<u64>, Option<u64>),
    new: (Option<u64>, Option<u64>),
) -> Direction {
    let least = |bound: Option<u64>| bound.filter(|bound| *bound > 0);
    lower(least(old.0), least(new.0)).and(upper(old.1, new.1))
}

/// The values that `const` and `enum` leave; `None` is any value.
pub(super) fn allowed<'a, T: Ord>(
    constant: Option<&'a T>,
    enumeration: Option<&'a [T]>,
) -> Option<BTreeSet<&'a T>> {
    match (constant, enumeration) {
        (None, None) => None,
        (Some(constant), None) => Some(BTreeSet::from([constant])),
        (None, Some(values)) => Some(values.iter().collect()),
        (Some(constant), Some(values)) => {
            Some(values.iter().filter(|value| *value == constant).collect())
        }
    }
}

/// Sets of allowed values; absent takes everything, order and repetition say nothing.
pub(super) fn sets<T: Ord>(old: Option<&BTreeSet<T>>, new: Option<&BTreeSet<T>>) -> Direction {
    let covers = |one: Option<&BTreeSet<T>>, other: Option<&BTreeSet<T>>| match (one, other) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(one), Some(other)) => other.is_subset(one),
    };
    by_cover(covers(old, new), covers(new, old))
}

/// String formats, as far as one is known to be a special case of another.
pub(super) fn formats(old: Option<&str>, new: Option<&str>) -> Direction {
    by_cover(format_covers(old, new), format_covers(new, old))
}

fn format_covers(one: Option<&str>, other: Option<&str>) -> bool {
    const SPECIAL_CASES: [(&str, &str); 7] = [
        ("at-identifier", "did"),
        ("at-identifier", "handle"),
        ("uri", "did"),
        ("uri", "at-uri"),
        ("at-uri", "space-ref"),
        ("record-key", "tid"),
        ("record-key", "nsid"),
    ];
    match (one, other) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(one), Some(other)) => one == other || SPECIAL_CASES.contains(&(one, other)),
    }
}

/// Media types and patterns; absent takes everything.
pub(super) fn media(old: Option<&[String]>, new: Option<&[String]>) -> Direction {
    by_cover(media_covers(old, new), media_covers(new, old))
}

fn media_covers(one: Option<&[String]>, other: Option<&[String]>) -> bool {
    let anything = ["*/*".to_owned()];
    let one = one.unwrap_or(&anything);
    let other = other.unwrap_or(&anything);
    other.iter().all(|wanted| {
        one.iter()
            .any(|pattern| media_range_covers(pattern, wanted))
    })
}

/// Whether one media type or pattern takes all that another one takes.
pub(super) fn media_range_covers(pattern: &str, wanted: &str) -> bool {
    if pattern == wanted || pattern == "*/*" {
        return true;
    }
    let kind = pattern.strip_suffix("/*");
    kind.is_some_and(|kind| {
        wanted
            .split_once('/')
            .is_some_and(|(wanted, _)| wanted == kind)
    })
}
