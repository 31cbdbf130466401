//! Who calls: proved by service auth before a handler runs.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use jiff::Timestamp;
use loggia_auth::service_auth::{Audiences, Expected, Limits, bearer};
use loggia_auth::{
    Replay, ReplayError, ReplayStore, ServiceAuth, ServiceAuthError, replay::ReplayScope,
};
use loggia_delivery::{Clock, SystemClock};
use loggia_identity::{CachedResolver, Resolver};
use loggia_storage::Replays;
use loggia_syntax::{Did, Nsid};
use loggia_xrpc::Rejection;
use loggia_xrpc_server::{MethodInfo, Refusal};

use crate::outgoing::Outgoing;

/// The account that calls, proved by a service-auth token for this method of this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller(pub Did);

/// What proves callers. Cheap to clone.
#[derive(Clone)]
pub struct Callers {
    proof: Arc<ServiceAuth<CachedResolver<Resolver<Outgoing>>, UsedTokens>>,
    audiences: Arc<[String]>,
}

impl Callers {
    /// Proves callers with the keys that `documents` finds, for these audiences.
    pub fn new(
        documents: CachedResolver<Resolver<Outgoing>>,
        used: Replays,
        audiences: Vec<String>,
    ) -> Self {
        let proof = ServiceAuth::new(documents, UsedTokens(used));
        Self {
            proof: Arc::new(proof),
            audiences: audiences.into(),
        }
    }

    async fn prove(&self, parts: &Parts) -> Result<Caller, ServiceAuthError> {
        let header = parts
            .headers
            .get(AUTHORIZATION)
            .map(|value| value.to_str().unwrap_or_default());
        let token = bearer(header)?;
        let method = parts.extensions.get::<MethodInfo>();
        let method = method
            .expect("every handler of the service runs within a method")
            .nsid;
        let expected = Expected {
            audiences: Audiences::OneOf(&self.audiences),
            method: &Nsid::from_static(method),
            now: SystemClock.now(),
            limits: Limits::default(),
        };
        let verified = self.proof.verify(token, &expected).await?;
        Ok(Caller(verified.issuer().clone()))
    }
}

impl<S: Sync> FromRequestParts<S> for Caller
where
    Callers: FromRef<S>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        Callers::from_ref(state)
            .prove(parts)
            .await
            .map_err(|error| refusal(&error))
    }
}

fn refusal(error: &ServiceAuthError) -> Refusal {
    let (status, name, message) = error.answer();
    if status == 500 {
        return Refusal::internal(error);
    }
    let rejection = Rejection::new(status, name, message);
    if status > 500 {
        return Refusal::from(rejection);
    }
    Refusal::from(rejection.header("WWW-Authenticate", "Bearer"))
}

/// Tokens that were used, in the store.
struct UsedTokens(Replays);

impl ReplayStore for UsedTokens {
    async fn consume(
        &self,
        scope: ReplayScope,
        key: &str,
        not_after: Timestamp,
        _: Timestamp,
    ) -> Result<Replay, ReplayError> {
        match self.0.consume(scope.as_str(), key, not_after).await {
            Ok(true) => Ok(Replay::Fresh),
            Ok(false) => Ok(Replay::Seen),
            Err(error) => Err(ReplayError::Failed(error.into())),
        }
    }
}
