//! The key that an endpoint's notifications are signed with.

use std::fmt;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use zeroize::Zeroizing;

/// Padding is written and, because people paste, not asked for.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const SYMMETRIC: &str = "whsec_";
const PRIVATE: &str = "whsk_";
const PUBLIC: &str = "whpk_";
/// Marks a plain text in storage, where it may look like anything.
const PLAIN: &str = "plain:";

/// What notifications are signed with: symmetric bytes, a text that a person chose, or an Ed25519
/// key pair.
///
/// Never printed by `Debug`, wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Kind);

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    /// 24 to 64 bytes (Standard Webhooks 1.0.0), written `whsec_<base64>`.
    Symmetric(Zeroizing<Vec<u8>>),
    /// Keys the HMAC with its UTF-8.
    Plain(Zeroizing<String>),
    Ed25519(Pair),
}

/// An Ed25519 key pair as its 32 secret bytes and the public key that follows from them.
#[derive(Clone, PartialEq, Eq)]
struct Pair {
    seed: Zeroizing<[u8; 32]>,
    public: PublicKey,
}

/// The public half of an Ed25519 secret, written `whpk_<base64>`: what a receiver verifies with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; 32]);

/// A secret or a public key could not be read. Says nothing of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// It starts with none of the prefixes that are read here.
    #[error("a secret starts with `whsec_` or `whsk_`, a public key with `whpk_`")]
    Prefix,
    /// What follows the prefix is not base64.
    #[error("a secret is base64 after its prefix")]
    Base64,
    /// It is shorter than 24 or longer than 64 bytes.
    #[error("a secret is 24 to 64 bytes, this one is {0}")]
    Length(usize),
    /// A plain text is empty or longer than [`Secret::MAX_PLAIN`].
    #[error("a plain text secret is 1 to 256 bytes, this one is {0}")]
    PlainLength(usize),
    /// What is stored as plain text is not UTF-8.
    #[error("a plain text secret is UTF-8")]
    Utf8,
    /// It is not the 64 bytes of a key pair, nor the 32 of its secret half.
    #[error("not an Ed25519 key")]
    Ed25519,
}

impl Secret {
    /// A plain text secret has at most so many bytes: what Wisp's record type allows.
    pub const MAX_PLAIN: usize = 256;

    /// Makes a symmetric secret out of 32 random bytes: as much as HMAC-SHA256 can make use of.
    pub fn generate(random: [u8; 32]) -> Self {
        Self(Kind::Symmetric(Zeroizing::new(random.to_vec())))
    }

    /// Makes an Ed25519 key pair out of 32 random bytes, for receivers that want scheme `v1a`.
    pub fn generate_ed25519(random: [u8; 32]) -> Self {
        Self(Kind::Ed25519(Pair::of(random)))
    }

    /// A symmetric secret of these 24 to 64 bytes.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, InvalidSecret> {
        let bytes = Zeroizing::new(bytes);
        match bytes.len() {
            24..=64 => Ok(Self(Kind::Symmetric(bytes))),
            length => Err(InvalidSecret::Length(length)),
        }
    }

    /// A secret that a person or another system chose; its UTF-8 is the key, whatever it looks like.
    pub fn plain(text: &str) -> Result<Self, InvalidSecret> {
        match text.len() {
            1..=Self::MAX_PLAIN => Ok(Self(Kind::Plain(Zeroizing::new(text.to_owned())))),
            length => Err(InvalidSecret::PlainLength(length)),
        }
    }

    /// Reads `whsec_<base64>` and `whsk_<base64>`.
    pub fn from_text(text: &str) -> Result<Self, InvalidSecret> {
        if let Some(text) = text.strip_prefix(SYMMETRIC) {
            return Self::from_bytes(decode(text)?);
        }
        let text = text.strip_prefix(PRIVATE).ok_or(InvalidSecret::Prefix)?;
        Pair::read(&Zeroizing::new(decode(text)?)).map(|pair| Self(Kind::Ed25519(pair)))
    }

    /// Writes what [`Secret::from_text`] reads, or the plain text: shown once, at creation and at
    /// rotation.
    ///
    /// This text is also the key of the schemes that sign with a secret as it is written.
    pub fn to_text(&self) -> Zeroizing<String> {
        match &self.0 {
            Kind::Symmetric(bytes) => encode(SYMMETRIC, bytes),
            Kind::Plain(text) => text.clone(),
            Kind::Ed25519(pair) => {
                let both = [&pair.seed[..], &pair.public.0[..]].concat();
                encode(PRIVATE, &Zeroizing::new(both))
            }
        }
    }

    /// The form that is sealed and stored.
    pub fn to_stored(&self) -> Zeroizing<String> {
        match &self.0 {
            Kind::Plain(text) => Zeroizing::new([PLAIN, text.as_str()].concat()),
            Kind::Symmetric(_) | Kind::Ed25519(_) => self.to_text(),
        }
    }

    /// Reads what [`Secret::to_stored`] wrote; what has none of its prefixes is the bytes of a
    /// symmetric secret, which is what older versions stored.
    pub fn from_stored(stored: &[u8]) -> Result<Self, InvalidSecret> {
        if let Some(text) = stored.strip_prefix(PLAIN.as_bytes()) {
            return Self::plain(std::str::from_utf8(text).map_err(|_| InvalidSecret::Utf8)?);
        }
        let marked = [SYMMETRIC, PRIVATE]
            .iter()
            .any(|prefix| stored.starts_with(prefix.as_bytes()));
        match std::str::from_utf8(stored) {
            Ok(text) if marked => Self::from_text(text),
            _ => Self::from_bytes(stored.to_vec()),
        }
    }

    /// The bytes that key an HMAC of Standard Webhooks; none for a key pair.
    pub fn hmac_key(&self) -> Option<&[u8]> {
        match &self.0 {
            Kind::Symmetric(bytes) => Some(bytes),
            Kind::Plain(text) => Some(text.as_bytes()),
            Kind::Ed25519(_) => None,
        }
    }

    /// The public half, if it has one: what its receiver is given instead of the secret.
    pub fn public_key(&self) -> Option<PublicKey> {
        match &self.0 {
            Kind::Ed25519(pair) => Some(pair.public),
            Kind::Symmetric(_) | Kind::Plain(_) => None,
        }
    }

    /// An Ed25519 signature; none for a secret that is no key pair.
    pub(crate) fn sign_ed25519(&self, message: &[u8]) -> Option<[u8; 64]> {
        let Kind::Ed25519(pair) = &self.0 else {
            return None;
        };
        let signature = pair.ring().sign(message);
        Some((signature.as_ref().try_into()).expect("an Ed25519 signature has sixty-four bytes"))
    }
}

