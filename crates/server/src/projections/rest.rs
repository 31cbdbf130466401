//! The same beside XRPC: the paths, keys and bodies that clients of Hapnd know.

mod caller;
mod config;
mod events;
mod managing;
mod notifications;
mod object;
mod refuse;
mod socket;
mod upload;
mod web;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};
use loggia_xrpc_server::{KeyFunction, RateLimit, RateLimiter};
use tokio::sync::Semaphore;

use crate::api_clients::ClientGate;
use crate::projections::ProjectionDesk;

/// Bytes of a body, as for methods: a batch of events, or a program with its configuration.
const MOST_BODY: usize = 1 << 20;
/// Callers that the limit tells apart.
const CALLERS: usize = 65_536;
/// Streams that are open at once: each costs some twenty kilobytes.
const MOST_STREAMS: usize = 12_000;

/// What the routes use. Cheap to clone.
#[derive(Clone)]
pub struct Rest {
    desk: ProjectionDesk,
    gate: ClientGate,
    limiter: Arc<RateLimiter>,
    per_minute: u32,
    streams: Arc<Semaphore>,
}

impl Rest {
    /// Routes for the clients that `gate` knows. So many calls a minute has each client that was made
    /// without a number of its own, and each address that shows no key of one.
    pub fn new(
        desk: ProjectionDesk,
        gate: ClientGate,
        per_minute: u32,
        rate_key: KeyFunction,
    ) -> Self {
        let limit = RateLimit::new(per_minute, std::time::Duration::from_secs(60));
        Self {
            desk,
            gate,
            limiter: Arc::new(RateLimiter::new(&[limit], CALLERS, rate_key)),
            per_minute,
            streams: Arc::new(Semaphore::new(MOST_STREAMS)),
        }
    }

    /// The routes.
    pub fn router(self) -> Router {
        Router::new()
            .route("/events", post(events::append))
            .route("/events/batch", post(events::append_batch))
            .route("/events/{aggregate}", get(events::list))
            .route("/projections", get(managing::list))
            .route("/projections/upload", post(upload::upload))
            .route(
                "/projections/{id}",
                get(managing::get).delete(managing::delete),
            )
            .route("/projections/{id}/reactivate", post(managing::reactivate))
            .route("/projections/{id}/notifications", get(notifications::list))
            .route("/projections/{id}/subscribe", get(socket::subscribe))
            .route("/webhooks/rotate", post(notifications::rotate_shared))
            .route(
                "/projections/{id}/webhook/rotate",
                post(notifications::rotate),
            )
            .method_not_allowed_fallback(web::wrong_verb)
            .layer(middleware::from_fn(web::allow))
            .layer(DefaultBodyLimit::max(MOST_BODY))
            .with_state(self)
    }
}
