//! A token and its SHA-256, which several look at and one computes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// A token as it came, of any form, with its SHA-256: the `ath` of a proof that goes with it, and the
/// name under which it is remembered once it was verified.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HashedToken<'a> {
    text: &'a str,
    sha256: [u8; 32],
}

impl<'a> HashedToken<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            sha256: Sha256::digest(text).into(),
        }
    }

    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    pub(crate) fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// The hash in base64url (RFC 9449 §4.2).
    pub(crate) fn ath(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.sha256)
    }
}
