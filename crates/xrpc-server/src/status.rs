//! The one table of HTTP statuses and the error names that go with them.

use http::StatusCode;

/// 400: params, body or headers that do not fit.
pub(crate) const INVALID_REQUEST: &str = "InvalidRequest";
/// 501: an NSID that is not served here.
pub(crate) const METHOD_NOT_IMPLEMENTED: &str = "MethodNotImplemented";
/// 500: something that is our fault.
pub(crate) const INTERNAL: &str = "InternalServerError";
/// What the caller hears of an internal error: nothing that could help an attacker.
pub(crate) const INTERNAL_MESSAGE: &str = "Internal Server Error";
/// A subscriber that does not keep up.
pub(crate) const CONSUMER_TOO_SLOW: &str = "ConsumerTooSlow";

/// The error name of a status, where nobody chose a better one.
///
/// Names that the reference implementation's clients know are kept (`packages/xrpc`, `ResponseType`).
pub(crate) fn name_of(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "AuthenticationRequired",
        403 => "Forbidden",
        404 => "NotFound",
        406 => "NotAcceptable",
        408 => "RequestTimeout",
        409 => "Conflict",
        413 => "PayloadTooLarge",
        414 => "UriTooLong",
        415 => "UnsupportedMediaType",
        426 => "UpgradeRequired",
        429 => "RateLimitExceeded",
        431 => "RequestHeaderFieldsTooLarge",
        501 => METHOD_NOT_IMPLEMENTED,
        502 => "UpstreamFailure",
        503 => "NotEnoughResources",
        504 => "UpstreamTimeout",
        code if code >= 500 => INTERNAL,
        _ => INVALID_REQUEST,
    }
}
