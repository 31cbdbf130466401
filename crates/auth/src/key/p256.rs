//! P-256 by ring, which leaves the question of the lower s to its caller.

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    UnparsedPublicKey,
};
use zeroize::Zeroizing;

use super::{BadSignature, LowS, Sign, SigningError, Verify};

/// The order of the group.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// Half the order, rounded down: the highest of the lower s.
const HALF: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
];

#[derive(Clone, PartialEq, Eq)]
pub(super) struct Public([u8; 65]);

impl Public {
    pub(super) fn new(point: [u8; 65]) -> Self {
        Self(point)
    }
}

impl Verify for Public {
    fn verify(
        &self,
        message: &[u8],
        signature: &[u8; 64],
        low_s: LowS,
    ) -> Result<(), BadSignature> {
        if low_s == LowS::Required && signature[32..] > HALF[..] {
            return Err(BadSignature::HighS);
        }
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.0)
            .verify(message, signature)
            .map_err(|_| BadSignature::Wrong)
    }
}

pub(super) struct Secret(EcdsaKeyPair);

impl Secret {
    pub(super) fn new(secret: &[u8; 32], point: &[u8; 65]) -> Option<Self> {
        EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            secret,
            point,
            &SystemRandom::new(),
        )
        .ok()
        .map(Self)
    }
}

impl Sign for Secret {
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningError> {
        let made = self
            .0
            .sign(&SystemRandom::new(), message)
            .map_err(|_| SigningError::Random)?;
        let mut signature: [u8; 64] = made.as_ref().try_into().map_err(|_| SigningError::Random)?;
        if signature[32..] > HALF[..] {
            negate(&mut signature[32..]);
        }
        Ok(signature)
    }
}

/// Where ring's PKCS #8 text of a P-256 key holds the secret scalar.
const SECRET_IN_PKCS8: std::ops::Range<usize> = 36..68;

/// A new secret and its public point.
pub(super) fn generate() -> Option<(Zeroizing<[u8; 32]>, [u8; 65])> {
    let random = SystemRandom::new();
    let text = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).ok()?;
    let pair =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, text.as_ref(), &random).ok()?;
    // The pair is put together again from both halves, so that a changed layout cannot go unseen.
    let secret = text.as_ref().get(SECRET_IN_PKCS8)?.try_into().ok()?;
    Some((
        Zeroizing::new(secret),
        pair.public_key().as_ref().try_into().ok()?,
    ))
}

/// s becomes order - s.
fn negate(s: &mut [u8]) {
    let mut borrow = 0;
    for (byte, order) in s.iter_mut().zip(ORDER).rev() {
        let difference = i16::from(order) - i16::from(*byte) - borrow;
        borrow = i16::from(difference < 0);
        *byte = (difference & 0xff) as u8;
    }
}
