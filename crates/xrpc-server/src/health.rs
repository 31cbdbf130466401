//! `/xrpc/_health`: is the service able to answer.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use futures_util::future::BoxFuture;
use http::{HeaderValue, StatusCode, header};

use crate::{envelope, status};

/// What a check has to tell when all is well: fields beside `version`, for everybody to see.
pub type HealthFields = serde_json::Map<String, serde_json::Value>;

/// One thing that must work, e.g. the database. An error's text is logged, not told to callers.
pub type HealthCheck = Arc<
    dyn Fn() -> BoxFuture<'static, Result<HealthFields, Box<dyn std::error::Error + Send + Sync>>>
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
    let mut fields = HealthFields::from_iter([("version".to_owned(), version.into())]);
    for Check { name, check } in checks {
        match check().await {
            Ok(more) => fields.extend(more),
            Err(error) => {
                let error = crate::stop::Chain(&*error).to_string();
                tracing::error!(check = name, error, "health check failed");
                let code = StatusCode::SERVICE_UNAVAILABLE;
                let message = format!("{name} does not work");
                return envelope::respond(code, status::name_of(code), Some(&message));
            }
        }
    }
    let text = serde_json::Value::Object(fields).to_string();
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
