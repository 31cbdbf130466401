//! Compact JWS (RFC 7515): three base64url segments, of which nothing is believed before its
//! signature has been verified.

mod strict;
mod told;

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use base64::DecodeSliceError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use loggia_identity::Curve;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::jwk::Jwk;
use crate::key::{BadSignature, LowS, PublicKey, SigningError, SigningKey};

/// The longest token that is looked at, in bytes. Real ones have 300 to 900; servers take header
/// lines of 8 KiB.
pub const LONGEST: usize = 8 * 1024;

/// Why a text is no token.
#[derive(Debug, thiserror::Error)]
pub enum JwsError {
    /// Longer than [`LONGEST`].
    #[error("the token is longer than {LONGEST} bytes")]
    TooLong,
    /// Not three segments.
    #[error("the token does not have three segments")]
    Segments,
    /// A segment is not base64url without padding.
    #[error("the token's {0} is not base64url")]
    Base64(&'static str),
    /// The header or the payload is not the JSON object that it should be.
    #[error("the token's {0} does not fit")]
    Json(&'static str, #[source] serde_json::Error),
    /// The signature does not have 64 bytes.
    #[error("the token's signature does not have 64 bytes")]
    SignatureLength,
    /// The header demands an extension (RFC 7515 §4.1.11); none is understood here.
    #[error("the token demands extensions (crit)")]
    Critical,
}

impl JwsError {
    /// A member is missing.
    pub(crate) fn absent(part: &'static str, member: &'static str) -> Self {
        Self::Json(part, serde::de::Error::missing_field(member))
    }
}

/// A JOSE header. A key in it is ignored, whatever `jwk` holds: the caller knows where keys come from.
/// Only a DPoP proof brings its own, and reads it as a `K`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Header<K = IgnoredAny> {
    /// The type, e.g. `JWT`.
    #[serde(default)]
    pub typ: Option<String>,
    /// The algorithm, e.g. `ES256K`.
    pub alg: String,
    /// Which key of the issuer.
    #[serde(default)]
    pub kid: Option<String>,
    #[serde(default, bound(deserialize = "K: Default + Deserialize<'de>"))]
    pub(crate) jwk: K,
    /// Whether there are extensions that must be understood.
    #[serde(default, rename = "crit", deserialize_with = "is_there")]
    has_critical: bool,
}

/// The header of a token to be made; the algorithm is the key's.
#[derive(Clone, Copy, Debug)]
pub struct NewHeader<'a> {
    /// The type, e.g. `at+jwt`.
    pub typ: &'a str,
    /// Which key of the issuer signs.
    pub kid: Option<&'a str>,
    /// The key itself, in a DPoP proof.
    pub jwk: Option<&'a Jwk>,
}

/// A token taken apart; nothing in it is proved.
#[derive(Clone, Debug)]
pub struct Compact<'a, K = IgnoredAny> {
    header: Header<K>,
    payload: Vec<u8>,
    signed: &'a str,
    signature: [u8; 64],
}

impl<'a> Compact<'a> {
    /// Takes a token apart.
    pub fn parse(token: &'a str) -> Result<Self, JwsError> {
        Self::parse_with_key(token)
    }
}

