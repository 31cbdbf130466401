//! A listener of its own for whoever watches the process: `/health` and `/live`, on loopback.
//!
//! Counts and truths only, and nothing else is served there.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::record_stream::LiveStreams;
use crate::serve::{ServeError, listen};

/// The listener, which has its port already.
pub(crate) struct Probes {
    listener: TcpListener,
    streams: LiveStreams,
}

impl Probes {
    /// Listens on this port of loopback.
    pub(crate) async fn bind(port: u16, streams: LiveStreams) -> Result<Self, ServeError> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = listen(address, "HEALTH_PORT").await?;
        Ok(Self { listener, streams })
    }

    /// Answers until `shutdown` ends.
    pub(crate) async fn run(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let router = router(self.streams);
        let served = axum::serve(self.listener, router).with_graceful_shutdown(shutdown);
        served.await.map_err(ServeError::Serve)
    }
}

fn router(streams: LiveStreams) -> Router {
    Router::new()
        .route("/health", routing::get(health))
        .route("/live", routing::get(live))
        .with_state(streams)
}

/// Ready when every stream is live.
async fn health(State(streams): State<LiveStreams>) -> Response {
    let (status, code) = match streams.are_live() {
        true => ("healthy", StatusCode::OK),
        false => ("degraded", StatusCode::SERVICE_UNAVAILABLE),
    };
    answer(
        code,
        &json!({ "status": status, "streams": streams.shown() }),
    )
}

/// Whoever answers is alive.
async fn live() -> Response {
    answer(StatusCode::OK, &json!({ "status": "alive" }))
}

fn answer(code: StatusCode, body: &Value) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (code, headers, body.to_string()).into_response()
}
