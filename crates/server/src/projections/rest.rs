//! The same beside XRPC: the paths, keys and bodies that clients of Hapnd know.

mod caller;
mod events;
mod notifications;
mod refuse;
mod socket;
mod upload;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
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
    streams: Arc<Semaphore>,
}

impl Rest {
    /// Routes for the clients that `gate` knows; each address has so many calls a minute.
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
            streams: Arc::new(Semaphore::new(MOST_STREAMS)),
        }
    }

    /// The routes.
    pub fn router(self) -> Router {
        Router::new()
            .route("/events", post(events::append))
            .route("/events/batch", post(events::append_batch))
            .route("/events/{aggregate}", get(events::list))
            .route("/projections/upload", post(upload::upload))
            .route("/projections/{id}/notifications", get(notifications::list))
            .route("/projections/{id}/subscribe", get(socket::subscribe))
            .route("/webhooks/rotate", post(notifications::rotate_shared))
            .route(
                "/projections/{id}/webhook/rotate",
                post(notifications::rotate),
            )
            .layer(DefaultBodyLimit::max(MOST_BODY))
            .with_state(self)
    }
}