impl<'a, K: Default + DeserializeOwned> Compact<'a, K> {
    /// Takes a token apart whose header may have a key in it.
    pub(crate) fn parse_with_key(token: &'a str) -> Result<Self, JwsError> {
        if token.len() > LONGEST {
            return Err(JwsError::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(JwsError::Segments)?;
        let (header, payload) = signed.split_once('.').ok_or(JwsError::Segments)?;
        if payload.contains('.') {
            return Err(JwsError::Segments);
        }
        let header: Header<K> = read_checked(&decode(header, "header")?, "header")?;
        if header.has_critical {
            return Err(JwsError::Critical);
        }
        Ok(Self {
            header,
            payload: decode(payload, "payload")?,
            signed,
            signature: decode_signature(signature)?,
        })
    }
}

impl<K> Compact<'_, K> {
    /// The header, as claimed.
    pub fn header(&self) -> &Header<K> {
        &self.header
    }

    /// The payload, as claimed. A claim that stands there twice is an error, known or not.
    pub fn claims<'p, C: Deserialize<'p>>(&'p self) -> Result<C, JwsError> {
        read_checked(&self.payload, "payload")
    }

    /// Verifies that `key` made this token, and with the algorithm that the header names. The
    /// algorithm follows from the key; a token cannot choose it.
    pub fn verify(&self, key: &PublicKey, low_s: LowS) -> Result<(), BadSignature> {
        if self.header.alg != key.curve().algorithm() {
            return Err(BadSignature::Algorithm(key.curve()));
        }
        key.verify(self.signed.as_bytes(), &self.signature, low_s)
    }
}

/// Signs a token. `typ` stands in the header; the algorithm is the key's, without a `kid`.
pub fn sign(key: &SigningKey, typ: &str, claims: &impl Serialize) -> Result<String, SignError> {
    let header = NewHeader {
        typ,
        kid: None,
        jwk: None,
    };
    sign_with(key, &header, claims)
}

/// Signs a token with this header.
pub fn sign_with(
    key: &SigningKey,
    header: &NewHeader<'_>,
    claims: &impl Serialize,
) -> Result<String, SignError> {
    #[derive(Serialize)]
    struct Written<'a> {
        typ: &'a str,
        alg: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        kid: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        jwk: Option<&'a Jwk>,
    }
    let mut token = encode(&Written {
        typ: header.typ,
        alg: key.public().curve().algorithm(),
        kid: header.kid,
        jwk: header.jwk,
    })?;
    token.push('.');
    token.push_str(&encode(claims)?);
    let signature = key.sign(token.as_bytes()).map_err(SignError::Sign)?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}

/// The type that a token claims to have, to choose the verifier that it is then held to. Nothing
/// else may be decided by it.
pub fn unverified_type(token: &str) -> Option<String> {
    Compact::parse(token).ok()?.header.typ
}

/// Why no token could be made.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The claims cannot be written as JSON.
    #[error("the claims cannot be written")]
    Claims(#[source] serde_json::Error),
    /// The key gave no signature.
    #[error("the token cannot be signed")]
    Sign(#[source] SigningError),
}

/// Whether `alg` is an algorithm of the protocol.
pub fn is_known_algorithm(alg: &str) -> bool {
    [Curve::K256, Curve::P256]
        .iter()
        .any(|curve| curve.algorithm() == alg)
}

fn decode(segment: &str, name: &'static str) -> Result<Vec<u8>, JwsError> {
    URL_SAFE_NO_PAD
        .decode(segment)
        .map_err(|_| JwsError::Base64(name))
}

fn decode_signature(segment: &str) -> Result<[u8; 64], JwsError> {
    let mut signature = [0; 64];
    match URL_SAFE_NO_PAD.decode_slice(segment, &mut signature) {
        Ok(64) => Ok(signature),
        Ok(_) | Err(DecodeSliceError::OutputSliceTooSmall) => Err(JwsError::SignatureLength),
        Err(DecodeSliceError::DecodeError(_)) => Err(JwsError::Base64("signature")),
    }
}

/// Reads a JSON object in which no member stands twice, at any depth.
pub(crate) fn read_checked<'de, T: Deserialize<'de>>(
    json: &'de [u8],
    name: &'static str,
) -> Result<T, JwsError> {
    strict::read_object(json).map_err(|error| JwsError::Json(name, error))
}

/// For a member that must be an object: serde would also fill a struct from an array.
pub(crate) fn object<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON object")
        }

        fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(members))
        }
    }

    from.deserialize_map(Object(PhantomData))
}

/// A text that is copied only if it has escapes in it.
#[derive(Debug, Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// For a member whose presence counts and not its value: `null` is present too.
pub(crate) fn is_there<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(from).map(|_| true)
}

fn encode(value: &impl Serialize) -> Result<String, SignError> {
    serde_json::to_vec(value)
        .map(|json| URL_SAFE_NO_PAD.encode(json))
        .map_err(SignError::Claims)
}
