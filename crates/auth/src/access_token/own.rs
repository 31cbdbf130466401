//! Tokens that this server issued.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use loggia_syntax::Did;
use serde::Serialize;

use super::{
    AccessError as Error, AccessToken, AccessTokenVerifier, PresentedToken, SEEN_TOKENS, TYPE,
};
use super::{Terms, Verifying};
use crate::jwk::JwkSet;
use crate::jws::{NewHeader, SignError, sign_with};
use crate::key::{LowS, SigningKey};
use crate::seen::Seen;

/// Verifies tokens with the server's own keys. When keys change, a new one is made: what it has not
/// seen is verified anew.
#[derive(Debug)]
pub struct OwnAccessTokens {
    terms: Terms,
    keys: JwkSet,
    seen: Seen<AccessToken>,
}

/// What a new token says. Issuer and audience come from the terms that it will be held to.
#[derive(Clone, Copy, Debug)]
pub struct NewAccessToken<'a> {
    /// The account.
    pub subject: &'a Did,
    /// The app: its `client_id`.
    pub client: &'a str,
    /// What it allows: scopes separated by spaces.
    pub scope: &'a str,
    /// The thumbprint of the key that the caller must hold.
    pub thumbprint: &'a str,
    /// The time.
    pub now: Timestamp,
    /// How many seconds it lives.
    pub lifetime: i64,
    /// Random bytes that make the token the only one of its kind.
    pub id: [u8; 16],
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum NewAccessTokenError {
    /// The lifetime is not between 1 second and the terms' most.
    #[error("an access token cannot live {0} s")]
    Lifetime(i64),
    /// The terms name no audience.
    #[error("the terms of the access token name no audience")]
    Audience,
    /// Signing failed.
    #[error("the access token cannot be made")]
    Sign(#[source] SignError),
}

impl OwnAccessTokens {
    /// A verifier for tokens by these keys: today's, and those that signed what is still alive.
    pub fn new(terms: Terms, keys: JwkSet) -> Self {
        Self {
            terms,
            keys,
            seen: Seen::new(SEEN_TOKENS),
        }
    }

    /// The keys, as they are published.
    pub fn keys(&self) -> &JwkSet {
        &self.keys
    }

    /// Makes a token that is held to `terms`; `kid` is the key's name in the published set.
    pub fn mint(
        key: &SigningKey,
        kid: &str,
        terms: &Terms,
        token: &NewAccessToken<'_>,
    ) -> Result<String, NewAccessTokenError> {
        if !(1..=terms.lifetime).contains(&token.lifetime) {
            return Err(NewAccessTokenError::Lifetime(token.lifetime));
        }
        let iat = token.now.as_second();
        let claims = Written {
            iss: &terms.issuer,
            aud: terms
                .audiences
                .first()
                .ok_or(NewAccessTokenError::Audience)?,
            sub: token.subject,
            iat,
            exp: iat + token.lifetime,
            jti: URL_SAFE_NO_PAD.encode(token.id),
            scope: token.scope,
            client_id: token.client,
            cnf: Confirmation {
                jkt: token.thumbprint,
            },
        };
        let header = NewHeader {
            typ: TYPE,
            kid: Some(kid),
            jwk: None,
        };
        sign_with(key, &header, &claims).map_err(NewAccessTokenError::Sign)
    }

    fn verify_now(
        &self,
        token: PresentedToken<'_>,
        now: Timestamp,
    ) -> Result<Arc<AccessToken>, Error> {
        if let Some(answer) = self.recall(&token, now) {
            return answer;
        }
        let hashed = *token.hashed();
        let (parsed, claims) = token.into_jws()?;
        if claims.jti.is_none() {
            return Err(Error::TokenId);
        }
        let claims = claims.check(&self.terms, now)?;
        let kid = parsed.header().kid.as_deref().unwrap_or_default();
        let key = self.keys.find(kid).ok_or(Error::KeyId)?;
        // We make the lower s, so that another one was not made by us.
        parsed
            .verify(key, LowS::Required)
            .map_err(|_| Error::Signature)?;
        let claims = Arc::new(claims);
        self.seen.insert(&hashed, &claims, *key.multikey());
        Ok(claims)
    }
}

impl AccessTokenVerifier for OwnAccessTokens {
    fn issuer(&self) -> &str {
        &self.terms.issuer
    }

    fn recall(
        &self,
        token: &PresentedToken<'_>,
        now: Timestamp,
    ) -> Option<Result<Arc<AccessToken>, Error>> {
        let seen = self.seen.get(token.hashed())?;
        let still = self.terms.check_still_valid(&seen.value, now);
        Some(still.map(|()| seen.value))
    }

    fn verify<'a>(&'a self, token: PresentedToken<'a>, now: Timestamp) -> Verifying<'a> {
        Box::pin(std::future::ready(self.verify_now(token, now)))
    }
}

#[derive(Serialize)]
struct Confirmation<'a> {
    jkt: &'a str,
}

#[derive(Serialize)]
struct Written<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a Did,
    iat: i64,
    exp: i64,
    jti: String,
    scope: &'a str,
    client_id: &'a str,
    cnf: Confirmation<'a>,
}
