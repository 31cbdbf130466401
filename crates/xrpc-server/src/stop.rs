//! Why a call ended without an output, and how that is answered.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt::Write as _;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use loggia_xrpc::{DeclaredError, Failure, Rejection};

use crate::{envelope, status};

/// Why a call ended without an output.
pub struct Stop(pub(crate) Cause);

pub(crate) enum Cause {
    /// Bad input or bad credentials.
    Rejected(Rejection),
    /// The lexicon names it.
    Declared {
        status: u16,
        error: &'static str,
        message: Option<String>,
    },
    /// An extractor's own answer.
    Extractor(Box<Response>),
    /// Our fault.
    Internal(Box<dyn StdError + Send + Sync>),
}

impl Stop {
    pub(crate) fn extractor(rejection: impl IntoResponse) -> Self {
        Self(Cause::Extractor(Box::new(rejection.into_response())))
    }

    pub(crate) fn internal(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Cause::Internal(error.into()))
    }

    /// The response; logs what is internal. `is_outage` tells what may go better later.
    pub(crate) async fn respond(self, is_outage: IsOutage) -> Response {
        match self.0 {
            Cause::Rejected(rejection) => envelope::reject(&rejection),
            Cause::Declared {
                status,
                error,
                message,
            } => envelope::respond(
                envelope::error_status(status, StatusCode::BAD_REQUEST),
                error,
                message.as_deref(),
            ),
            Cause::Extractor(response) => enveloped(*response).await,
            Cause::Internal(error) => {
                log_internal(&*error);
                match is_outage(&*error) {
                    true => envelope::busy(envelope::AWAY),
                    false => envelope::internal(),
                }
            }
        }
    }
}

/// See [`Settings::is_outage`](crate::Settings::is_outage).
pub(crate) type IsOutage = fn(&(dyn StdError + 'static)) -> bool;

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Self {
        Self(Cause::Rejected(rejection))
    }
}

impl<E: DeclaredError> From<Failure<E>> for Stop {
    fn from(failure: Failure<E>) -> Self {
        Self(match failure {
            Failure::Declared(declared) => Cause::Declared {
                status: declared.status,
                error: declared.error.name(),
                message: declared
                    .message
                    .or_else(|| declared.error.description().map(str::to_owned)),
            },
            Failure::Rejected(rejection) => Cause::Rejected(rejection),
            Failure::Internal(error) => Cause::Internal(error),
        })
    }
}

/// Most of a foreign extractor's words that are passed on.
const MOST_WORDS: usize = 1024;

/// An extractor's answer with the envelope around its words, if it has none yet.
async fn enveloped(response: Response) -> Response {
    if response.extensions().get::<envelope::Enveloped>().is_some() {
        return response;
    }
    let (parts, body) = response.into_parts();
    let code = envelope::error_status(parts.status.as_u16(), StatusCode::INTERNAL_SERVER_ERROR);
    let words = match axum::body::to_bytes(body, MOST_WORDS).await {
        Ok(words) if is_text(&parts.headers) => String::from_utf8(words.into()).ok(),
        Ok(_) | Err(_) => None,
    };
    if code.is_server_error() {
        tracing::error!(
            status = code.as_u16(),
            message = words
                .as_deref()
                .unwrap_or("an extractor failed and did not say why"),
            "request failed in an extractor"
        );
        return envelope::internal();
    }
    let words = words.filter(|words| !words.is_empty());
    let message = words.as_deref().or(code.canonical_reason());
    let mut answer = envelope::respond(code, status::name_of(code), message);
    for (name, value) in &parts.headers {
        if *name != header::CONTENT_TYPE && *name != header::CONTENT_LENGTH {
            answer.headers_mut().append(name.clone(), value.clone());
        }
    }
    answer
}

fn is_text(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/plain"))
}

/// Logs an internal error once, with its causes. The span carries NSID and request id.
pub(crate) fn log_internal(error: &(dyn StdError + 'static)) {
    tracing::error!(error = %Chain(error), "request failed");
}

/// Logs a panic as what it is: an internal error that somebody must mend.
pub(crate) fn log_panic(panic: &(dyn Any + Send)) {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message");
    tracing::error!(panic = message, "handler panicked");
}

/// An error and its causes in one line. Bounded: a chain may be a ring.
pub(crate) struct Chain<'a>(pub &'a (dyn StdError + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        for _ in 0..16 {
            let Some(error) = cause else { break };
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// A message that stays short whatever it quotes: longer text is cut at a character.
pub(crate) fn shorten(mut message: String, most: usize) -> String {
    if message.len() > most {
        message.truncate(message.floor_char_boundary(most));
        message.push('…');
    }
    message
}

/// Several complaints in one message, and how many did not fit.
pub(crate) fn join<T: std::fmt::Display>(complaints: &[T], most: usize) -> String {
    let mut message = String::new();
    for (index, complaint) in complaints.iter().take(most).enumerate() {
        if index > 0 {
            message.push_str("; ");
        }
        write!(message, "{complaint}").expect("a String takes any text");
    }
    if complaints.len() > most {
        write!(message, "; and {} more", complaints.len() - most).expect("a String takes any text");
    }
    message
}
