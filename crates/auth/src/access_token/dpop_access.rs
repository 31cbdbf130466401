//! A request with an access token and the proof that its sender may use it.

use std::sync::Arc;

use jiff::Timestamp;

use super::{AccessError as Error, AccessToken, AccessTokens};
use crate::dpop::{Expected, Nonces, Profile, Proof, Target};
use crate::hashed::HashedToken;
use crate::headers::{Authorization, FieldFault};
use crate::replay::ReplayStore;

/// What a request shows. Header fields are lists, so that a second one is seen.
#[derive(Clone, Copy, Debug)]
pub struct AccessRequest<'a> {
    /// All `Authorization` fields.
    pub authorization: &'a [&'a str],
    /// All `DPoP` fields.
    pub dpop: &'a [&'a str],
    /// The HTTP method.
    pub method: &'a str,
    /// The URL as callers see it.
    pub target: &'a Target,
    /// The time.
    pub now: Timestamp,
}

/// Proves callers that come with `Authorization: DPoP`.
#[derive(Debug)]
pub struct DpopAccess<S> {
    tokens: AccessTokens,
    used: S,
    nonces: Nonces,
    profile: Profile,
}

impl<S: ReplayStore> DpopAccess<S> {
    /// A verifier that trusts the issuers of `tokens`.
    pub fn new(tokens: AccessTokens, used: S, nonces: Nonces) -> Self {
        Self {
            tokens,
            used,
            nonces,
            profile: Profile::OAUTH,
        }
    }

    /// The same with other rules for proofs, such as [`Profile::with_k256`].
    #[must_use]
    pub fn with_profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// The nonce for the `DPoP-Nonce` header of every answer.
    pub fn nonce(&self, now: Timestamp) -> String {
        self.nonces.current(now)
    }

    /// Proves the caller: two verifications, or one if the token was seen before. The proof is used
    /// up last, so that only the holder of the token's key can use it up.
    pub async fn verify(&self, request: &AccessRequest<'_>) -> Result<Arc<AccessToken>, Error> {
        let token = bound_token(request.authorization)?;
        let expected = Expected {
            method: request.method,
            target: request.target,
            token: Some(token),
            nonces: Some(&self.nonces),
            now: request.now,
        };
        let hashed = HashedToken::new(token);
        let proof = Proof::verify_with(request.dpop, self.profile, &expected, Some(&hashed))?;
        let token = self.tokens.verify_hashed(hashed, request.now).await?;
        proof.check_binding(&token.thumbprint)?;
        proof.use_up(&self.used, request.now).await?;
        Ok(token)
    }
}

fn bound_token<'a>(fields: &[&'a str]) -> Result<&'a str, Error> {
    let authorization = Authorization::parse(fields).map_err(|fault| match fault {
        FieldFault::Absent => Error::Absent,
        FieldFault::Repeated => Error::Repeated,
    })?;
    if !authorization.is("DPoP") {
        return Err(Error::Scheme);
    }
    match authorization.token {
        "" => Err(Error::Malformed(None)),
        token => Ok(token),
    }
}
