//! Cross-origin calls: web pages of any origin may call, and may read the headers that XRPC uses.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// Response headers that scripts may read.
const EXPOSED: &str = "atproto-repo-rev, atproto-content-labelers, content-encoding, dpop-nonce, \
     ratelimit-limit, ratelimit-policy, ratelimit-remaining, ratelimit-reset, retry-after, \
     www-authenticate, x-request-id";

/// A day; browsers cut it down to what they allow.
const MAX_AGE: &str = "86400";

/// Longest list of headers that a preflight gets back.
const MOST_HEADERS: usize = 2048;

/// Whether this is a browser asking before it calls.
pub fn is_preflight(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Lets scripts of any origin read a response.
pub fn allow(headers: &mut HeaderMap) {
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static(EXPOSED),
    );
}

/// The answer to a preflight. The asked-for headers are allowed by name, because `*` does not cover
/// `Authorization`.
pub fn preflight(asked: &HeaderMap, verbs: &'static str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static(verbs),
    );
    headers.insert(
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static(MAX_AGE),
    );
    headers.insert(
        header::VARY,
        HeaderValue::from_static("access-control-request-headers"),
    );
    if let Some(names) = asked
        .get(header::ACCESS_CONTROL_REQUEST_HEADERS)
        .filter(|names| names.len() <= MOST_HEADERS)
    {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    response
}
