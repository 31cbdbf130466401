//! Public keys as AT Protocol writes them: `did:key`, multikeys and the two legacy forms.
//!
//! A [`Multikey`] is a curve and a point that was checked to lie on it. What can be done with it
//! (verifying) is not known here.

mod base58;
mod point;

use std::fmt;

/// The two curves of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Curve {
    /// secp256k1, `ES256K`.
    K256,
    /// NIST P-256 (secp256r1), `ES256`.
    P256,
}

impl Curve {
    /// The JOSE algorithm of ECDSA with SHA-256 over this curve.
    pub fn algorithm(self) -> &'static str {
        match self {
            Self::K256 => "ES256K",
            Self::P256 => "ES256",
        }
    }

    /// The multicodec prefix of a public key, as an unsigned varint (0xe7, 0x1200).
    fn codec(self) -> [u8; 2] {
        match self {
            Self::K256 => [0xe7, 0x01],
            Self::P256 => [0x80, 0x24],
        }
    }
}

impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::K256 => "K-256",
            Self::P256 => "P-256",
        })
    }
}

/// Why a text or bytes are no public key that the protocol knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not base58btc with its `z` prefix.
    #[error("the key is not in base58btc (`z…`)")]
    Multibase,
    /// The multicodec prefix is neither K-256 nor P-256.
    #[error("the key is of an unknown type")]
    Codec,
    /// Neither 33 bytes compressed nor 65 bytes uncompressed.
    #[error("the key has {0} bytes, expected a point of 33 or 65")]
    Length(usize),
    /// The bytes are no point of the curve.
    #[error("the key is not a point of {0}")]
    NotOnCurve(Curve),
    /// The text does not start with `did:key:`.
    #[error("the text is not a did:key")]
    NotDidKey,
    /// The verification method has a type that is not used for signing in the protocol.
    #[error("verification methods of type `{0}` are not supported")]
    Type(String),
    /// The verification method has no `publicKeyMultibase`.
    #[error("the verification method has no publicKeyMultibase")]
    Absent,
}

/// A public key: its curve and an uncompressed point that lies on it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Multikey {
    curve: Curve,
    point: [u8; 65],
}

impl Multikey {
    /// The key of a SEC 1 point, compressed (33 bytes) or not (65 bytes).
    pub fn from_point(curve: Curve, bytes: &[u8]) -> Result<Self, KeyError> {
        let point = match bytes.len() {
            33 => point::decompress(curve, bytes),
            65 => point::check(curve, bytes),
            other => return Err(KeyError::Length(other)),
        };
        point
            .map(|point| Self { curve, point })
            .ok_or(KeyError::NotOnCurve(curve))
    }

    /// The key of a multikey text: `z`, base58btc, multicodec prefix, compressed point.
    pub fn from_multibase(text: &str) -> Result<Self, KeyError> {
        let bytes = decode_multibase(text)?;
        let (codec, point) = bytes.split_at_checked(2).ok_or(KeyError::Codec)?;
        let curve = [Curve::K256, Curve::P256]
            .into_iter()
            .find(|curve| curve.codec() == codec)
            .ok_or(KeyError::Codec)?;
        if point.len() != 33 {
            return Err(KeyError::Length(point.len()));
        }
        Self::from_point(curve, point)
    }

    /// The key of a legacy verification method: `z`, base58btc, the bare point.
    pub fn from_legacy_multibase(curve: Curve, text: &str) -> Result<Self, KeyError> {
        Self::from_point(curve, &decode_multibase(text)?)
    }

    /// The key of a `did:key:z…`.
    pub fn from_did_key(text: &str) -> Result<Self, KeyError> {
        Self::from_multibase(text.strip_prefix("did:key:").ok_or(KeyError::NotDidKey)?)
    }

    /// Which curve the point is on.
    pub fn curve(&self) -> Curve {
        self.curve
    }

    /// The uncompressed point: 0x04, x, y.
    pub fn point(&self) -> &[u8; 65] {
        &self.point
    }

    /// The compressed point: 0x02 or 0x03, x.
    pub fn compressed(&self) -> [u8; 33] {
        let mut bytes = [0; 33];
        bytes.copy_from_slice(&self.point[..33]);
        bytes[0] = 2 + (self.point[64] & 1);
        bytes
    }

    /// The text of `publicKeyMultibase` in a `Multikey` verification method.
    pub fn to_multibase(&self) -> String {
        let mut bytes = Vec::with_capacity(35);
        bytes.extend(self.curve.codec());
        bytes.extend(self.compressed());
        format!("z{}", base58::encode(&bytes))
    }

    /// The same key as a `did:key`.
    pub fn to_did_key(&self) -> String {
        format!("did:key:{}", self.to_multibase())
    }
}

impl fmt::Debug for Multikey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Multikey({})", self.to_multibase())
    }
}

fn decode_multibase(text: &str) -> Result<Vec<u8>, KeyError> {
    text.strip_prefix('z')
        .and_then(base58::decode)
        .ok_or(KeyError::Multibase)
}
