//! Making proofs, as a client.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Serialize;

use super::{TYPE, Target, token_hash};
use crate::jwk::Jwk;
use crate::jws::{NewHeader, SignError, sign_with};
use crate::key::SigningKey;

/// What a new proof says.
#[derive(Clone, Copy, Debug)]
pub struct NewProof<'a> {
    /// The HTTP method of the request.
    pub method: &'a str,
    /// Its URL.
    pub target: &'a Target,
    /// The token that is sent with it.
    pub token: Option<&'a str>,
    /// The nonce that the server gave last.
    pub nonce: Option<&'a str>,
    /// The time.
    pub now: Timestamp,
    /// Random bytes that make the proof the only one of its kind.
    pub id: [u8; 16],
}

/// Makes a proof for the `DPoP` header.
pub fn mint(key: &SigningKey, proof: &NewProof<'_>) -> Result<String, SignError> {
    #[derive(Serialize)]
    struct Claims<'a> {
        jti: String,
        htm: &'a str,
        htu: &'a str,
        iat: i64,
        #[serde(skip_serializing_if = "Option::is_none")]
        ath: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        nonce: Option<&'a str>,
    }
    let jwk = Jwk::new(*key.public().multikey());
    let header = NewHeader {
        typ: TYPE,
        kid: None,
        jwk: Some(&jwk),
    };
    let claims = Claims {
        jti: URL_SAFE_NO_PAD.encode(proof.id),
        htm: proof.method,
        htu: proof.target.as_str(),
        iat: proof.now.as_second(),
        ath: proof.token.map(token_hash),
        nonce: proof.nonce,
    };
    sign_with(key, &header, &claims)
}
