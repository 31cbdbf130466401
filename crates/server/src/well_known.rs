//! DID documents that this server publishes: its own, and in development those of its accounts.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use loggia_identity::DidDocument;

use crate::dev::DevAccounts;
use crate::origin::Origin;

/// What is published.
#[derive(Clone)]
pub struct Published {
    /// The server itself.
    pub origin: Origin,
    /// Development accounts, if this server is for development.
    pub accounts: Option<DevAccounts>,
}

/// The routes under `/.well-known`.
pub fn router(published: Published) -> Router {
    Router::new()
        .route("/.well-known/did.json", get(did_json))
        .route("/.well-known/atproto-did", get(atproto_did))
        .with_state(published)
}

async fn did_json(State(published): State<Published>, headers: HeaderMap) -> Response {
    match published.document(&headers) {
        Some(document) => Json(document.to_json()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn atproto_did(State(published): State<Published>, headers: HeaderMap) -> Response {
    match published.document(&headers) {
        Some(document) => document.id().as_str().to_owned().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

impl Published {
    fn document(&self, headers: &HeaderMap) -> Option<DidDocument> {
        let host = headers.get(header::HOST)?.to_str().ok()?;
        if host == self.origin.host() {
            return Some(self.origin.document());
        }
        self.accounts.as_ref()?.document(host)
    }
}
