//! DID documents that this server publishes: its own, and in development those of its accounts.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use loggia_identity::DidDocument;
use loggia_xrpc::Rejection;
use loggia_xrpc_server::Refusal;

use crate::dev::DevAccounts;
use crate::keys::Keyring;
use crate::origin::Origin;

/// What is published.
#[derive(Clone)]
pub struct Published {
    /// The server itself.
    pub origin: Origin,
    /// Its keys.
    pub keys: Keyring,
    /// Development accounts, if this server is for development.
    pub accounts: Option<DevAccounts>,
}

/// The routes under `/.well-known`.
pub fn router(published: Published) -> Router {
    Router::new()
        .route("/.well-known/did.json", get(did_json).fallback(only_get))
        .route(
            "/.well-known/atproto-did",
            get(atproto_did).fallback(only_get),
        )
        .with_state(published)
}

async fn did_json(
    State(published): State<Published>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let document = published.document(&headers).ok_or_else(nobody)?;
    // For programs in browsers as well, which resolve DIDs themselves.
    let anybody = [(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    Ok((anybody, Json(document.to_json())).into_response())
}

async fn atproto_did(
    State(published): State<Published>,
    headers: HeaderMap,
) -> Result<String, Refusal> {
    let document = published.document(&headers).ok_or_else(nobody)?;
    Ok(document.id().as_str().to_owned())
}

fn nobody() -> Refusal {
    Rejection::new(404, "NotFound", "nobody is known under this host").into()
}

async fn only_get() -> Refusal {
    let refused = Rejection::new(405, "MethodNotAllowed", "documents are read with GET");
    refused.header("allow", "GET, HEAD").into()
}

impl Published {
    /// A published server has one document, whatever a proxy in front makes of the `Host`.
    fn document(&self, headers: &HeaderMap) -> Option<DidDocument> {
        let Some(accounts) = &self.accounts else {
            return Some(self.origin.document(&self.keys.held()));
        };
        // Names of hosts are the same in any case, and those of documents are in lower case.
        let host = headers.get(header::HOST)?.to_str().ok()?;
        let host = host.to_ascii_lowercase();
        if host == self.origin.host() {
            return Some(self.origin.document(&self.keys.held()));
        }
        accounts.document(&host)
    }
}
