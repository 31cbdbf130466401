//! Old and new values in a sentence.

use std::fmt::{Display, Write as _};

use serde::Serialize;

use crate::document::KeyType;

/// Characters of one value; a list of values may be as long as its document.
const MOST_WORDS: usize = 200;

/// `the length was at most 20 bytes, now at most 10 bytes`
pub(super) fn was_now(what: &str, old: impl Display, new: impl Display) -> String {
    format!("{what} was {old}, now {new}")
}

/// What two bounds take, in the unit with a space before it, or in none: ` bytes`.
pub(super) fn bounds<T: Display + PartialEq>(
    least: Option<T>,
    most: Option<T>,
    unit: &str,
) -> String {
    match (least, most) {
        (None, None) => "unlimited".to_owned(),
        (Some(least), None) => format!("at least {least}{unit}"),
        (None, Some(most)) => format!("at most {most}{unit}"),
        (Some(least), Some(most)) if least == most => format!("exactly {least}{unit}"),
        (Some(least), Some(most)) => format!("{least} to {most}{unit}"),
    }
}

/// The length of a string, which may be limited in two ways.
pub(super) fn text_length(
    bytes: (Option<u64>, Option<u64>),
    graphemes: (Option<u64>, Option<u64>),
) -> String {
    if graphemes == (None, None) {
        return bounds(bytes.0, bytes.1, " bytes");
    }
    let mut told = bounds(graphemes.0, graphemes.1, " graphemes");
    if bytes != (None, None) {
        let bytes = bounds(bytes.0, bytes.1, " bytes");
        write!(told, " and {bytes}").expect("a String takes any text");
    }
    told
}

/// A value or a list of values as JSON, `none` for nothing.
pub(super) fn value(value: Option<impl Serialize>) -> String {
    let Some(value) = value else {
        return "none".to_owned();
    };
    let text = serde_json::to_string(&value).expect("plain values are JSON");
    match text.char_indices().nth(MOST_WORDS) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// A key type as a lexicon writes it.
pub(super) fn key(key: Option<&KeyType>) -> String {
    match key {
        None => "none".to_owned(),
        Some(KeyType::Tid) => "`tid`".to_owned(),
        Some(KeyType::Nsid) => "`nsid`".to_owned(),
        Some(KeyType::Any) => "`any`".to_owned(),
        Some(KeyType::Literal(text)) => format!("`literal:{text}`"),
        Some(KeyType::Unsupported(text)) => format!("`{text}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_told_in_their_units() {
        let both = |bytes, graphemes| text_length(bytes, graphemes);
        assert_eq!(both((None, None), (None, None)), "unlimited");
        assert_eq!(both((None, Some(9)), (None, None)), "at most 9 bytes");
        assert_eq!(
            both((Some(1), Some(9)), (Some(2), None)),
            "at least 2 graphemes and 1 to 9 bytes"
        );
        assert_eq!(bounds(Some(-3), Some(-3), ""), "exactly -3");
    }

    #[test]
    fn long_values_are_cut() {
        assert_eq!(value(Some(["a", "b"])), r#"["a","b"]"#);
        assert_eq!(value(None::<i64>), "none");
        let long = value(Some("é".repeat(1000)));
        assert_eq!(long.chars().count(), MOST_WORDS + 1);
    }
}
