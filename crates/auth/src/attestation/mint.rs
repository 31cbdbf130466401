//! Making attestations, as an app.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use loggia_syntax::Did;
use serde::Serialize;

use super::{ClientId, MOST_LIFETIME, TYPE};
use crate::delegation::HOST;
use crate::jws::{NewHeader, SignError, sign_with};
use crate::key::SigningKey;

/// What a new attestation says.
#[derive(Clone, Copy, Debug)]
pub struct NewAttestation<'a> {
    /// The app.
    pub client: &'a ClientId,
    /// The name of the signing key in the app's key set.
    pub kid: &'a str,
    /// The authority of the space whose host it is for.
    pub authority: &'a Did,
    /// The time.
    pub now: Timestamp,
    /// How many seconds it lives; 60 is usual.
    pub lifetime: i64,
    /// Random bytes that make the attestation the only one of its kind.
    pub id: [u8; 16],
}

/// Why there is no attestation.
#[derive(Debug, thiserror::Error)]
pub enum NewAttestationError {
    /// The lifetime is not between 1 second and [`MOST_LIFETIME`].
    #[error("a client attestation cannot live {0} s")]
    Lifetime(i64),
    /// Signing failed.
    #[error("the client attestation cannot be made")]
    Sign(#[source] SignError),
}

/// Makes an attestation.
pub fn mint(key: &SigningKey, new: &NewAttestation<'_>) -> Result<String, NewAttestationError> {
    #[derive(Serialize)]
    struct Claims<'a> {
        iss: &'a str,
        sub: &'a str,
        aud: String,
        iat: i64,
        exp: i64,
        jti: String,
    }
    if !(1..=MOST_LIFETIME).contains(&new.lifetime) {
        return Err(NewAttestationError::Lifetime(new.lifetime));
    }
    let iat = new.now.as_second();
    let claims = Claims {
        iss: new.client.as_str(),
        sub: new.client.as_str(),
        aud: format!("{}{HOST}", new.authority),
        iat,
        exp: iat + new.lifetime,
        jti: URL_SAFE_NO_PAD.encode(new.id),
    };
    let header = NewHeader {
        typ: TYPE,
        kid: Some(new.kid),
        jwk: None,
    };
    sign_with(key, &header, &claims).map_err(NewAttestationError::Sign)
}
