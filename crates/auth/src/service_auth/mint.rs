//! Making tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use loggia_syntax::{Did, Nsid};
use serde::Serialize;

use super::Limits;
use crate::jws::{self, SignError};
use crate::key::SigningKey;

/// What a new token says.
#[derive(Clone, Copy, Debug)]
pub struct Mint<'a> {
    /// Who calls: the DID whose `#atproto` key signs.
    pub issuer: &'a Did,
    /// Whom: `did` or `did#service`.
    pub audience: &'a str,
    /// Which method.
    pub method: &'a Nsid,
    /// The time.
    pub now: Timestamp,
    /// How many seconds it lives; 60 is usual.
    pub lifetime: i64,
    /// Random bytes that make the token the only one of its kind.
    pub id: [u8; 16],
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// The lifetime is not between 1 second and [`Limits::MOST_LIFETIME`].
    #[error("a service token cannot live {0} s")]
    Lifetime(i64),
    /// Signing failed.
    #[error("the service token cannot be made")]
    Sign(#[source] SignError),
}

#[derive(Serialize)]
struct Claims<'a> {
    iat: i64,
    iss: &'a Did,
    aud: &'a str,
    exp: i64,
    lxm: &'a Nsid,
    jti: String,
}

/// Makes a token.
pub fn mint(key: &SigningKey, token: &Mint<'_>) -> Result<String, MintError> {
    if !(1..=Limits::MOST_LIFETIME).contains(&token.lifetime) {
        return Err(MintError::Lifetime(token.lifetime));
    }
    let iat = token.now.as_second();
    let claims = Claims {
        iat,
        iss: token.issuer,
        aud: token.audience,
        exp: iat + token.lifetime,
        lxm: token.method,
        jti: URL_SAFE_NO_PAD.encode(token.id),
    };
    jws::sign(key, "JWT", &claims).map_err(MintError::Sign)
}
