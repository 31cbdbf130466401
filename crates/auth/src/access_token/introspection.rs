//! Tokens of an issuer that is asked about each one (RFC 7662).

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use loggia_identity::{FetchError, Fetched};
use loggia_syntax::Did;
use serde::Deserialize;

use super::claims::{Audience, Confirmation};
use super::{AccessError as Error, AccessToken, AccessTokenVerifier, AnswerError, PresentedToken};
use super::{SEEN_TOKENS, Terms, Verifying};
use crate::bounded::Bounded;
use crate::jws::read_checked;
use crate::lifespan::{Times, moment};

/// The largest answer that is read.
pub const LARGEST_ANSWER: usize = 16 * 1024;

/// Whoever can ask an issuer about a token: one POST to its introspection endpoint, as a client that
/// the issuer knows, of whose answer at most [`LARGEST_ANSWER`] bytes are taken.
pub trait Introspect: Send + Sync + 'static {
    /// Asks about one token; any status is an answer.
    fn introspect(&self, token: &str) -> impl Future<Output = Result<Fetched, FetchError>> + Send;
}

/// Verifies tokens by asking. The issuer answers for its own tokens: `iss` and `aud` may be missing
/// in what it says, and are compared where they are there.
#[derive(Debug)]
pub struct IntrospectedAccessTokens<I> {
    terms: Terms,
    ask: I,
    keep: SignedDuration,
    seen: std::sync::Mutex<Answers>,
}

/// By the SHA-256 of the token, with the time of the answer.
type Answers = Bounded<[u8; 32], (Timestamp, Arc<AccessToken>)>;

#[derive(Deserialize)]
struct Answer {
    active: bool,
    iss: Option<String>,
    aud: Option<Audience>,
    sub: Option<String>,
    exp: Option<i64>,
    iat: Option<i64>,
    nbf: Option<i64>,
    jti: Option<String>,
    scope: Option<String>,
    client_id: Option<String>,
    cnf: Option<Confirmation>,
}

impl<I: Introspect> IntrospectedAccessTokens<I> {
    /// The longest time for which an answer may be kept.
    pub const MOST_KEEP: SignedDuration = SignedDuration::from_secs(60);

    /// Asks about every token, every time.
    pub fn new(terms: Terms, ask: I) -> Self {
        Self {
            terms,
            ask,
            keep: SignedDuration::ZERO,
            seen: std::sync::Mutex::new(Bounded::new(SEEN_TOKENS)),
        }
    }

    /// Keeps the answer that a token is active for a time, at most [`MOST_KEEP`](Self::MOST_KEEP);
    /// for so long a revocation goes unnoticed.
    #[must_use]
    pub fn keep(mut self, time: SignedDuration) -> Self {
        self.keep = time.clamp(SignedDuration::ZERO, Self::MOST_KEEP);
        self
    }

    async fn verify_now(
        &self,
        token: PresentedToken<'_>,
        now: Timestamp,
    ) -> Result<Arc<AccessToken>, Error> {
        let digest = *token.hashed().sha256();
        if let Some(known) = self.known(&digest, now) {
            self.terms.check_still_valid(&known, now)?;
            return Ok(known);
        }
        let fetched = self
            .ask
            .introspect(token.as_str())
            .await
            .map_err(Error::Ask)?;
        let token = Arc::new(self.read(&fetched, now)?);
        if !self.keep.is_zero() {
            self.lock().insert(digest, (now, Arc::clone(&token)));
        }
        Ok(token)
    }

    fn read(&self, fetched: &Fetched, now: Timestamp) -> Result<AccessToken, Error> {
        if fetched.status != 200 {
            return Err(Error::Answer(AnswerError::Status(fetched.status)));
        }
        let answer: Answer = read_checked(&fetched.body, "answer")
            .map_err(|error| Error::Answer(AnswerError::Json(error)))?;
        if !answer.active {
            return Err(Error::Inactive);
        }
        if answer.iss.is_some_and(|iss| iss != self.terms.issuer) {
            return Err(Error::Issuer);
        }
        if let Some(audience) = &answer.aud {
            self.terms.check_audience(audience)?;
        }
        let exp = answer.exp.ok_or(Error::Unsaid("exp"))?;
        let times = Times {
            iat: answer.iat,
            nbf: answer.nbf,
            exp,
        };
        self.terms.check_times(times, now)?;
        let scope = answer.scope.unwrap_or_default();
        self.terms.check_scope(&scope)?;
        let subject = answer.sub.ok_or(Error::Unsaid("sub"))?;
        Ok(AccessToken {
            issuer: self.terms.issuer.clone(),
            subject: Did::new(subject).map_err(Error::Subject)?,
            client: answer.client_id,
            scope,
            thumbprint: answer.cnf.ok_or(Error::Unsaid("cnf"))?.jkt,
            id: answer.jti,
            expires: moment(exp),
        })
    }

    fn known(&self, digest: &[u8; 32], now: Timestamp) -> Option<Arc<AccessToken>> {
        let mut seen = self.lock();
        let (since, token) = seen.get(digest)?;
        let fresh = now.duration_since(*since) <= self.keep;
        fresh.then(|| Arc::clone(token))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Answers> {
        // Nothing panics while it is held; and a lost entry costs one question.
        self.seen
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl<I: Introspect> AccessTokenVerifier for IntrospectedAccessTokens<I> {
    fn issuer(&self) -> &str {
        &self.terms.issuer
    }

    fn takes_opaque(&self) -> bool {
        true
    }

    fn verify<'a>(&'a self, token: PresentedToken<'a>, now: Timestamp) -> Verifying<'a> {
        Box::pin(self.verify_now(token, now))
    }
}
