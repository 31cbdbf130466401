//! K-256 by libsecp256k1, over the context that the library keeps for each thread.

use secp256k1::{Message, PublicKey, SecretKey, ecdsa::Signature};
use sha2::{Digest, Sha256};

use super::{BadSignature, LowS, Sign, SigningError, Verify};

#[derive(Clone, PartialEq, Eq)]
pub(super) struct Public(PublicKey);

impl Public {
    pub(super) fn new(point: &[u8; 65]) -> Option<Self> {
        PublicKey::from_byte_array_uncompressed(*point)
            .ok()
            .map(Self)
    }
}

impl Verify for Public {
    fn verify(
        &self,
        message: &[u8],
        signature: &[u8; 64],
        low_s: LowS,
    ) -> Result<(), BadSignature> {
        let mut parsed = Signature::from_compact(signature).map_err(|_| BadSignature::Wrong)?;
        // The library verifies only the lower s.
        parsed.normalize_s();
        if low_s == LowS::Required && parsed.serialize_compact() != *signature {
            return Err(BadSignature::HighS);
        }
        parsed
            .verify(digest(message), &self.0)
            .map_err(|_| BadSignature::Wrong)
    }
}

pub(super) struct Secret(SecretKey);

impl Secret {
    pub(super) fn new(secret: &[u8; 32]) -> Option<Self> {
        SecretKey::from_secret_bytes(*secret).ok().map(Self)
    }

    pub(super) fn public_point(&self) -> [u8; 65] {
        self.0.public_key().serialize_uncompressed()
    }
}

impl Sign for Secret {
    /// Deterministic (RFC 6979); the library makes only the lower s.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningError> {
        Ok(self.0.sign_ecdsa(digest(message)).serialize_compact())
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.non_secure_erase();
    }
}

fn digest(message: &[u8]) -> Message {
    Message::from_digest(Sha256::digest(message).into())
}
