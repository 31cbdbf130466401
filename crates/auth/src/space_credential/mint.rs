//! Making credentials, as a space's authority.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use loggia_identity::Curve;
use loggia_syntax::SpaceRef;
use serde::Serialize;

use super::binding::Confirmation;
use super::{KEYS, KeyBinding, TYPE};
use crate::jws::{NewHeader, SignError, sign_with};
use crate::key::SigningKey;

/// What a new credential says.
#[derive(Clone, Copy, Debug)]
pub struct NewCredential<'a> {
    /// The space that may be read; its authority issues.
    pub space: &'a SpaceRef,
    /// The key that the holder must have.
    pub binding: &'a KeyBinding,
    /// The fragment under which the authority publishes the signing key: one of [`KEYS`].
    pub fragment: &'a str,
    /// The time.
    pub now: Timestamp,
    /// How many seconds it lives: see [`KeyBinding::usual_lifetime`].
    pub lifetime: i64,
    /// Random bytes that make the credential the only one of its kind. In base64url they are the
    /// `jti` by which it is revoked.
    pub id: [u8; 16],
}

/// Why there is no credential.
#[derive(Debug, thiserror::Error)]
pub enum NewCredentialError {
    /// The lifetime is not between 1 second and the most of its form.
    #[error("a space credential cannot live {0} s")]
    Lifetime(i64),
    /// The fragment is not one that signs credentials.
    #[error("the key that signs a space credential is #atproto_space or #atproto")]
    Fragment,
    /// October binds to P-256 keys only.
    #[error("a space credential cannot be bound to a key on another curve than P-256")]
    Curve,
    /// Signing failed.
    #[error("the space credential cannot be made")]
    Sign(#[source] SignError),
}

/// Makes a credential.
pub fn mint(key: &SigningKey, new: &NewCredential<'_>) -> Result<String, NewCredentialError> {
    #[derive(Serialize)]
    struct Claims<'a> {
        iss: &'a str,
        sub: &'a SpaceRef,
        cnf: Confirmation,
        iat: i64,
        exp: i64,
        jti: String,
    }
    if !(1..=new.binding.most_lifetime()).contains(&new.lifetime) {
        return Err(NewCredentialError::Lifetime(new.lifetime));
    }
    if !KEYS.contains(&new.fragment) {
        return Err(NewCredentialError::Fragment);
    }
    if matches!(new.binding, KeyBinding::HttpSignature(key) if key.curve() != Curve::P256) {
        return Err(NewCredentialError::Curve);
    }
    let iat = new.now.as_second();
    let claims = Claims {
        iss: new.space.split().0,
        sub: new.space,
        cnf: new.binding.write(),
        iat,
        exp: iat + new.lifetime,
        jti: URL_SAFE_NO_PAD.encode(new.id),
    };
    let header = NewHeader {
        typ: TYPE,
        kid: Some(new.fragment),
        jwk: None,
    };
    sign_with(key, &header, &claims).map_err(NewCredentialError::Sign)
}
