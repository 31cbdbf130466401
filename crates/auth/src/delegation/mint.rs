//! Making delegation tokens, as the account's PDS.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use loggia_syntax::{Did, SpaceRef};
use serde::Serialize;

use super::{HOST, KEY, MOST_LIFETIME, TYPE};
use crate::jws::{NewHeader, SignError, sign_with};
use crate::key::SigningKey;

/// What a new token says.
#[derive(Clone, Copy, Debug)]
pub struct NewDelegation<'a> {
    /// The account: the DID whose `#atproto` key signs.
    pub user: &'a Did,
    /// The space that may be read.
    pub space: &'a SpaceRef,
    /// The time.
    pub now: Timestamp,
    /// How many seconds it lives; 60 is usual.
    pub lifetime: i64,
    /// Random bytes that make the token the only one of its kind.
    pub id: [u8; 16],
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum NewDelegationError {
    /// The lifetime is not between 1 second and [`MOST_LIFETIME`].
    #[error("a delegation token cannot live {0} s")]
    Lifetime(i64),
    /// Signing failed.
    #[error("the delegation token cannot be made")]
    Sign(#[source] SignError),
}

/// Makes a token for the host of the space.
pub fn mint(key: &SigningKey, token: &NewDelegation<'_>) -> Result<String, NewDelegationError> {
    #[derive(Serialize)]
    struct Claims<'a> {
        iss: &'a Did,
        sub: &'a SpaceRef,
        aud: String,
        iat: i64,
        exp: i64,
        jti: String,
    }
    if !(1..=MOST_LIFETIME).contains(&token.lifetime) {
        return Err(NewDelegationError::Lifetime(token.lifetime));
    }
    let iat = token.now.as_second();
    let claims = Claims {
        iss: token.user,
        sub: token.space,
        aud: format!("{}{HOST}", token.space.split().0),
        iat,
        exp: iat + token.lifetime,
        jti: URL_SAFE_NO_PAD.encode(token.id),
    };
    let header = NewHeader {
        typ: TYPE,
        kid: Some(KEY),
        jwk: None,
    };
    sign_with(key, &header, &claims).map_err(NewDelegationError::Sign)
}
