//! DID or handle.

use crate::newtype::identifier;
use crate::scan::{Scanned, starts_with};
use crate::{Did, Handle, did, handle};

identifier! {
    /// A DID or a handle.
    AtIdentifier, AtIdentifier, scan
}

impl AtIdentifier {
    /// Whether it is a DID; else it is a handle.
    pub fn is_did(&self) -> bool {
        self.as_str().starts_with("did:")
    }

    /// The DID, if it is one.
    pub fn did(&self) -> Option<Did> {
        self.is_did().then(|| Did::trusted(self.as_str()))
    }

    /// The handle, if it is one.
    pub fn handle(&self) -> Option<Handle> {
        (!self.is_did()).then(|| Handle::trusted(self.as_str()))
    }
}

impl From<Did> for AtIdentifier {
    fn from(did: Did) -> Self {
        Self::trusted(String::from(did))
    }
}

impl From<Handle> for AtIdentifier {
    fn from(handle: Handle) -> Self {
        Self::trusted(String::from(handle))
    }
}

pub(crate) const fn scan(text: &[u8], from: usize, to: usize) -> Scanned {
    // A handle has no colon, so that the prefix decides.
    if starts_with(text, from, to, b"did:") {
        did::scan(text, from, to)
    } else {
        handle::scan(text, from, to)
    }
}

#[cfg(test)]
mod tests {
    use super::AtIdentifier;

    #[test]
    fn is_one_or_the_other() {
        let did = AtIdentifier::from_static("did:plc:abc");
        assert_eq!(
            (did.did().map(String::from), did.handle()),
            (Some("did:plc:abc".into()), None)
        );
        let handle = AtIdentifier::from_static("a.example");
        assert_eq!(
            (handle.did(), handle.handle().map(String::from)),
            (None, Some("a.example".into()))
        );
    }
}
