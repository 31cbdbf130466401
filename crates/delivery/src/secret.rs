//! The key that an endpoint's notifications are signed with.

use std::fmt;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

/// Padding is written and, because people paste, not asked for.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const PREFIX: &str = "whsec_";

/// A symmetric secret of 24 to 64 bytes (Standard Webhooks 1.0.0), written `whsec_<base64>`.
///
/// Never printed by `Debug`, wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

/// A secret could not be read. Says nothing of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// It does not start with `whsec_`.
    #[error("a secret starts with `whsec_`")]
    Prefix,
    /// What follows the prefix is not base64.
    #[error("a secret is base64 after its `whsec_`")]
    Base64,
    /// It is shorter than 24 or longer than 64 bytes.
    #[error("a secret is 24 to 64 bytes, this one is {0}")]
    Length(usize),
}

impl Secret {
    /// Makes a secret out of 32 random bytes: as much as HMAC-SHA256 can make use of.
    pub fn generate(random: [u8; 32]) -> Self {
        Self(Zeroizing::new(random.to_vec()))
    }

    /// A secret of these bytes.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, InvalidSecret> {
        let bytes = Zeroizing::new(bytes);
        match bytes.len() {
            24..=64 => Ok(Self(bytes)),
            length => Err(InvalidSecret::Length(length)),
        }
    }

    /// Reads `whsec_<base64>`.
    pub fn from_text(text: &str) -> Result<Self, InvalidSecret> {
        let text = text.strip_prefix(PREFIX).ok_or(InvalidSecret::Prefix)?;
        Self::from_bytes(BASE64.decode(text).map_err(|_| InvalidSecret::Base64)?)
    }

    /// Writes `whsec_<base64>`: shown once, at creation and at rotation.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + 88));
        text.push_str(PREFIX);
        BASE64.encode_string(&*self.0, &mut text);
        text
    }

    /// The bytes that key the HMAC.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_reads_back_with_and_without_padding() {
        let secret = Secret::generate([7; 32]);
        let text = secret.to_text();
        assert!(text.starts_with("whsec_") && text.ends_with('='));
        assert_eq!(Secret::from_text(&text), Ok(secret.clone()));
        assert_eq!(Secret::from_text(text.trim_end_matches('=')), Ok(secret));
    }

    #[test]
    fn lengths_and_shapes_are_checked() {
        assert_eq!(Secret::from_text("abc"), Err(InvalidSecret::Prefix));
        assert_eq!(Secret::from_text("whsec_?"), Err(InvalidSecret::Base64));
        for (length, fits) in [(0, false), (23, false), (24, true), (64, true), (65, false)] {
            assert_eq!(
                Secret::from_bytes(vec![1; length]).is_ok(),
                fits,
                "{length} bytes"
            );
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::generate([65; 32])), "Secret(…)");
    }
}
