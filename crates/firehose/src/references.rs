//! The references in a record: strings that are an AT URI as a whole.
//!
//! Nearly every record is looked through without being parsed: its text is searched for `at://`, and
//! what stands around a place where that is found tells whether a string begins there. Only where the
//! text alone does not tell is the record walked as JSON.

mod walk;

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::Record;
use crate::reference::{self, Reference, SCHEME, tidied};

/// Why the references of a record are not looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TooComplex {
    /// Over [`References::MAX_DEPTH`].
    #[error("its values are nested more than 32 deep")]
    Depth,
    /// Over [`References::MAX_NODES`].
    #[error("it has more than 2048 values")]
    Nodes,
    /// Over [`References::MAX_TEXT`].
    #[error("its strings have more than 256 KiB")]
    Text,
    /// Over [`References::MAX_PROPERTIES`].
    #[error("an object in it has more than 256 properties")]
    Properties,
    /// Over [`References::MOST`] or [`References::MAX_STORED`].
    #[error("it has more than 100 references to what is watched, or more than 32 KiB of them")]
    References,
    /// Not JSON as it should be: numbers or escapes that no record can have.
    #[error("it cannot be read")]
    Unreadable,
}

/// References that a record had to what somebody watches: kept, so that they can be told of its
/// removal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References(Vec<Box<str>>);

impl References {
    /// More levels of objects and arrays, and the record is not looked through.
    pub const MAX_DEPTH: usize = 32;
    /// More values of any kind, and it is not.
    pub const MAX_NODES: usize = 2048;
    /// More bytes of strings, and it is not.
    pub const MAX_TEXT: usize = 256 * 1024;
    /// More properties of one object, and it is not.
    pub const MAX_PROPERTIES: usize = 256;
    /// More references to what is watched, and none counts.
    pub const MOST: usize = 100;
    /// More bytes of those, and none counts.
    pub const MAX_STORED: usize = 32 * 1024;

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As AT URIs.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|reference| &**reference)
    }

    /// One text, with blanks between.
    pub fn to_stored(&self) -> String {
        self.0.join(" ")
    }

    /// Reads what [`References::to_stored`] wrote. What is no reference is left out: it could match
    /// nothing.
    pub fn from_stored(text: &str) -> Self {
        let read = text.split(' ').filter_map(Reference::new);
        Self(read.map(|reference| reference.text.into()).collect())
    }

    /// Those of a list that is in order and without repetitions.
    pub(crate) fn of_sorted(texts: Vec<Box<str>>) -> Self {
        Self(texts)
    }
}

/// Finds the beginning of an AT URI.
static BEGINNING: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(SCHEME));

/// Strings of one record that are looked at without a list of them: hardly any record has more.
const FEW: usize = 8;

/// Tells of every string of the record that may be a reference to an account that `is_watched`,
/// repetitions included, in no particular order. It begins with `at://` and has nothing around it that
/// does not count; see [`Reference::new`] for whether it is one.
///
/// A record without any is never too complex, and nearly every one is without.
pub(crate) fn each(
    record: &Record,
    is_watched: impl Fn(&[u8]) -> bool,
    mut told: impl FnMut(&str),
) -> Result<(), TooComplex> {
    let text = record.as_json();
    if hides_a_beginning(text) {
        return walk::each(text, &mut told);
    }
    // Nothing is told twice: the walk begins where nothing has been told yet.
    let (mut found, mut count) = ([&[][..]; FEW], 0);
    for string in strings(text) {
        match string {
            Ok(string) if is_watched(string) => {
                let Some(place) = found.get_mut(count) else {
                    return walk::each(text, &mut told);
                };
                *place = string;
                count += 1;
            }
            // What does not count may stand right behind the account.
            Ok(string) if ends_plainly(string) => {}
            _ => return walk::each(text, &mut told),
        }
    }
    if count > 0 && !is_surely_simple(text) {
        return walk::each(text, &mut told);
    }
    let found = found[..count].iter().copied().map(std::str::from_utf8);
    found.flatten().map(tidied).for_each(told);
    Ok(())
}

