//! Which verifier a token is held to.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use jiff::Timestamp;

use super::{AccessError as Error, AccessToken, PresentedToken};
use crate::hashed::HashedToken;

/// A verification under way.
pub type Verifying<'a> = Pin<Box<dyn Future<Output = Result<Arc<AccessToken>, Error>> + Send + 'a>>;

/// Whoever can say what an access token of one issuer is worth.
pub trait AccessTokenVerifier: Send + Sync + 'static {
    /// The issuer, exactly as in `iss`.
    fn issuer(&self) -> &str;

    /// Whether it also takes tokens that are no JWS, which name no issuer.
    fn takes_opaque(&self) -> bool {
        false
    }

    /// What is known of a token that was verified before, if nothing but the time can have changed
    /// since: its answer now. None if the token has to be verified.
    fn recall(
        &self,
        _token: &PresentedToken<'_>,
        _now: Timestamp,
    ) -> Option<Result<Arc<AccessToken>, Error>> {
        None
    }

    /// Verifies a token: everything but the proof that goes with it.
    fn verify<'a>(&'a self, token: PresentedToken<'a>, now: Timestamp) -> Verifying<'a>;
}

/// The verifiers that are configured. A token whose issuer is not among theirs is refused.
#[derive(Default)]
pub struct AccessTokens {
    verifiers: Vec<Box<dyn AccessTokenVerifier>>,
}

impl AccessTokens {
    /// None: every token is refused.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, and one more. Of two for the same issuer the first is asked.
    #[must_use]
    pub fn with(mut self, verifier: impl AccessTokenVerifier) -> Self {
        self.verifiers.push(Box::new(verifier));
        self
    }

    /// Verifies a token under the issuer that it names, and under that one only.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Arc<AccessToken>, Error> {
        self.verify_hashed(HashedToken::new(token), now).await
    }

    pub(super) async fn verify_hashed(
        &self,
        token: HashedToken<'_>,
        now: Timestamp,
    ) -> Result<Arc<AccessToken>, Error> {
        let token = PresentedToken::whole(token)?;
        let recalled = self
            .verifiers
            .iter()
            .find_map(|one| one.recall(&token, now));
        if let Some(answer) = recalled {
            return answer;
        }
        let token = token.take_apart()?;
        let verifier = match token.unverified_issuer()? {
            Some(issuer) => self.verifiers.iter().find(|one| one.issuer() == issuer),
            None => self.verifiers.iter().find(|one| one.takes_opaque()),
        };
        match verifier {
            Some(verifier) => verifier.verify(token, now).await,
            None => Err(Error::UntrustedIssuer),
        }
    }
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.verifiers.iter().map(|one| one.issuer()))
            .finish()
    }
}
