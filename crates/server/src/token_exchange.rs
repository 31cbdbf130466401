//! Token exchange (RFC 8693): service auth for the method [`METHOD`] of this server, and a DPoP
//! proof, become an access token of ours that is bound to the proof's key.
//!
//! So an app whose user's PDS mints service auth for it asks the PDS once in ten minutes, and not
//! for every call. Whoever lets an app have service auth for [`METHOD`] lets it act here.

mod exchange;
mod form;
mod metadata;
mod refusal;
mod scope;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use loggia_auth::Nonces;
use loggia_auth::dpop::Target;
use loggia_callers::Callers;
use loggia_delivery::{Clock as _, SystemClock};
use loggia_storage::Replays;
use loggia_xrpc_server::{Allowance, KeyFunction, RateLimit, RateLimiter};

use crate::api_clients::ClientGate;
use crate::at_once::AtOnce;
use crate::origin::Origin;
use crate::own_tokens::OwnTokens;
use refusal::Refused;

/// The method that service auth must name to be exchanged. It is called at [`TOKEN_PATH`] and is no
/// XRPC method of its own.
pub const METHOD: &str = "dev.loggia.oauth.exchangeToken";

/// Where tokens are exchanged.
pub const TOKEN_PATH: &str = "/oauth/token";

/// Where the keys are that verify access tokens.
pub const KEYS_PATH: &str = "/oauth/token-keys.json";

/// Exchanges of one caller within a minute: a server that acts for many accounts, each of which
/// needs one in ten minutes.
const PER_MINUTE: u32 = 300;

/// Callers that the limit tells apart.
const CALLERS: usize = 65_536;

/// Exchanges at the same time; each may wait for somebody's DID document.
const AT_ONCE: usize = 256;

/// How many of them may be of one caller, who may have named a host that never answers.
const AT_ONCE_OF_ONE: usize = 16;

/// How long a body may take to arrive. 5 s: 16 KiB over 3 KB/s.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an exchange may take altogether, as for methods.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The header in which nonces are handed out.
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// What an exchange needs. Cheap to clone.
#[derive(Clone)]
pub struct TokenExchange(Arc<Shared>);

struct Shared {
    origin: Origin,
    target: Target,
    callers: Callers,
    used: Replays,
    nonces: Nonces,
    tokens: OwnTokens,
    gate: ClientGate,
    issuers: Vec<String>,
    limiter: RateLimiter,
    at_once: AtOnce,
}

/// The parts of a server that an exchange uses.
pub struct ExchangeParts {
    /// Proves service auth.
    pub callers: Callers,
    /// Keeps which proofs were used.
    pub used: Replays,
    /// Hands out nonces.
    pub nonces: Nonces,
    /// Issues access tokens.
    pub tokens: OwnTokens,
    /// Knows API clients.
    pub gate: ClientGate,
    /// Who else issues access tokens that are taken here.
    pub issuers: Vec<String>,
    /// Tells callers apart.
    pub rate_key: KeyFunction,
}

impl TokenExchange {
    /// Token exchange at a server of this origin.
    pub fn new(origin: &Origin, parts: ExchangeParts) -> Self {
        let limit = RateLimit::new(PER_MINUTE, Duration::from_secs(60));
        let target = Target::parse(&format!("{}{TOKEN_PATH}", origin.url));
        Self(Arc::new(Shared {
            origin: origin.clone(),
            target: target.expect("an origin and a path make an http URL"),
            callers: parts.callers,
            used: parts.used,
            nonces: parts.nonces,
            tokens: parts.tokens,
            gate: parts.gate,
            issuers: parts.issuers,
            limiter: RateLimiter::new(&[limit], CALLERS, parts.rate_key),
            at_once: AtOnce::new(AT_ONCE_OF_ONE, AT_ONCE),
        }))
    }

    /// The token endpoint, and the documents that describe it.
    pub fn router(self) -> Router {
        Router::new()
            .route(TOKEN_PATH, post(token).options(preflight))
            .route(KEYS_PATH, get(metadata::keys))
            .route(
                "/.well-known/oauth-authorization-server",
                get(metadata::authorization_server),
            )
            .route(
                "/.well-known/oauth-protected-resource",
                get(metadata::protected_resource),
            )
            .method_not_allowed_fallback(wrong_verb)
            .with_state(self)
    }
}

/// `POST /oauth/token`
async fn token(State(exchange): State<TokenExchange>, request: Request<Body>) -> Response {
    let now = SystemClock.now();
    let (mut parts, body) = request.into_parts();
    let mut allowance = exchange.0.limiter.count(&parts);
    let mut response = match &allowance {
        Some(allowance) if !allowance.is_left() => Refused::too_many(allowance.wait()).into(),
        _ => {
            exchange
                .0
                .answer(&mut parts, body, now, &mut allowance)
                .await
        }
    };
    let headers = response.headers_mut();
    if let Some(allowance) = allowance {
        allowance.write(headers);
    }
    exchange.0.finish(headers, now);
    response
}

/// Another verb than the path has; axum names those that it has in `Allow`.
async fn wrong_verb(State(exchange): State<TokenExchange>) -> Response {
    let mut response = Response::from(Refused::verb());
    exchange.0.finish(response.headers_mut(), SystemClock.now());
    response
}

/// A browser asks before it sends a proof to another origin.
async fn preflight() -> impl IntoResponse {
    (
        axum::http::StatusCode::NO_CONTENT,
        [
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
            (
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                "content-type, dpop, x-client-key",
            ),
            (header::ACCESS_CONTROL_MAX_AGE, "86400"),
        ],
    )
}

impl Shared {
    /// An exchange within its time.
    async fn answer(
        &self,
        parts: &mut axum::http::request::Parts,
        body: Body,
        now: Timestamp,
        allowance: &mut Option<Allowance>,
    ) -> Response {
        let exchange = self.exchange(parts, body, now, allowance);
        match tokio::time::timeout(TIMEOUT, exchange).await {
            Ok(Ok(issued)) => issued.into_response(),
            Ok(Err(refused)) => refused.into(),
            Err(_elapsed) => Refused::busy().into(),
        }
    }

    /// What every answer has: tokens are stored nowhere on their way (RFC 6749 §5.1), pages of any
    /// origin may read the answer, and there is always a nonce for the next request.
    fn finish(&self, headers: &mut HeaderMap, now: Timestamp) {
        for (name, value) in [
            (header::CACHE_CONTROL, "no-store"),
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            (
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                "dpop-nonce, www-authenticate, retry-after, ratelimit-limit, ratelimit-policy, \
                 ratelimit-remaining, ratelimit-reset",
            ),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let nonce = HeaderValue::try_from(self.nonces.current(now));
        headers.insert(DPOP_NONCE, nonce.expect("base64url is header text"));
    }
}
