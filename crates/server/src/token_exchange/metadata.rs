//! What an app can learn of the exchange without asking anybody (RFC 8414, RFC 9728, RFC 7517).

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use loggia_delivery::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::{KEYS_PATH, TOKEN_PATH, TokenExchange};
use crate::own_tokens::BASE_SCOPE;

/// `/.well-known/oauth-authorization-server`
pub(super) async fn authorization_server(
    State(exchange): State<TokenExchange>,
) -> impl IntoResponse {
    let url = &exchange.0.origin.url;
    published(json!({
        "issuer": url,
        "token_endpoint": format!("{url}{TOKEN_PATH}"),
        "jwks_uri": format!("{url}{KEYS_PATH}"),
        // Required by RFC 8414; there is no authorization endpoint that would answer with any.
        "response_types_supported": [],
        "grant_types_supported": ["urn:ietf:params:oauth:grant-type:token-exchange"],
        "token_endpoint_auth_methods_supported": ["none"],
        "dpop_signing_alg_values_supported": ["ES256"],
        "scopes_supported": [BASE_SCOPE, exchange.0.origin.every_method().to_string()],
        "protected_resources": [url],
    }))
}

/// `/.well-known/oauth-protected-resource`
pub(super) async fn protected_resource(State(exchange): State<TokenExchange>) -> impl IntoResponse {
    let url = &exchange.0.origin.url;
    let issuers: Vec<_> = std::iter::once(url).chain(&exchange.0.issuers).collect();
    published(json!({
        "resource": url,
        "authorization_servers": issuers,
        "scopes_supported": [BASE_SCOPE, exchange.0.origin.every_method().to_string()],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": ["ES256"],
        "dpop_bound_access_tokens_required": true,
    }))
}

/// The keys that verify access tokens, those included that have retired a moment ago.
pub(super) async fn keys(State(exchange): State<TokenExchange>) -> impl IntoResponse {
    let keys = exchange.0.tokens.published(SystemClock.now());
    published(json!(keys))
}

/// For everybody, and for a minute: a key that was rotated in is soon known.
fn published(document: Value) -> impl IntoResponse {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::CACHE_CONTROL, "public, max-age=60"),
    ];
    (headers, Json(document))
}
