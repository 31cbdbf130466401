//! `/api/webhook` and `/api/secret`: Wisp's routes for a person who is logged in with a browser.
//!
//! They keep nothing of webhooks themselves: records are read and written at the person's PDS, in their
//! name.

mod answer;
mod events;
mod mutations;
mod record;
mod secrets;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef, Request};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use loggia_storage::Storage;
use loggia_xrpc_client::AddressGuard;

use super::{SecretDesk, Version};
use crate::config::Config;
use crate::login::People;
use crate::wisp_registry::Bell;
use answer::Refused;
use mutations::Mutations;

/// The longest body that is read, in bytes: a record has less than half of it.
const LONGEST_BODY: usize = 16 * 1024;

/// How long an answer may take: a few calls of a PDS fit.
const LONGEST_ANSWER: Duration = Duration::from_secs(60);

/// What the routes share.
#[derive(Clone, FromRef)]
pub struct Rest {
    people: People,
    secrets: SecretDesk,
    #[from_ref(skip)]
    storage: Storage,
    #[from_ref(skip)]
    guard: AddressGuard,
    #[from_ref(skip)]
    version: Version,
    /// Who reads records back, if anybody does.
    #[from_ref(skip)]
    bell: Option<Bell>,
    #[from_ref(skip)]
    mutations: Arc<Mutations>,
}

impl Rest {
    /// The routes of a server with these settings.
    pub(crate) fn new(
        config: &Config,
        people: &People,
        secrets: &SecretDesk,
        storage: &Storage,
        bell: Option<Bell>,
    ) -> Self {
        Self {
            people: people.clone(),
            secrets: secrets.clone(),
            storage: storage.clone(),
            guard: config.guard(),
            version: config.wisp_version,
            bell,
            mutations: Arc::default(),
        }
    }
}

/// The routes.
pub fn router(rest: Rest) -> Router {
    Router::new()
        .route("/api/webhook", get(webhooks::list).post(webhooks::create))
        .route("/api/webhook/{rkey}", delete(webhooks::remove))
        .route("/api/webhook/events", get(events::list))
        .route("/api/secret", get(secrets::list).post(secrets::create))
        .route("/api/secret/{name}", delete(secrets::remove))
        .route("/api/secret/{name}/rotate", post(secrets::rotate))
        .layer(middleware::from_fn(in_time))
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .with_state(rest)
}

/// No answer takes for ever, and none is kept by caches.
async fn in_time(request: Request, next: Next) -> Response {
    let answered = tokio::time::timeout(LONGEST_ANSWER, next.run(request)).await;
    let response = answered.unwrap_or_else(|_| Refused::Slow.into_response());
    answer::uncached(response)
}
