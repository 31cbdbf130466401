//! Space reference.

use compact_str::format_compact;

use crate::at_uri::{self, SpaceParts, modern_spelling};
use crate::newtype::identifier;
use crate::scan::{Scanned, find, flaw, is, tri};
use crate::{Did, Nsid, RecordKey, SyntaxError};

identifier! {
    /// The name of a permissioned space: exactly `at://DID/space/TYPE/SKEY`.
    ///
    /// Strict: the reference validator lets a fragment through that its own parser then refuses;
    /// here there is none (permissioned-data proposal, 0016).
    SpaceRef, SpaceRef, scan
}

impl SpaceRef {
    /// The space of this authority, type and key.
    pub fn from_parts(authority: &Did, space_type: &Nsid, skey: &RecordKey) -> Self {
        Self::trusted(format_compact!(
            "at://{authority}/space/{space_type}/{skey}"
        ))
    }

    pub(crate) fn from_text_parts(authority: &str, space: SpaceParts<'_>) -> Self {
        let SpaceParts { space_type, skey } = space;
        Self::trusted(format_compact!(
            "at://{authority}/space/{space_type}/{skey}"
        ))
    }

    /// Also takes the older spelling `ats://DID/TYPE/SKEY` and turns it into today's.
    pub fn from_any_spelling(text: &str) -> Result<Self, SyntaxError> {
        match modern_spelling(text) {
            Some(modern) => Self::new(modern).map_err(|error| error.with_text(text)),
            None => Self::new(text),
        }
    }

    /// The same space in the older spelling `ats://DID/TYPE/SKEY`, for peers that know no other.
    pub fn legacy_spelling(&self) -> String {
        let (authority, space_type, skey) = self.split();
        format!("ats://{authority}/{space_type}/{skey}")
    }

    /// Who owns the space.
    pub fn authority(&self) -> Did {
        Did::trusted(self.split().0)
    }

    /// What kind of space it is.
    pub fn space_type(&self) -> Nsid {
        Nsid::trusted(self.split().1)
    }

    /// The key among the authority's spaces of this type.
    pub fn skey(&self) -> RecordKey {
        RecordKey::trusted(self.split().2)
    }

    /// The three parts as text: authority, type, key.
    pub fn split(&self) -> (&str, &str, &str) {
        let mut segments = self.as_str()["at://".len()..].split('/');
        let mut next = || segments.next().unwrap_or_default();
        let (authority, _, space_type, skey) = (next(), next(), next(), next());
        (authority, space_type, skey)
    }
}

pub(crate) const fn scan(text: &[u8], from: usize, to: usize) -> Scanned {
    tri!(at_uri::scan(text, from, to));
    let hash = find(text, from, to, b'#');
    if hash < to {
        return flaw(hash, "a space reference has no fragment");
    }
    // The AT URI is valid, so that only the form is left to tell: `at:` `` DID `space` TYPE SKEY.
    let authority_end = find(text, from + 5, to, b'/');
    if authority_end == to {
        return flaw(to, "a space reference is `at://DID/space/TYPE/SKEY`");
    }
    let marker_end = find(text, authority_end + 1, to, b'/');
    if !is(text, authority_end + 1, marker_end, b"space") {
        return flaw(
            authority_end + 1,
            "a space reference is `at://DID/space/TYPE/SKEY`",
        );
    }
    let type_end = find(text, marker_end + 1, to, b'/');
    let skey_end = find(text, type_end + 1, to, b'/');
    if skey_end < to {
        return flaw(
            skey_end,
            "a space reference names a space, not a record in it",
        );
    }
    Ok(())
}
