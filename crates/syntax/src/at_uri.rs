//! AT URI.

use compact_str::{CompactString, format_compact};

use crate::newtype::identifier;
use crate::scan::{Scanned, find, flaw, is, starts_with, tri};
use crate::{AtIdentifier, Did, Nsid, RecordKey, SpaceRef, SyntaxError};
use crate::{at_identifier, did, nsid, record_key, uri};

identifier! {
    /// A reference to an account, a collection, a record, a space or a record in a space.
    ///
    /// - `at://AUTHORITY[/COLLECTION[/RKEY]]`
    /// - `at://DID/space/TYPE/SKEY[/AUTHOR/COLLECTION/RKEY]` (permissioned-data proposal, 0016)
    ///
    /// Either may end with a fragment `#/…`, as the reference implementation has it. No query, no
    /// trailing slash; at most 8 KiB.
    AtUri, AtUri, scan
}

/// An [`AtUri`] taken apart without copying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtUriParts<'a> {
    /// A DID or a handle: the account, or the authority of the space.
    pub authority: &'a str,
    /// The space, if the URI is of the space form.
    pub space: Option<SpaceParts<'a>>,
    /// The DID whose repository holds the record: only in the space form with a record.
    pub author: Option<&'a str>,
    /// The collection.
    pub collection: Option<&'a str>,
    /// The record key.
    pub rkey: Option<&'a str>,
    /// What follows `#`; starts with a slash.
    pub fragment: Option<&'a str>,
}

/// What names a space beside its authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpaceParts<'a> {
    /// The NSID of the space type.
    pub space_type: &'a str,
    /// The key among the authority's spaces of this type.
    pub skey: &'a str,
}

impl AtUri {
    /// The URI of a record in an account's public repository.
    pub fn record(authority: &AtIdentifier, collection: &Nsid, rkey: &RecordKey) -> Self {
        Self::trusted(format_compact!("at://{authority}/{collection}/{rkey}"))
    }

    /// The URI of a record in a space.
    pub fn in_space(space: &SpaceRef, author: &Did, collection: &Nsid, rkey: &RecordKey) -> Self {
        Self::trusted(format_compact!("{space}/{author}/{collection}/{rkey}"))
    }

    /// Also takes the older spelling `ats://DID/TYPE/SKEY[/AUTHOR/COLLECTION/RKEY]` and turns it
    /// into today's.
    pub fn from_any_spelling(text: &str) -> Result<Self, SyntaxError> {
        match modern_spelling(text) {
            Some(modern) => Self::new(modern).map_err(|error| error.with_text(text)),
            None => Self::new(text),
        }
    }

    /// The parts as text.
    pub fn parts(&self) -> AtUriParts<'_> {
        let rest = &self.as_str()["at://".len()..];
        let (path, fragment) = match rest.split_once('#') {
            Some((path, fragment)) => (path, Some(fragment)),
            None => (rest, None),
        };
        let mut segments = path.split('/').peekable();
        let authority = segments.next().unwrap_or_default();
        let space = match segments.next_if_eq(&"space") {
            Some(_) => segments.next().zip(segments.next()),
            None => None,
        };
        let author = if space.is_some() {
            segments.next()
        } else {
            None
        };
        AtUriParts {
            authority,
            space: space.map(|(space_type, skey)| SpaceParts { space_type, skey }),
            author,
            collection: segments.next(),
            rkey: segments.next(),
            fragment,
        }
    }

    /// The account, or the authority of the space.
    pub fn authority(&self) -> AtIdentifier {
        AtIdentifier::trusted(self.parts().authority)
    }

    /// The space, if the URI is of the space form.
    pub fn space(&self) -> Option<SpaceRef> {
        let parts = self.parts();
        let space = parts.space?;
        Some(SpaceRef::from_text_parts(parts.authority, space))
    }

    /// The DID whose repository holds the record in the space.
    pub fn author(&self) -> Option<Did> {
        self.parts().author.map(Did::trusted)
    }

    /// The collection.
    pub fn collection(&self) -> Option<Nsid> {
        self.parts().collection.map(Nsid::trusted)
    }

    /// The record key.
    pub fn rkey(&self) -> Option<RecordKey> {
        self.parts().rkey.map(RecordKey::trusted)
    }

    /// What follows `#`; starts with a slash.
    pub fn fragment(&self) -> Option<&str> {
        self.parts().fragment
    }
}

impl From<SpaceRef> for AtUri {
    fn from(space: SpaceRef) -> Self {
        Self::trusted(String::from(space))
    }
}

/// `ats://DID/rest` as `at://DID/space/rest`; `None` if the text is not of the older spelling.
pub(crate) fn modern_spelling(text: &str) -> Option<CompactString> {
    let (authority, rest) = text.strip_prefix("ats://")?.split_once('/')?;
    Some(format_compact!("at://{authority}/space/{rest}"))
}

pub(crate) const fn scan(text: &[u8], from: usize, to: usize) -> Scanned {
    if is_usual(text, from, to) {
        Ok(())
    } else {
        scan_by_rules(text, from, to)
    }
}

