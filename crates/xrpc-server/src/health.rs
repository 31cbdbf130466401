//! `/xrpc/_health`: is the service able to answer.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use futures_util::future::BoxFuture;
use http::{HeaderValue, StatusCode, header};

use crate::{envelope, status};

/// One thing that must work, e.g. the database. An error's text is logged, not told to callers.
pub type HealthCheck = Arc<
    dyn Fn() -> BoxFuture<'static, Result<(), Box<dyn std::error::Error + Send + Sync>>>
        + Send
        + Sync,
>;

/// A registered check and what it checks.
pub(crate) struct Check {
    pub name: &'static str,
    pub check: HealthCheck,
}

/// Runs the checks one after the other and answers; the first that fails decides.
pub(crate) async fn answer(version: &str, checks: &[Check]) -> Response {
    for Check { name, check } in checks {
        if let Err(error) = check().await {
            let error = crate::stop::Chain(&*error).to_string();
            tracing::error!(check = name, error, "health check failed");
            let code = StatusCode::SERVICE_UNAVAILABLE;
            let message = format!("{name} does not work");
            return envelope::respond(code, status::name_of(code), Some(&message));
        }
    }
    let text = serde_json::json!({ "version": version }).to_string();
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
