//! ECDSA with SHA-256: K-256 by libsecp256k1, P-256 by ring.
//!
//! Signatures are 64 bytes, r and s; DER is refused. [`SigningKey`] makes only the lower of the two
//! possible s. Where the protocol asks for it ([`LowS::Required`]), the higher one is refused.

mod k256;
mod p256;

use std::fmt;

use loggia_identity::{Curve, KeyError, Multikey};
use zeroize::Zeroizing;

/// Whether the higher of the two possible s is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LowS {
    /// Refuse it, as for commits and space credentials.
    Required,
    /// Take it, as the reference does for service auth and HTTP signatures.
    Preferred,
}

/// Why a signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// It is not by this key over these bytes.
    #[error("the signature does not verify")]
    Wrong,
    /// It does not have 64 bytes, as DER has not.
    #[error("the signature is not r and s with 32 bytes each")]
    Length,
    /// It has the higher of the two possible s, where the lower one is required.
    #[error("the signature has the higher s: the lower one is required")]
    HighS,
    /// The token names the algorithm of another curve than the key's.
    #[error("its header names another algorithm (alg) than {}, its key's", .0.algorithm())]
    Algorithm(Curve),
}

/// Why there is no signing key, or no signature by it.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// The secret is zero or larger than the order of the curve.
    #[error("the bytes are no secret key of {0}")]
    Secret(Curve),
    /// The public key is not that of the secret, or on another curve.
    #[error("the public key does not belong to the secret key")]
    Mismatch,
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    Random,
}

/// What an engine does with a public key.
trait Verify {
    fn verify(&self, message: &[u8], signature: &[u8; 64], low_s: LowS)
    -> Result<(), BadSignature>;
}

/// What an engine does with a secret key.
trait Sign {
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningError>;
}

/// A public key ready to verify with.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    multikey: Multikey,
    engine: PublicEngine,
}

#[derive(Clone, PartialEq, Eq)]
enum PublicEngine {
    K256(k256::Public),
    P256(p256::Public),
}

impl PublicKey {
    /// The key of a `did:key`.
    pub fn from_did_key(text: &str) -> Result<Self, KeyError> {
        Self::new(Multikey::from_did_key(text)?)
    }

    /// The engine's form of a key.
    pub fn new(multikey: Multikey) -> Result<Self, KeyError> {
        let engine = match multikey.curve() {
            Curve::K256 => PublicEngine::K256(
                k256::Public::new(multikey.point()).ok_or(KeyError::NotOnCurve(Curve::K256))?,
            ),
            Curve::P256 => PublicEngine::P256(p256::Public::new(*multikey.point())),
        };
        Ok(Self { multikey, engine })
    }

    /// The key as data.
    pub fn multikey(&self) -> &Multikey {
        &self.multikey
    }

    /// Which curve it is on.
    pub fn curve(&self) -> Curve {
        self.multikey.curve()
    }

    /// The key as a `did:key`.
    pub fn to_did_key(&self) -> String {
        self.multikey.to_did_key()
    }

    /// Verifies a signature over the SHA-256 of `message`.
    pub fn verify(
        &self,
        message: &[u8],
        signature: &[u8],
        low_s: LowS,
    ) -> Result<(), BadSignature> {
        let signature: &[u8; 64] = signature.try_into().map_err(|_| BadSignature::Length)?;
        match &self.engine {
            PublicEngine::K256(key) => key.verify(message, signature, low_s),
            PublicEngine::P256(key) => key.verify(message, signature, low_s),
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.to_did_key())
    }
}

/// A secret key ready to sign with. Wiped from memory where the engine allows it.
pub struct SigningKey {
    public: PublicKey,
    secret: Zeroizing<[u8; 32]>,
    engine: SecretEngine,
}

enum SecretEngine {
    K256(k256::Secret),
    P256(Box<p256::Secret>),
}

impl SigningKey {
    /// The K-256 key of these secret bytes. From random bytes this makes a new key; less than one
    /// text in 2¹²⁷ of them is refused.
    pub fn k256(secret: [u8; 32]) -> Result<Self, SigningError> {
        let secret = Zeroizing::new(secret);
        let engine = k256::Secret::new(&secret).ok_or(SigningError::Secret(Curve::K256))?;
        let public = public(Curve::K256, &engine.public_point())?;
        Ok(Self {
            public,
            secret,
            engine: SecretEngine::K256(engine),
        })
    }

    /// The P-256 key of these secret bytes. The engine cannot compute the public key, so that it is
    /// kept and given beside the secret one.
    pub fn p256(secret: [u8; 32], public: &Multikey) -> Result<Self, SigningError> {
        let secret = Zeroizing::new(secret);
        if public.curve() != Curve::P256 {
            return Err(SigningError::Mismatch);
        }
        let engine = p256::Secret::new(&secret, public.point()).ok_or(SigningError::Mismatch)?;
        let public = PublicKey::new(*public).map_err(|_| SigningError::Mismatch)?;
        Ok(Self {
            public,
            secret,
            engine: SecretEngine::P256(Box::new(engine)),
        })
    }

    /// A new P-256 key. Its engine takes randomness only from the system.
    pub fn generate_p256() -> Result<Self, SigningError> {
        let (secret, point) = p256::generate().ok_or(SigningError::Random)?;
        let public = Multikey::from_point(Curve::P256, &point);
        Self::p256(*secret, &public.map_err(|_| SigningError::Mismatch)?)
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The secret half, to be stored. It never belongs into a log.
    pub fn secret(&self) -> &Zeroizing<[u8; 32]> {
        &self.secret
    }

    /// Signs the SHA-256 of `message`, with the lower s.
    pub fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningError> {
        match &self.engine {
            SecretEngine::K256(key) => key.sign(message),
            SecretEngine::P256(key) => key.sign(message),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(of {})", self.public.to_did_key())
    }
}

fn public(curve: Curve, point: &[u8]) -> Result<PublicKey, SigningError> {
    let multikey = Multikey::from_point(curve, point).map_err(|_| SigningError::Mismatch)?;
    PublicKey::new(multikey).map_err(|_| SigningError::Mismatch)
}
