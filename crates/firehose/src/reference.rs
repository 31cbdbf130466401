//! An AT URI that is the whole of a text.

/// The parts of `at://DID[/COLLECTION[/RKEY]]`. Only what a scope could name is read as one: no
/// handle, no query, no fragment, no space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reference<'a> {
    /// The whole.
    pub(crate) text: &'a str,
    /// The account.
    pub(crate) did: &'a str,
    /// The collection, which need not be an NSID.
    pub(crate) collection: Option<&'a str>,
    /// The record's key.
    pub(crate) rkey: Option<&'a str>,
}

/// What every one begins with.
pub(crate) const SCHEME: &str = "at://";

/// A longer one is none: no scope is longer either.
pub(crate) const MAX_LENGTH: usize = 2048;

impl<'a> Reference<'a> {
    /// Reads exactly this.
    pub(crate) fn new(text: &'a str) -> Option<Self> {
        let path = text.strip_prefix(SCHEME)?;
        if text.len() > MAX_LENGTH {
            return None;
        }
        let mut segments = path.split('/');
        let read = Self {
            text,
            did: segments.next()?,
            collection: segments.next(),
            rkey: segments.next(),
        };
        let good = segments.next().is_none()
            && read.did.starts_with("did:")
            && read.did.bytes().all(is_of_did)
            && read.collection.is_none_or(is_collection)
            && read.rkey.is_none_or(is_rkey);
        good.then_some(read)
    }
}

/// The account that a text begins with, if it is a reference at all: whatever stands between the
/// scheme and the next slash.
pub(crate) fn account(text: &[u8]) -> Option<&[u8]> {
    let path = text.strip_prefix(SCHEME.as_bytes())?;
    let end = memchr::memchr(b'/', path).unwrap_or(path.len());
    Some(&path[..end])
}

/// A string of a record without the blanks around it, and without the punctuation that a writer put
/// behind it: they do not count.
pub(crate) fn tidied(text: &str) -> &str {
    let is_plain = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    if is_plain(bytes.first()) && is_plain(bytes.last()) {
        return text;
    }
    let blank = |letter: char| letter.is_whitespace() || letter == '\u{feff}';
    let text = text.trim_matches(blank);
    text.trim_end_matches([')', ',', ';', '!', '?', ']', '}', '\'', '"', '.'])
}

fn is_of_did(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._:%-".contains(&byte)
}

fn is_collection(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    (1..=253).contains(&text.len()) && text.bytes().all(known)
}

/// As Wisp reads them: a few characters more than the protocol's record keys have.
pub(crate) fn is_rkey(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._~:%@+-".contains(&byte);
    (1..=512).contains(&text.len()) && text.bytes().all(known)
}
