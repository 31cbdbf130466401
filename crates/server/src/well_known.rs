//! DID documents that this server publishes: its own, and in development those of its accounts.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use loggia_identity::DidDocument;
use loggia_xrpc::Rejection;
use loggia_xrpc_server::Refusal;

use crate::keys::Keyring;
use crate::origin::Origin;
use crate::outage;
use crate::space_host::{AccountsError, HostedAccounts};

/// What is published.
#[derive(Clone)]
pub struct Published {
    /// The server itself.
    pub origin: Origin,
    /// Its keys.
    pub keys: Keyring,
    /// The accounts that it hosts.
    pub accounts: HostedAccounts,
    /// Whether it is for development.
    pub development: bool,
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
    let document = published.find(&headers).await?;
    // For programs in browsers as well, which resolve DIDs themselves.
    let anybody = [(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    Ok((anybody, Json(document.to_json())).into_response())
}

async fn atproto_did(
    State(published): State<Published>,
    headers: HeaderMap,
) -> Result<String, Refusal> {
    let document = published.find(&headers).await?;
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
    async fn find(&self, headers: &HeaderMap) -> Result<DidDocument, Refusal> {
        let found = self.document(headers).await;
        let found = found.map_err(|error| outage::refuse(&error))?;
        found.ok_or_else(nobody)
    }

    /// A published server shows its own document unless the `Host` is that of an account, whatever a
    /// proxy in front makes of it.
    async fn document(&self, headers: &HeaderMap) -> Result<Option<DidDocument>, AccountsError> {
        let own = || Some(self.origin.document(&self.keys.held()));
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let nobodys = if self.development { None } else { own() };
        let Some(host) = host else {
            return Ok(nobodys);
        };
        // Names of hosts are the same in any case, and those of documents are in lower case.
        let host = host.to_ascii_lowercase();
        if host == self.origin.host() {
            return Ok(own());
        }
        Ok(self.accounts.document(&host).await?.or(nobodys))
    }
}
