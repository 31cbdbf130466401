//! Secrets that are never stored: derived from the master key, each for one use.
//!
//! All nodes that share a master key share them. Another master key changes them all: cookies and
//! nonces of before are worth nothing then.

use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use zeroize::Zeroizing;

/// What a derived secret is for. Secrets of different uses say nothing about each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Nonces of DPoP.
    Nonces,
    /// Signatures of cookies.
    Cookies,
}

impl Purpose {
    /// The label that goes into the derivation. Never changed once released.
    fn label(self) -> &'static [u8] {
        match self {
            Self::Nonces => b"loggia dpop nonces 1",
            Self::Cookies => b"loggia cookies 1",
        }
    }
}

/// 32 bytes.
struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        32
    }
}

/// The secret for a purpose: HKDF-SHA256 (RFC 5869) of the master key, without a salt, since that key
/// is uniformly random, and with the purpose's label as info.
pub fn derive(master: &[u8; 32], purpose: Purpose) -> Zeroizing<[u8; 32]> {
    let mut secret = Zeroizing::new([0; 32]);
    Salt::new(HKDF_SHA256, &[])
        .extract(master)
        .expand(&[purpose.label()], Length)
        .and_then(|output| output.fill(&mut *secret))
        .expect("32 bytes are within what HKDF-SHA256 gives");
    secret
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_by_purpose_and_by_master_key() {
        let nonces = derive(&[1; 32], Purpose::Nonces);
        assert_eq!(nonces, derive(&[1; 32], Purpose::Nonces));
        assert_ne!(nonces, derive(&[1; 32], Purpose::Cookies));
        assert_ne!(nonces, derive(&[2; 32], Purpose::Nonces));
    }

    #[test]
    fn secrets_stay_the_same_over_releases() {
        let hex = |purpose| {
            let secret = derive(&[7; 32], purpose);
            secret
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect::<String>()
        };
        assert_eq!(hex(Purpose::Nonces), NONCES);
        assert_eq!(hex(Purpose::Cookies), COOKIES);
    }

    const NONCES: &str = "535b84f2f3c42aff1d7c1e28e8bae219ca453f0e07d34e0157da94c305e1a008";
    const COOKIES: &str = "fa4e6ca20ba3d63b44ba1f5706d7e3cb7aa6a1cb2d6583fa08f2211743c21967";
}
