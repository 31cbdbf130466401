//! The XRPC error envelope `{"error", "message"}`, written in one place.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use loggia_xrpc::Rejection;
use serde::Serialize;

use crate::{status, stop};

#[derive(Serialize)]
struct Envelope<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

/// Marks a response that already carries the envelope.
#[derive(Clone, Copy)]
pub(crate) struct Enveloped;

/// An error response: status, name on the wire, message for people.
pub(crate) fn respond(code: StatusCode, error: &str, message: Option<&str>) -> Response {
    let text =
        serde_json::to_vec(&Envelope { error, message }).expect("two strings are always JSON");
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = code;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response.extensions_mut().insert(Enveloped);
    response
}

/// The response of a [`Rejection`], with its extra headers.
pub(crate) fn reject(rejection: &Rejection) -> Response {
    let code = error_status(rejection.status, StatusCode::BAD_REQUEST);
    let mut response = respond(code, rejection.error, Some(&rejection.message));
    for (name, value) in &rejection.headers {
        let header = HeaderName::from_bytes(name.as_bytes())
            .ok()
            .zip(HeaderValue::from_str(value).ok());
        match header {
            Some((name, value)) => {
                response.headers_mut().append(name, value);
            }
            None => tracing::error!(header = name, "rejection has a header that cannot be sent"),
        }
    }
    response
}

/// The answer to everything internal.
pub(crate) fn internal() -> Response {
    respond(
        StatusCode::INTERNAL_SERVER_ERROR,
        status::INTERNAL,
        Some(status::INTERNAL_MESSAGE),
    )
}

/// The answer when the same may go better in a moment.
pub(crate) fn busy(message: &str) -> Response {
    reject(&try_again(message))
}

fn try_again(message: &str) -> Rejection {
    let code = StatusCode::SERVICE_UNAVAILABLE;
    Rejection::new(code.as_u16(), status::name_of(code), message).header("retry-after", "1")
}

/// What is said when something that the service needs is away.
pub(crate) const AWAY: &str = "something that this service needs is away; try again soon";

/// This status if it is one of an error, else the other.
pub(crate) fn error_status(code: u16, otherwise: StatusCode) -> StatusCode {
    StatusCode::from_u16(code)
        .ok()
        .filter(|code| code.is_client_error() || code.is_server_error())
        .unwrap_or(otherwise)
}

/// What an extractor of an XRPC service rejects with: a [`Rejection`] that axum can answer.
///
/// ```text
/// impl<S: Sync> FromRequestParts<S> for Caller {
///     type Rejection = Refusal;
///     …
/// }
/// ```
#[derive(Debug)]
pub struct Refusal(Rejection);

impl Refusal {
    /// 500, with the error and its causes logged here and nothing of them told to the caller.
    ///
    /// For what is not the caller's fault, e.g. a database that does not answer.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        stop::log_internal(error);
        Self(Rejection::new(
            500,
            status::INTERNAL,
            status::INTERNAL_MESSAGE,
        ))
    }

    /// 503, for an outage that will pass: logged as [`Refusal::internal`] does, and the caller is asked
    /// to try again.
    pub fn away(error: &(dyn std::error::Error + 'static)) -> Self {
        stop::log_internal(error);
        Self(try_again(AWAY))
    }

    /// The rejection inside.
    pub fn rejection(&self) -> &Rejection {
        &self.0
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self(rejection)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        reject(&self.0)
    }
}
