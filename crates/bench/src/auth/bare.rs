//! The bare operation: a key that is ready, a text, its signature.

use loggia_auth::key::LowS;
use loggia_auth::{PublicKey, SigningKey};

use super::Ids;
use crate::contest::Contest;
use crate::cpu;

/// A text that was signed.
pub struct Signed {
    key: PublicKey,
    text: Vec<u8>,
    signature: [u8; 64],
}

impl Signed {
    /// As long as what `token` signs, by this key.
    pub fn like(key: &SigningKey, token: &str) -> Self {
        let (signed, _) = token.rsplit_once('.').expect("a token has three segments");
        Self::over(key, signed.as_bytes())
    }

    /// This text, signed by this key.
    pub fn over(key: &SigningKey, text: &[u8]) -> Self {
        Self {
            key: key.public().clone(),
            text: text.to_vec(),
            signature: key.sign(text).expect("a signature"),
        }
    }

    fn verify(&self) {
        self.key
            .verify(&self.text, &self.signature, LowS::Preferred)
            .expect("it was just signed");
    }
}

/// Verifies what is made so many times; making it is not counted.
pub fn verify(times: u32, make: impl Fn() -> Vec<Signed>) -> u64 {
    // Other signatures every time: with the same ones the processor would foresee every branch.
    let signed: Vec<Signed> = (0..times).flat_map(|_| make()).collect();
    let ((), taken) = cpu::time(|| signed.iter().for_each(Signed::verify));
    taken
}

/// The two engines, one against the other.
pub fn contest() {
    let (k256, p256, ids) = (k256(), p256(), Ids::default());
    let over = |key| vec![Signed::over(key, &ids.next().repeat(19))];
    let title = "bare verification of 304 bytes";
    Contest::against_timed(title, "P-256, ring", |times| verify(times, || over(&p256)))
        .timed("K-256, libsecp256k1", None, |times| {
            verify(times, || over(&k256))
        })
        .by_speed()
        .run();
}

/// A key as accounts have it.
pub fn k256() -> SigningKey {
    SigningKey::k256([7; 32]).expect("a secret key")
}

/// A key as apps and servers have it.
pub fn p256() -> SigningKey {
    SigningKey::generate_p256().expect("the system has random bytes")
}
