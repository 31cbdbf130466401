//! Public keys as JWK (RFC 7517): elliptic curves only, whole points only, never a secret half.

mod remote;
mod set;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use loggia_identity::{Curve, KeyError, Multikey};
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};

pub use remote::{KeysError, RemoteKeys, RemoteKeysSettings};
pub(crate) use remote::{LARGEST, get_keys};
pub(crate) use set::Written as WrittenSet;
pub use set::{JwkSet, JwkSetError};

use crate::jws::{Text, is_there};
use crate::key::PublicKey;

/// Why JSON is no public key that can be used here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwkError {
    /// It has a `d`: whoever sent it has given the secret away.
    #[error("the JWK contains a private key")]
    Private,
    /// `kty` is not `EC`.
    #[error("the JWK is not of type EC")]
    Type,
    /// `crv` is neither `P-256` nor `secp256k1`.
    #[error("the JWK's curve is neither P-256 nor secp256k1")]
    Curve,
    /// `alg` or `use` says that the key is for something else.
    #[error("the JWK's {0} does not fit a key for signatures on its curve")]
    Purpose(&'static str),
    /// A coordinate is missing or does not have 32 bytes in base64url.
    #[error("the JWK's {0} is not a coordinate of 32 bytes")]
    Coordinate(&'static str),
    /// The coordinates are no point of the curve.
    #[error("the JWK is not a point of its curve")]
    Point(#[source] KeyError),
}

/// A public key that is written as a JWK. Two keys are equal if their points are: `kid` and the
/// like are not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Jwk(Multikey);

/// The members that are read, of any key type.
#[derive(Deserialize)]
pub(crate) struct Members<'a> {
    #[serde(borrow)]
    kty: Text<'a>,
    #[serde(borrow)]
    crv: Option<Text<'a>>,
    #[serde(borrow)]
    x: Option<Text<'a>>,
    #[serde(borrow)]
    y: Option<Text<'a>>,
    #[serde(borrow)]
    alg: Option<Text<'a>>,
    #[serde(borrow, rename = "use")]
    usage: Option<Text<'a>>,
    #[serde(borrow)]
    kid: Option<Text<'a>>,
    #[serde(default, rename = "d", deserialize_with = "is_there")]
    has_secret: bool,
}

impl Members<'_> {
    pub(crate) fn key(&self) -> Result<Jwk, JwkError> {
        if self.has_secret {
            return Err(JwkError::Private);
        }
        if *self.kty != *"EC" {
            return Err(JwkError::Type);
        }
        let curve = match self.crv.as_deref() {
            Some("P-256") => Curve::P256,
            Some("secp256k1") => Curve::K256,
            _ => return Err(JwkError::Curve),
        };
        if self
            .alg
            .as_deref()
            .is_some_and(|alg| alg != curve.algorithm())
        {
            return Err(JwkError::Purpose("alg"));
        }
        if self.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return Err(JwkError::Purpose("use"));
        }
        let mut point = [4; 65];
        point[1..33].copy_from_slice(&coordinate(self.x.as_deref(), "x")?);
        point[33..].copy_from_slice(&coordinate(self.y.as_deref(), "y")?);
        Multikey::from_point(curve, &point)
            .map(Jwk)
            .map_err(JwkError::Point)
    }
}

impl Jwk {
    /// The JWK of a key.
    pub fn new(key: Multikey) -> Self {
        Self(key)
    }

    /// The key as data.
    pub fn multikey(&self) -> &Multikey {
        &self.0
    }

    /// The key ready to verify with.
    pub fn public_key(&self) -> Result<PublicKey, KeyError> {
        PublicKey::new(self.0)
    }

    /// SHA-256 over the required members in their canonical form, in base64url (RFC 7638): the
    /// `jkt` of a token that is bound to this key.
    pub fn thumbprint(&self) -> String {
        let [crv, x, y] = self.parts();
        // Base64url and the curves' names need no escaping in JSON.
        let (start, middle) = (r#"{"crv":""#, r#"","kty":"EC","x":""#);
        let canonical = [start, &crv, middle, &x, r#"","y":""#, &y, r#""}"#].concat();
        URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
    }

    fn parts(&self) -> [String; 3] {
        let crv = match self.0.curve() {
            Curve::P256 => "P-256",
            Curve::K256 => "secp256k1",
        };
        let (x, y) = self.0.point()[1..].split_at(32);
        [
            crv.into(),
            URL_SAFE_NO_PAD.encode(x),
            URL_SAFE_NO_PAD.encode(y),
        ]
    }
}

impl Serialize for Jwk {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written {
            kty: &'static str,
            crv: String,
            x: String,
            y: String,
        }
        let [crv, x, y] = self.parts();
        Written {
            kty: "EC",
            crv,
            x,
            y,
        }
        .serialize(to)
    }
}

impl<'de> Deserialize<'de> for Jwk {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Members::deserialize(from)?
            .key()
            .map_err(serde::de::Error::custom)
    }
}

fn coordinate(text: Option<&str>, name: &'static str) -> Result<[u8; 32], JwkError> {
    let mut bytes = [0; 32];
    match text.map(|text| URL_SAFE_NO_PAD.decode_slice(text, &mut bytes)) {
        Some(Ok(32)) => Ok(bytes),
        _ => Err(JwkError::Coordinate(name)),
    }
}
