//! Who calls: the client whose key comes along.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use loggia_storage::ApiClientId;
use loggia_syntax::Did;
use loggia_xrpc::Rejection;
use loggia_xrpc_server::{Allowance, CallerKey, Quota, Refusal};

use super::Rest;
use crate::projections::owner_of_client;

/// The owner that the client is, see [`owner_of_client`].
pub(super) struct Owner(pub Did);

/// The client itself.
pub(super) struct Client(pub ApiClientId);

impl FromRequestParts<Rest> for Owner {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, rest: &Rest) -> Result<Self, Refusal> {
        let Client(id) = Client::from_request_parts(parts, rest).await?;
        Ok(Self(owner_of_client(id)))
    }
}

impl FromRequestParts<Rest> for Client {
    type Rejection = Refusal;

    /// A client's calls count for the client, from wherever they come. What shows no key, or one that
    /// is none, counts for its address.
    async fn from_request_parts(parts: &mut Parts, rest: &Rest) -> Result<Self, Refusal> {
        let client = match rest.gate.holder(parts).await {
            Ok(client) => client,
            Err(refused) => {
                if let Some(allowance) = rest.limiter.count(parts) {
                    check(&allowance, "address")?;
                }
                return Err(refused);
            }
        };
        let allowance = rest.limiter.count_quota(&Quota {
            caller: CallerKey::Name(client.id().to_string().into()),
            per_minute: client.requests_per_minute().unwrap_or(rest.per_minute),
        });
        check(&allowance, "client")?;
        Ok(Self(client.id()))
    }
}

fn check(allowance: &Allowance, of: &str) -> Result<(), Refusal> {
    if allowance.is_left() {
        return Ok(());
    }
    let message = format!("too many requests of this {of}");
    let refused = Rejection::new(429, "RateLimitExceeded", message);
    let wait = allowance.wait().to_string();
    Err(refused.header("retry-after", wait).into())
}
