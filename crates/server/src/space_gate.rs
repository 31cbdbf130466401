//! Whether there are spaces at all.

use axum::http::request::Parts;
use futures_util::future::BoxFuture;
use loggia_xrpc::Rejection;
use loggia_xrpc_server::{Gate, Quota, Refusal};

use crate::api_clients::ClientGate;

/// The methods of spaces.
const SPACES: [&str; 2] = ["/xrpc/com.atproto.space.", "/xrpc/com.atproto.simplespace."];

/// Lets calls of the methods of spaces pass where there are any; all others by the rules for clients.
pub(crate) struct SpaceGate {
    pub(crate) spaces: bool,
    pub(crate) gate: ClientGate,
}

impl Gate for SpaceGate {
    fn admit<'a>(&'a self, parts: &'a mut Parts) -> BoxFuture<'a, Result<Option<Quota>, Refusal>> {
        let path = parts.uri.path();
        if !self.spaces && SPACES.iter().any(|start| path.starts_with(start)) {
            let message = "there are no spaces on this server";
            let refusal = Rejection::new(404, "FeatureDisabled", message).into();
            return Box::pin(std::future::ready(Err(refusal)));
        }
        self.gate.admit(parts)
    }
}
