//! The whole way from a token to a proved caller.

use jiff::Timestamp;
use loggia_identity::ResolveDid;

use super::{Checked, Expected, KEY, ServiceAuthError as Error, Unverified, Verified};
use crate::key::PublicKey;
use crate::replay::{Replay, ReplayScope, ReplayStore};
use crate::signer::{Signer, SignerFault};

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
        self.verify_signature(&checked, expected.now).await?;
        let verified = checked.into_verified();
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

    async fn verify_signature(&self, token: &Checked<'_>, now: Timestamp) -> Result<(), Error> {
        let signer = Signer {
            did: token.issuer(),
            fragment: KEY,
        };
        let signed = |key: &PublicKey| token.is_signed_by(key);
        match signer.find(&self.documents, now, signed).await {
            Ok(((), _)) => Ok(()),
            Err(SignerFault::Resolve(error)) => Err(Error::Resolve(error)),
            Err(SignerFault::Key(source)) => Err(Error::Key {
                did: token.issuer().clone(),
                source,
            }),
            Err(SignerFault::Signature(bad)) => Err(Error::Signature(bad)),
        }
    }
}
