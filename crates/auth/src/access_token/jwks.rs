//! Tokens of an issuer that publishes its keys.

use std::sync::Arc;

use jiff::Timestamp;
use loggia_identity::Fetch;

use super::{
    AccessError as Error, AccessToken, AccessTokenVerifier, PresentedToken, SEEN_TOKENS, Terms,
    Verifying,
};
use crate::jwk::{KeysError, RemoteKeys};
use crate::jws::is_known_algorithm;
use crate::key::{LowS, PublicKey};
use crate::seen::Seen;

/// Verifies tokens with the keys behind a URL of their issuer.
#[derive(Debug)]
pub struct JwksAccessTokens<F> {
    terms: Terms,
    keys: RemoteKeys<F>,
    seen: Seen<AccessToken>,
}

impl<F: Fetch> JwksAccessTokens<F> {
    /// A verifier for the tokens of one issuer.
    pub fn new(terms: Terms, keys: RemoteKeys<F>) -> Self {
        Self {
            terms,
            keys,
            seen: Seen::new(SEEN_TOKENS),
        }
    }

    async fn verify_now(
        &self,
        token: PresentedToken<'_>,
        now: Timestamp,
    ) -> Result<Arc<AccessToken>, Error> {
        let hashed = *token.hashed();
        let (parsed, claims) = token.into_jws()?;
        if !is_known_algorithm(&parsed.header().alg) {
            return Err(Error::Signature);
        }
        let claims = claims.check(&self.terms, now)?;
        let key = self.key(parsed.header().kid.as_deref(), now).await?;
        // The key that this token was verified with may have been withdrawn.
        if let Some(seen) = self
            .seen
            .get(&hashed)
            .filter(|seen| seen.key == *key.multikey())
        {
            return Ok(seen.value);
        }
        parsed
            .verify(&key, LowS::Preferred)
            .map_err(|_| Error::Signature)?;
        let claims = Arc::new(claims);
        self.seen.insert(&hashed, &claims, *key.multikey());
        Ok(claims)
    }

    async fn key(&self, kid: Option<&str>, now: Timestamp) -> Result<PublicKey, Error> {
        let kid = kid.ok_or(Error::KeyId)?;
        self.keys.find(kid, now).await.map_err(|error| match error {
            KeysError::Unknown => Error::KeyId,
            error => Error::Keys(error),
        })
    }
}

impl<F: Fetch> AccessTokenVerifier for JwksAccessTokens<F> {
    fn issuer(&self) -> &str {
        &self.terms.issuer
    }

    fn verify<'a>(&'a self, token: PresentedToken<'a>, now: Timestamp) -> Verifying<'a> {
        Box::pin(self.verify_now(token, now))
    }
}
