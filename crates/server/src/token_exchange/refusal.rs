//! How a token endpoint says no (RFC 6749 §5.2).

use std::error::Error;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use loggia_auth::service_auth::ServiceAuthError;
use loggia_auth::{ProofError, ReplayError};
use loggia_xrpc_server::Refusal;
use serde_json::json;

use super::METHOD;

/// An error response on its way.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    error: &'static str,
    description: String,
    challenge: Option<String>,
    wait: Option<u64>,
}

impl Refused {
    fn new(status: StatusCode, error: &'static str, description: impl Into<String>) -> Self {
        Self {
            status,
            error,
            description: description.into(),
            challenge: None,
            wait: None,
        }
    }

    /// Something is wrong with the request. RFC 8693 (§2.2.2) has this name for subject tokens that
    /// are not taken as well.
    pub fn request(description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", description)
    }

    /// Another verb than the path has.
    pub fn verb() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "invalid_request",
            "this path has other methods, which the header Allow names",
        )
    }

    /// Another grant than the one there is.
    pub fn grant(only: &str) -> Self {
        let description = format!("grant_type must be {only}");
        Self::new(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            description,
        )
    }

    /// A scope that is none, or not to be had here.
    pub fn scope(description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_scope", description)
    }

    /// A token for somebody else is asked for.
    pub fn target() -> Self {
        let description = "tokens are issued for this server only";
        Self::new(StatusCode::BAD_REQUEST, "invalid_target", description)
    }

    /// Too many requests of one caller.
    pub fn too_many(wait: u64) -> Self {
        let mut refused = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "slow_down",
            format!("too many exchanges; try again in {wait} seconds"),
        );
        refused.wait = Some(wait);
        refused
    }

    /// Too many requests at once, of everybody or of this caller, or one that took too long.
    pub fn busy() -> Self {
        let mut refused = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "temporarily_unavailable",
            "try again soon",
        );
        refused.wait = Some(1);
        refused
    }

    /// Our own fault, logged here with its causes and told to nobody.
    pub fn internal(error: &(dyn Error + 'static)) -> Self {
        tracing::error!(error, "a token exchange failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            "Internal Server Error",
        )
    }
}

/// A subject token that proves nobody.
impl From<ServiceAuthError> for Refused {
    fn from(error: ServiceAuthError) -> Self {
        let (status, name, message) = error.answer();
        match status {
            500 => Self::internal(&error),
            502 => Self::new(StatusCode::BAD_GATEWAY, "temporarily_unavailable", message),
            503 => Self::busy(),
            _ if matches!(error, ServiceAuthError::Method) => Self::request(format!(
                "subject_token: {name}: {message}: it must be {METHOD}"
            )),
            _ => Self::request(format!("subject_token: {name}: {message}")),
        }
    }
}

/// A proof that proves nothing.
impl From<ProofError> for Refused {
    fn from(error: ProofError) -> Self {
        match &error {
            ProofError::Replay(ReplayError::Failed(_)) => Self::internal(&error),
            ProofError::Replay(ReplayError::Full(_)) => Self::busy(),
            _ => Self::new(StatusCode::BAD_REQUEST, error.oauth_name(), error.told()),
        }
    }
}

/// An `X-Client-Key` that is not as it must be.
impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let rejection = refusal.rejection();
        let (status, error) = match rejection.status {
            401 => (StatusCode::UNAUTHORIZED, "invalid_client"),
            500.. => (StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
            _ => (StatusCode::FORBIDDEN, "unauthorized_client"),
        };
        let mut refused = Self::new(status, error, &rejection.message);
        let mut headers = rejection.headers.iter();
        refused.challenge = headers
            .find(|(name, _)| name.eq_ignore_ascii_case("www-authenticate"))
            .map(|(_, value)| value.clone());
        refused
    }
}

impl From<Refused> for Response {
    fn from(refused: Refused) -> Self {
        let body = json!({
            "error": refused.error,
            "error_description": readable(&refused.description),
        });
        let mut response = (refused.status, Json(body)).into_response();
        let headers = response.headers_mut();
        if let Some(wait) = refused.wait {
            headers.insert(header::RETRY_AFTER, wait.into());
        }
        let challenge = refused.challenge.as_deref().map(HeaderValue::from_str);
        if let Some(Ok(challenge)) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// A description with the characters that it may have: printable ASCII without quotes and
/// backslashes.
fn readable(text: &str) -> String {
    let fits = |c: &char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
    text.chars().filter(fits).collect()
}
