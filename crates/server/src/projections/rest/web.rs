//! What web pages, wrong verbs and wrong paths meet.

use axum::extract::{FromRequestParts, Path, Request};
use axum::http::Method;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use loggia_xrpc::Rejection;
use loggia_xrpc_server::{Refusal, cors};

use super::{Rest, refuse};

/// What any of these routes can do: a preflight may name more than its own can.
const VERBS: &str = "GET, POST, DELETE";

/// Web pages of any origin may ask, and hear why they are refused. Which origins a key is for is looked
/// at with the key, which a preflight does not have.
pub(super) async fn allow(request: Request, next: Next) -> Response {
    let mut response =
        match request.method() == Method::OPTIONS && cors::is_preflight(request.headers()) {
            true => cors::preflight(request.headers(), VERBS),
            false => next.run(request).await,
        };
    cors::allow(response.headers_mut());
    response
}

/// Axum adds the header `allow`.
pub(super) async fn wrong_verb() -> Refusal {
    let message = "this path has other methods, which the header `allow` names";
    Rejection::new(405, "InvalidRequest", message).into()
}

/// The part of a path that is not the same for all.
pub(super) struct Segment(pub String);

impl FromRequestParts<Rest> for Segment {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, rest: &Rest) -> Result<Self, Refusal> {
        let found = Path::from_request_parts(parts, rest).await;
        let Path(found) = found.map_err(|error| refuse::invalid(error.body_text()))?;
        Ok(Self(found))
    }
}