/// Tells of every account that the record may refer to, repetitions included; false if it may refer to
/// others as well.
pub(crate) fn accounts<'r>(record: &'r Record, mut told: impl FnMut(&'r [u8])) -> bool {
    let text = record.as_json();
    if hides_a_beginning(text) {
        return false;
    }
    for (count, string) in strings(text).enumerate() {
        match string {
            Ok(string) if count < FEW && ends_plainly(string) => {
                reference::account(string).into_iter().for_each(&mut told);
            }
            _ => return false,
        }
    }
    true
}

/// Every string value that begins with `at://`, as far as the text tells.
fn strings(text: &[u8]) -> impl Iterator<Item = Result<&[u8], Unclear>> {
    let places = BEGINNING.find_iter(text);
    places.filter_map(|place| string_at(text, place).transpose())
}

/// Whether the account ends where it seems to: at a slash, or at something that is no punctuation.
fn ends_plainly(string: &[u8]) -> bool {
    let path = string.get(SCHEME.len()..).unwrap_or_default();
    path.contains(&b'/') || path.last().is_some_and(u8::is_ascii_alphanumeric)
}

/// The text around a place does not tell what begins there.
struct Unclear;

/// The string value that begins at this place; none if it is inside of a string, or in a property's
/// name.
fn string_at(text: &[u8], place: usize) -> Result<Option<&[u8]>, Unclear> {
    let (before, rest) = text.split_at(place);
    let Some((b'"', before)) = before.split_last() else {
        let elsewhere = is_amid_a_string(before);
        return elsewhere.then_some(None).ok_or(Unclear);
    };
    if before.last() == Some(&b'\\') {
        return Ok(None);
    }
    let end = memchr::memchr(b'"', rest).ok_or(Unclear)?;
    let string = &rest[..end];
    if string.contains(&b'\\') {
        return Err(Unclear);
    }
    let mut after = rest[end + 1..]
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace());
    let is_name = after.next() == Some(&b':');
    Ok((!is_name).then_some(string))
}

/// Whether what stands before, blanks aside, is surely a part of the same string and no blank.
fn is_amid_a_string(before: &[u8]) -> bool {
    let before = before.trim_ascii_end();
    let (Some(last), near) = (before.last(), &before[before.len().saturating_sub(6)..]) else {
        return false;
    };
    last.is_ascii() && *last != b'"' && !near.contains(&b'\\')
}

/// Whether escapes may spell a part of `at://`.
fn hides_a_beginning(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let escape = &rest[at + 1..];
        let length = match escape.first() {
            Some(b'/') | None => return true,
            Some(b'u') => {
                let code = escape.get(1..5).unwrap_or_default();
                let (high, low) = code.split_at(code.len() / 2);
                if high == b"00"
                    && matches!(
                        low,
                        b"61" | b"74" | [b'3', b'a' | b'A'] | [b'2', b'f' | b'F']
                    )
                {
                    return true;
                }
                1
            }
            Some(_) => 1,
        };
        rest = &escape[length..];
    }
    false
}

/// Whether the record keeps every limit, told by counting marks: an object or array needs an opening
/// one, every further value a comma, and every property a colon.
fn is_surely_simple(text: &[u8]) -> bool {
    let marks = Marks::of(text);
    text.len() <= References::MAX_TEXT
        && marks.openings <= References::MAX_DEPTH
        && marks.colons <= References::MAX_PROPERTIES
        && marks.openings + marks.commas < References::MAX_NODES
}

#[derive(Default)]
struct Marks {
    openings: usize,
    commas: usize,
    colons: usize,
}

impl Marks {
    /// Counts in parts so short that a byte can hold each count: sixteen bytes are then looked at
    /// together.
    fn of(text: &[u8]) -> Self {
        let mut marks = Self::default();
        for part in text.chunks(192) {
            let (mut openings, mut commas, mut colons) = (0_u8, 0_u8, 0_u8);
            for byte in part {
                openings += u8::from(byte | 0x20 == b'{');
                commas += u8::from(*byte == b',');
                colons += u8::from(*byte == b':');
            }
            marks.openings += usize::from(openings);
            marks.commas += usize::from(commas);
            marks.colons += usize::from(colons);
        }
        marks
    }
}
