//! The whole way from a token to a proved caller.

use jiff::Timestamp;
use loggia_identity::{DidDocument, ResolveDid};

use super::{Checked, Expected, KEY, ServiceAuthError as Error, Unverified, Verified};
use crate::key::PublicKey;
use crate::replay::{Replay, ReplayScope, ReplayStore};

/// Verifies service auth against DID documents and uses each token up.
#[derive(Clone, Debug)]
pub struct ServiceAuth<D, S> {
    documents: D,
    used: S,
}

impl<D: ResolveDid, S: ReplayStore> ServiceAuth<D, S> {
    /// A verifier that asks `documents` for keys and keeps used tokens in `used`.
    pub fn new(documents: D, used: S) -> Self {
        Self { documents, used }
    }

    /// Proves the caller. Claims come before the network, so that a token for somebody else costs
    /// nobody a request; the token is used up last, so that only its issuer can use it up.
    ///
    /// With [`Audiences::Handler`](super::Audiences::Handler) the handler still has to check the
    /// audience.
    pub async fn verify(&self, token: &str, expected: &Expected<'_>) -> Result<Verified, Error> {
        let checked = Unverified::parse(token)?.check_claims(expected)?;
        let verified = self.verify_signature(&checked, expected.now).await?;
        let key = verified.replay_key();
        let until = verified.forget_after();
        match self
            .used
            .consume(ReplayScope::ServiceAuth, &key, until, expected.now)
            .await
        {
            Ok(Replay::Fresh) => Ok(verified),
            Ok(Replay::Seen) => Err(Error::Replayed),
            Err(error) => Err(Error::Replay(error)),
        }
    }

    /// Verifies with the known key and, if that fails, once more with the document fetched anew:
    /// the account may have changed its key.
    async fn verify_signature(
        &self,
        token: &Checked<'_>,
        now: Timestamp,
    ) -> Result<Verified, Error> {
        let issuer = token.issuer();
        let known = self
            .documents
            .resolve(issuer, now)
            .await
            .map_err(Error::Resolve)?;
        let failure = match verify_with(token, &known) {
            Ok(verified) => return Ok(verified),
            Err(failure) => failure,
        };
        match self.documents.refresh(issuer, now).await {
            Ok(Some(fresh)) if fresh.signing_key(KEY) != known.signing_key(KEY) => {
                verify_with(token, &fresh)
            }
            // The same key, or no newer document to be had: the first answer stands.
            Ok(_) => Err(failure),
            Err(error) if error.is_transient() => Err(failure),
            Err(error) => Err(Error::Resolve(error)),
        }
    }
}

fn verify_with(token: &Checked<'_>, document: &DidDocument) -> Result<Verified, Error> {
    let no_key = |source| Error::Key {
        did: document.id().clone(),
        source,
    };
    let key = document.signing_key(KEY).map_err(no_key)?;
    let key = PublicKey::new(key).map_err(|source| {
        no_key(loggia_identity::KeyLookupError::Unusable {
            fragment: KEY.into(),
            source,
        })
    })?;
    token.verify_signature(&key)
}
