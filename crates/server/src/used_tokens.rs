//! Tokens that were used, in the store that all of this server's processes share.
//!
//! That a token was used is on the disk before its caller hears anything. A call that writes need not wait
//! for the disk twice: what it writes is committed together with the token, see [`Replays::use_up`].

use std::cell::RefCell;

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use loggia_auth::replay::ReplayScope;
use loggia_auth::{Replay, ReplayError, ReplayStore, ServiceAuthError};
use loggia_storage::{Replays, StorageError, Used, UsedUp};
use loggia_xrpc::Rejection;
use loggia_xrpc_server::Refusal;
use tokio::task_local;

use crate::outage;

/// Tokens that were used.
pub struct UsedTokens(pub Replays);

task_local! {
    /// The tokens of the request that is being answered.
    static OF_REQUEST: RefCell<Vec<UsedUp>>;
}

impl ReplayStore for UsedTokens {
    async fn consume(
        &self,
        scope: ReplayScope,
        key: &str,
        not_after: Timestamp,
        _: Timestamp,
    ) -> Result<Replay, ReplayError> {
        match self.use_up(scope, key, not_after).await {
            Ok(Used::First) => Ok(Replay::Fresh),
            Ok(Used::Before) => Ok(Replay::Seen),
            Ok(Used::Full) => {
                let kept = self.0.most();
                tracing::warn!(
                    kept,
                    "no room for another used token: its caller is refused"
                );
                Err(ReplayError::Full(kept as usize))
            }
            Err(error) if error.is_outage() => {
                let cause = &error as &dyn std::error::Error;
                tracing::error!(
                    cause,
                    "used tokens cannot be kept: their callers are refused"
                );
                Err(ReplayError::Away(error.into()))
            }
            Err(error) => Err(ReplayError::Failed(error.into())),
        }
    }
}

impl UsedTokens {
    async fn use_up(
        &self,
        scope: ReplayScope,
        key: &str,
        not_after: Timestamp,
    ) -> Result<Used, StorageError> {
        let used_up = self.0.use_up(scope.as_str(), key, not_after).await?;
        let used = used_up.used();
        let mut used_up = (used == Used::First).then_some(used_up);
        let kept_later = OF_REQUEST.try_with(|all| all.borrow_mut().extend(used_up.take()));
        match (kept_later, used_up) {
            // Nobody who answers a request asks.
            (Err(_), Some(used_up)) => self.0.keep(used_up).await,
            _ => Ok(used),
        }
    }
}

/// Answers once the request's tokens are on the disk, and refuses it if they cannot be.
pub async fn keep(State(replays): State<Replays>, request: Request, next: Next) -> Response {
    let answering = async {
        let response = next.run(request).await;
        (response, OF_REQUEST.with(RefCell::take))
    };
    let (response, all) = OF_REQUEST.scope(RefCell::default(), answering).await;
    for used_up in all {
        let refusal = match replays.keep(used_up).await {
            Ok(Used::First) => continue,
            Ok(Used::Before | Used::Full) => replayed(),
            Err(error) => outage::refuse(&error),
        };
        return instead_of(response, refusal);
    }
    response
}

fn replayed() -> Refusal {
    let error = ServiceAuthError::Replayed;
    Rejection::new(error.status(), error.name(), error.to_string()).into()
}

/// The refusal, with those headers of the response that it has none of its own for.
fn instead_of(response: Response, refusal: Refusal) -> Response {
    let mut headers = response.into_parts().0.headers;
    headers.remove(header::CONTENT_LENGTH);
    let mut refused = refusal.into_response();
    headers.extend(std::mem::take(refused.headers_mut()));
    *refused.headers_mut() = headers;
    refused
}