impl Pair {
    fn of(seed: [u8; 32]) -> Self {
        let mut pair = Self {
            seed: Zeroizing::new(seed),
            public: PublicKey([0; 32]),
        };
        let public = pair.ring();
        let public = public.public_key().as_ref().try_into();
        pair.public = PublicKey(public.expect("an Ed25519 public key has thirty-two bytes"));
        pair
    }

    /// Reads the secret half, alone or with the public half after it.
    fn read(bytes: &[u8]) -> Result<Self, InvalidSecret> {
        let (seed, public) = bytes.split_at_checked(32).ok_or(InvalidSecret::Ed25519)?;
        let pair = Self::of(seed.try_into().map_err(|_| InvalidSecret::Ed25519)?);
        match public.is_empty() || public == pair.public.0 {
            true => Ok(pair),
            false => Err(InvalidSecret::Ed25519),
        }
    }

    fn ring(&self) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&self.seed[..]).expect("a seed has thirty-two bytes")
    }
}

impl PublicKey {
    /// Reads `whpk_<base64>`. Whether the bytes are a point of the curve shows when verifying.
    pub fn from_text(text: &str) -> Result<Self, InvalidSecret> {
        let text = text.strip_prefix(PUBLIC).ok_or(InvalidSecret::Prefix)?;
        let bytes = decode(text)?.try_into();
        bytes.map(Self).map_err(|_| InvalidSecret::Ed25519)
    }

    /// Writes `whpk_<base64>`.
    pub fn to_text(&self) -> String {
        encode(PUBLIC, &self.0).to_string()
    }

    /// The thirty-two bytes (RFC 8032).
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

fn decode(text: &str) -> Result<Vec<u8>, InvalidSecret> {
    BASE64.decode(text).map_err(|_| InvalidSecret::Base64)
}

fn encode(prefix: &str, bytes: &[u8]) -> Zeroizing<String> {
    // Room for the longest, so that no copy is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(prefix.len() + 88));
    text.push_str(prefix);
    BASE64.encode_string(bytes, &mut text);
    text
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
        assert_eq!(Secret::from_text("whsk_AAAA"), Err(InvalidSecret::Ed25519));
        for (length, fits) in [(0, false), (23, false), (24, true), (64, true), (65, false)] {
            let read = Secret::from_bytes(vec![1; length]);
            assert_eq!(read.is_ok(), fits, "{length} bytes");
        }
        for (length, fits) in [(0, false), (1, true), (256, true), (257, false)] {
            let read = Secret::plain(&"x".repeat(length));
            assert_eq!(read.is_ok(), fits, "{length} bytes");
        }
    }

    #[test]
    fn a_key_pair_reads_back_and_does_not_fit_another_public_half() {
        let secret = Secret::generate_ed25519([3; 32]);
        let text = secret.to_text();
        assert!(text.starts_with("whsk_"));
        assert_eq!(Secret::from_text(&text), Ok(secret.clone()));
        let public = secret.public_key().expect("it has a public half");
        assert_eq!(PublicKey::from_text(&public.to_text()), Ok(public));
        let mut both = decode(&text["whsk_".len()..]).expect("base64");
        let half = encode(PRIVATE, &both[..32]);
        assert_eq!(Secret::from_text(&half), Ok(secret));
        both[40] ^= 1;
        let forged = encode(PRIVATE, &both);
        assert_eq!(Secret::from_text(&forged), Err(InvalidSecret::Ed25519));
    }

    #[test]
    fn what_is_stored_reads_back_whatever_it_looks_like() {
        let symmetric = Secret::generate([65; 32]);
        let kinds = [
            symmetric.clone(),
            Secret::generate_ed25519([5; 32]),
            Secret::plain("whsec_test").expect("short enough"),
            Secret::plain(&symmetric.to_text()).expect("short enough"),
            Secret::plain("plain:é").expect("short enough"),
        ];
        for secret in kinds {
            let stored = secret.to_stored();
            assert!(Secret::from_stored(stored.as_bytes()) == Ok(secret));
        }
        assert_eq!(
            Secret::from_stored(&[65; 32]),
            Ok(symmetric),
            "an older row"
        );
        assert_eq!(Secret::from_stored(b"plain:\xff"), Err(InvalidSecret::Utf8));
        assert_eq!(Secret::from_stored(b""), Err(InvalidSecret::Length(0)));
    }

    #[test]
    fn debug_shows_nothing() {
        for secret in [
            Secret::generate([65; 32]),
            Secret::generate_ed25519([65; 32]),
        ] {
            assert_eq!(format!("{secret:?}"), "Secret(…)");
        }
    }
}
