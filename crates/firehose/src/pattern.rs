//! Collections by name, or by a name with `*`.

use std::fmt;

/// A collection, in which `*` stands for any run of characters, dots included and none as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pattern<'a>(&'a str);

/// What a pattern with a `*` is looked for by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Glob<'a> {
    /// What comes before the first `*`.
    pub(crate) prefix: &'a str,
    /// What stands between the first `*` and the last: nothing where there is only one.
    pub(crate) middle: &'a str,
    /// What comes after the last `*`.
    pub(crate) suffix: &'a str,
}

impl<'a> Pattern<'a> {
    /// So many characters at most.
    pub const MAX_LENGTH: usize = 253;

    /// Takes letters, digits, `.`, `-` and `*`.
    pub fn new(text: &'a str) -> Option<Self> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'*' | b'-');
        let good = (1..=Self::MAX_LENGTH).contains(&text.len()) && text.bytes().all(known);
        good.then_some(Self(text))
    }

    /// As it was written.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether it matches the whole of the text.
    pub fn matches(self, text: &str) -> bool {
        match self.glob() {
            None => self.0 == text,
            Some(glob) => {
                let inside = text.strip_prefix(glob.prefix);
                let inside = inside.and_then(|rest| rest.strip_suffix(glob.suffix));
                inside.is_some_and(|inside| is_in_order(glob.middle, inside))
            }
        }
    }

    /// Its parts, if there is a `*` in it.
    pub(crate) fn glob(self) -> Option<Glob<'a>> {
        let (prefix, rest) = self.0.split_once('*')?;
        let (middle, suffix) = rest.rsplit_once('*').unwrap_or(("", rest));
        // Several in a row are as good as one.
        let middle = middle.trim_matches('*');
        Some(Glob {
            prefix,
            middle,
            suffix,
        })
    }
}

/// Whether the parts of a [`Glob::middle`] follow one another within what prefix and suffix leave over.
/// The first place of each is as good as any: what comes later only gains room.
pub(crate) fn is_in_order(middle: &str, inside: &str) -> bool {
    let mut rest = inside;
    for part in middle.split('*') {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    true
}

impl fmt::Display for Pattern<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}
