//! Who calls: the client whose key comes along.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use loggia_delivery::{Clock as _, SystemClock};
use loggia_syntax::Did;
use loggia_xrpc::Rejection;
use loggia_xrpc_server::Refusal;

use super::Rest;
use crate::projections::owner_of_client;

/// The owner that the client is, see [`owner_of_client`].
pub(super) struct Owner(pub Did);

impl FromRequestParts<Rest> for Owner {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, rest: &Rest) -> Result<Self, Refusal> {
        if let Some(allowance) = rest.limiter.count(parts)
            && !allowance.is_left()
        {
            let message = "too many requests from this address";
            let wait = allowance.wait().to_string();
            let refused = Rejection::new(429, "RateLimitExceeded", message);
            return Err(refused.header("retry-after", wait).into());
        }
        let client = rest.gate.holder(parts, SystemClock.now()).await?;
        Ok(Self(owner_of_client(client.id())))
    }
}