/// Whether it is `at://DID/COLLECTION/RKEY`, as nearly every one is, told in one pass.
///
/// No part of that can be `space` or have a `#`.
const fn is_usual(text: &[u8], from: usize, to: usize) -> bool {
    if to - from > uri::LONGEST || !starts_with(text, from, to, b"at://did:") {
        return false;
    }
    let did_end = did::end(text, from + 5, to);
    if did_end == from + 5 || did_end == to || text[did_end] != b'/' {
        return false;
    }
    let collection_end = find(text, did_end + 1, to, b'/');
    collection_end < to
        && nsid::is_usual(text, did_end + 1, collection_end)
        && record_key::scan(text, collection_end + 1, to).is_ok()
}

/// Rule by rule, to tell which one is broken.
const fn scan_by_rules(text: &[u8], from: usize, to: usize) -> Scanned {
    if to - from > uri::LONGEST {
        return flaw(from + uri::LONGEST, "an AT URI has at most 8192 bytes");
    }
    if !starts_with(text, from, to, b"at://") {
        return flaw(from, "an AT URI starts with `at://`");
    }
    let path_end = find(text, from, to, b'#');
    if path_end < to {
        tri!(fragment(text, path_end + 1, to));
    }
    let start = from + 5;
    let authority_end = find(text, start, path_end, b'/');
    if authority_end == path_end {
        return at_identifier::scan(text, start, path_end);
    }
    let next = authority_end + 1;
    let next_end = find(text, next, path_end, b'/');
    if is(text, next, next_end, b"space") {
        tri!(did::scan(text, start, authority_end));
        return space(text, next_end, path_end);
    }
    tri!(at_identifier::scan(text, start, authority_end));
    record(text, next, path_end)
}

/// `COLLECTION[/RKEY]`
const fn record(text: &[u8], from: usize, to: usize) -> Scanned {
    let collection_end = find(text, from, to, b'/');
    tri!(nsid::scan(text, from, collection_end));
    if collection_end == to {
        Ok(())
    } else {
        record_key::scan(text, collection_end + 1, to)
    }
}

/// `/TYPE/SKEY[/AUTHOR/COLLECTION/RKEY]`, from the slash on.
const fn space(text: &[u8], from: usize, to: usize) -> Scanned {
    if from == to {
        return flaw(to, "the space type is missing after `/space`");
    }
    let type_end = find(text, from + 1, to, b'/');
    tri!(nsid::scan(text, from + 1, type_end));
    if type_end == to {
        return flaw(to, "the space key is missing after the space type");
    }
    let skey_end = find(text, type_end + 1, to, b'/');
    tri!(record_key::scan(text, type_end + 1, skey_end));
    if skey_end == to {
        return Ok(());
    }
    let author_end = find(text, skey_end + 1, to, b'/');
    tri!(did::scan(text, skey_end + 1, author_end));
    if author_end == to {
        return flaw(
            to,
            "the collection and the record key are missing after the author",
        );
    }
    let collection_end = find(text, author_end + 1, to, b'/');
    if collection_end == to {
        return flaw(to, "the record key is missing after the collection");
    }
    record(text, author_end + 1, to)
}

/// A JSON pointer in the characters that a URI fragment may have.
const fn fragment(text: &[u8], from: usize, to: usize) -> Scanned {
    if from == to || text[from] != b'/' {
        return flaw(from, "the fragment of an AT URI starts with `/`");
    }
    let mut at = from;
    while at < to {
        if !is_fragment(text[at]) {
            return flaw(
                at,
                "this character is not allowed in the fragment of an AT URI",
            );
        }
        at += 1;
    }
    Ok(())
}

const fn is_fragment(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'.' | b'_'
                | b'~'
                | b':'
                | b'@'
                | b'!'
                | b'$'
                | b'&'
                | b'%'
                | b'\''
                | b')'
                | b'('
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b'-'
                | b'['
                | b']'
                | b'/'
                | b'\\'
        )
}

#[cfg(test)]
mod tests {
    use super::{is_usual, scan_by_rules};

    #[test]
    fn what_is_usual_keeps_the_rules() {
        for (text, usual) in [
            ("at://did:plc:abc/com.example.thing/3jui7kd54zh2y", true),
            ("at://did:plc:abc/com.example.thing/..a", true),
            ("at://did:plc:abc/com.example.thing/..", false),
            ("at://did:plc:abc/com.example.thing/", false),
            ("at://did:plc:abc/com.example.thing/a/", false),
            ("at://did:plc:abc/com.example.thing/a#/b", false),
            ("at://did:plc:abc/com.example/a", false),
            ("at://did:plc:abc/space/com.example.thing/a", false),
            ("at://did:plc:abc:/com.example.thing/a", false),
            ("at://did:plc:abc/com.example.thing", false),
            ("at://did:plc:abc", false),
            ("at://a.example/com.example.thing/a", false),
            ("at://", false),
        ] {
            let bytes = text.as_bytes();
            assert_eq!(is_usual(bytes, 0, bytes.len()), usual, "{text}");
            assert!(
                !usual || scan_by_rules(bytes, 0, bytes.len()).is_ok(),
                "{text}"
            );
        }
    }
}
