//! The credentials that a request presents, unproved.

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use loggia_auth::headers::Authorization;
use loggia_auth::jws;
use loggia_auth::space_credential;
use loggia_xrpc::Rejection;
use loggia_xrpc_server::MethodInfo;

/// How space credentials come in the form of October.
const SPACE_SCHEME: &str = "Atproto-Space";

/// Which kind of credentials a request presents. Decided by the scheme, and where two kinds share one
/// by the token's *unverified* type; whatever verifies then accepts that type only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// No `Authorization` header.
    Nothing,
    /// `Bearer` with a service-auth token.
    Service,
    /// `DPoP` with an access token.
    Access,
    /// `Atproto-Space`, or `DPoP` with a space credential.
    Space,
    /// Anything else.
    Other,
}

/// What an extractor can verify; what a union of extractors chooses by.
pub trait Takes {
    /// Whether it verifies credentials of this kind.
    fn takes(presented: Presented) -> bool;
    /// The challenges for callers who present nothing, for `WWW-Authenticate`.
    fn challenges() -> Vec<&'static str>;
}

impl Presented {
    /// Which kind this request presents.
    ///
    /// # Errors
    /// Several `Authorization` headers, or one that is not visible ASCII.
    pub fn of(headers: &HeaderMap) -> Result<Self, Rejection> {
        let fields = values(headers, &AUTHORIZATION)?;
        if fields.is_empty() {
            return Ok(Self::Nothing);
        }
        let Ok(authorization) = Authorization::parse(&fields) else {
            // The protocol has an answer of its own for a space credential among them: whoever verifies
            // those gives it.
            let among = |field: &&str| scheme(field, SPACE_SCHEME);
            return match fields.iter().any(among) {
                true => Ok(Self::Space),
                false => Err(Rejection::invalid_request(
                    "the request has more than one Authorization header: send one",
                )),
            };
        };
        let is_credential =
            || jws::unverified_type(authorization.token).as_deref() == Some(space_credential::TYPE);
        Ok(if authorization.is("Bearer") {
            Self::Service
        } else if authorization.is(SPACE_SCHEME) {
            Self::Space
        } else if authorization.is("DPoP") {
            if is_credential() {
                Self::Space
            } else {
                Self::Access
            }
        } else {
            Self::Other
        })
    }
}

/// Whether this value of `Authorization` is of this scheme.
fn scheme(value: &str, name: &str) -> bool {
    Authorization::parse(&[value]).is_ok_and(|one| one.is(name))
}

/// All values of a header field.
///
/// # Errors
/// One of them is not visible ASCII.
pub(crate) fn values<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Vec<&'a str>, Rejection> {
    let text = |value: &'a axum::http::HeaderValue| {
        value.to_str().map_err(|_| {
            Rejection::invalid_request(format!("the header {name} is not visible ASCII text"))
        })
    };
    headers.get_all(name).iter().map(text).collect()
}

/// The same, to be kept beyond the request.
pub(crate) fn owned_values(
    headers: &HeaderMap,
    name: &HeaderName,
) -> Result<Vec<String>, Rejection> {
    Ok(values(headers, name)?
        .into_iter()
        .map(str::to_owned)
        .collect())
}

/// Borrows what was kept.
pub(crate) fn borrowed(values: &[String]) -> Vec<&str> {
    values.iter().map(String::as_str).collect()
}

/// Which method is called.
pub(crate) fn method(parts: &Parts) -> MethodInfo {
    *parts
        .extensions
        .get::<MethodInfo>()
        .expect("every extractor of a service runs within a method")
}
