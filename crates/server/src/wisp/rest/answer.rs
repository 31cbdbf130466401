//! What the routes answer, in the words of Wisp's.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use loggia_storage::StorageError;
use serde_json::{Value, json};

use crate::login::PdsError;
use crate::wisp::SecretError;

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    /// The body is no webhook, or none that could be told.
    #[error("Invalid webhook request")]
    Webhook(String),
    /// The body is not what it should be.
    #[error("Invalid request")]
    Request(&'static str),
    /// The person has as many records as they may have.
    #[error("Webhook limit reached")]
    Limit,
    /// The same was done too often within a minute.
    #[error("Webhook mutation rate limit exceeded")]
    TooOften {
        /// Seconds until it may be done again.
        wait: i64,
    },
    /// A secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The person's PDS, or the way there.
    #[error("Your server did not do it")]
    Pds(#[from] PdsError),
    /// The store.
    #[error("Something went wrong here")]
    Storage(#[from] StorageError),
    /// It took too long.
    #[error("Your server took too long")]
    Slow,
}

impl Refused {
    fn status(&self) -> StatusCode {
        match self {
            Self::Webhook(_) | Self::Request(_) | Self::Secret(SecretError::Name) => {
                StatusCode::BAD_REQUEST
            }
            Self::Limit | Self::TooOften { .. } | Self::Secret(SecretError::TooMany) => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::Secret(SecretError::Exists) => StatusCode::CONFLICT,
            Self::Secret(SecretError::NotFound) => StatusCode::NOT_FOUND,
            Self::Pds(PdsError::LoggedOut) => StatusCode::UNAUTHORIZED,
            Self::Pds(PdsError::Session(_)) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Pds(_) => StatusCode::BAD_GATEWAY,
            Self::Slow => StatusCode::GATEWAY_TIMEOUT,
            Self::Storage(_) | Self::Secret(SecretError::Storage(_)) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    /// What is said beside the error's own words.
    fn message(&self) -> Option<&str> {
        match self {
            Self::Webhook(reason) => Some(reason),
            Self::Request(reason) => Some(reason),
            Self::Pds(PdsError::LoggedOut) => Some("log in at /login first"),
            _ => None,
        }
    }
}

impl IntoResponse for Refused {
    /// `{"success":false,"error":…}`; the causes of what is not the person's fault are logged here.
    fn into_response(self) -> Response {
        let status = self.status();
        let error = &self as &dyn std::error::Error;
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(error, "a request of a person failed here");
        } else if status.is_server_error() {
            tracing::info!(error, "a request of a person failed at their server");
        }
        let told = match status {
            StatusCode::INTERNAL_SERVER_ERROR => "Something went wrong here".to_owned(),
            _ => self.to_string(),
        };
        let mut body = json!({ "success": false, "error": told });
        if let Some(message) = self.message() {
            body["message"] = message.into();
        }
        let mut response = (status, Json(body)).into_response();
        if let Self::TooOften { wait } = self {
            let wait = HeaderValue::from(wait);
            response.headers_mut().insert(header::RETRY_AFTER, wait);
        }
        response
    }
}

/// What a route answers.
pub(super) type Answer = Result<Json<Value>, Refused>;

/// `{"success":true}` and these members.
pub(super) fn success(mut members: Value) -> Answer {
    members["success"] = true.into();
    Ok(Json(members))
}

/// Nothing of this is for caches: it is a person's own, and some of it is secret.
pub(super) fn uncached(mut response: Response) -> Response {
    let value = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, value);
    response
}
