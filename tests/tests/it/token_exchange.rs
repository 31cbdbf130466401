//! Service auth and a proof become an access token.

mod calls;
mod refusals;

use loggia_auth::access_token::{AccessTokenVerifier as _, OwnAccessTokens, PresentedToken, Terms};
use loggia_auth::{Jwk, JwkSet};
use loggia_delivery::{Clock, SystemClock};
use loggia_server::api_clients::ClientKeys;
use loggia_server::keys::KeyRole;
use loggia_server::operator::NewClient;
use loggia_server::token_exchange::METHOD;
use serde_json::{Value, json};

use crate::support::exchange::{App, GRANT, TYPE, post};
use crate::support::{Answer, ReferenceServers, TestServer};

/// Holds an OAuth error: status, name, and what else there is in it.
#[track_caller]
fn refused(answer: &Answer, status: u16, error: &str, description: &str) {
    answer.is(
        status,
        json!({ "error": error, "error_description": description }),
    );
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
}

/// The keys that the server publishes.
async fn published(server: &TestServer) -> JwkSet {
    let keys = server.get("/oauth/token-keys.json").await.output();
    JwkSet::parse(keys.to_string().as_bytes()).expect("a key set")
}

#[tokio::test]
async fn a_token_is_exchanged_with_a_nonce_and_is_bound_to_the_key() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let mut app = App::new();
    let service_auth = alice.token(METHOD);

    let challenged = app.exchange(&server, &service_auth, &[]).await;
    let description = "the DPoP proof needs the server's current nonce (DPoP-Nonce)";
    refused(&challenged, 400, "use_dpop_nonce", description);
    assert!(
        challenged
            .header("access-control-expose-headers")
            .contains("dpop-nonce")
    );

    let scope = "space:com.example.forum?authority=*";
    let fields = [("scope", scope), ("audience", &server.did)];
    let issued = app.exchange(&server, &service_auth, &fields).await;
    assert_eq!(issued.header("cache-control"), "no-store");
    assert_eq!(issued.header("access-control-allow-origin"), "*");
    let token = issued.body["access_token"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    issued.is(
        200,
        json!({
            "access_token": token,
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "token_type": "DPoP",
            "expires_in": 600,
            "scope": format!("atproto {scope}"),
        }),
    );

    let url = format!("http://localhost:{}", server.port());
    let terms = Terms::new(url, server.did.as_str());
    let verifier = OwnAccessTokens::new(terms, published(&server).await);
    let token = PresentedToken::parse(&token).expect("a token");
    let proved = verifier.verify(token, SystemClock.now()).await;
    let proved = proved.expect("the published keys verify it");
    assert_eq!(proved.subject, alice.did);
    assert_eq!(proved.client.as_deref(), Some(alice.did.as_str()));
    assert_eq!(proved.scope, format!("atproto {scope}"));
    let thumbprint = Jwk::new(*app.key.public().multikey()).thumbprint();
    assert_eq!(proved.thumbprint, thumbprint);
}

#[tokio::test]
async fn nothing_is_exchanged_twice() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let mut app = App::new();
    app.get_nonce(&server).await;
    let service_auth = alice.token(METHOD);
    let issued = app.exchange(&server, &service_auth, &[]).await;
    assert_eq!(issued.status, 200, "{issued:#?}");
    let again = app.exchange(&server, &service_auth, &[]).await;
    let description =
        "subject_token: JwtReplayed: the token was used before (jti): get a new one for each call";
    refused(&again, 400, "invalid_request", description);

    let proof = app.proof(&server);
    let mut statuses = Vec::new();
    for _ in 0..2 {
        let token = alice.token(METHOD);
        let request = post(&server, &[GRANT, TYPE, ("subject_token", &token)]);
        let answer = app.send(&server, request.header("dpop", &proof)).await;
        statuses.push((answer.status, answer.body["error"].clone()));
    }
    let expected = [(200, Value::Null), (400, json!("invalid_dpop_proof"))];
    assert_eq!(statuses, expected);
}

#[tokio::test]
async fn what_is_exchanged_where_is_published() {
    let server = TestServer::start().await;
    let url = format!("http://localhost:{}", server.port());
    let did = server.did.replace('%', "%25");
    let everything = format!("rpc:*?aud={did}%23loggia");
    let found = server.get("/.well-known/oauth-authorization-server").await;
    assert_eq!(found.header("access-control-allow-origin"), "*");
    found.is(
        200,
        json!({
            "issuer": url,
            "token_endpoint": format!("{url}/oauth/token"),
            "jwks_uri": format!("{url}/oauth/token-keys.json"),
            "response_types_supported": [],
            "grant_types_supported": ["urn:ietf:params:oauth:grant-type:token-exchange"],
            "token_endpoint_auth_methods_supported": ["none"],
            "dpop_signing_alg_values_supported": ["ES256"],
            "scopes_supported": ["atproto", everything],
            "protected_resources": [url],
        }),
    );
    let found = server.get("/.well-known/oauth-protected-resource").await;
    found.is(
        200,
        json!({
            "resource": url,
            "authorization_servers": [url],
            "scopes_supported": ["atproto", everything],
            "bearer_methods_supported": ["header"],
            "dpop_signing_alg_values_supported": ["ES256"],
            "dpop_bound_access_tokens_required": true,
        }),
    );
    let keys = server.get("/oauth/token-keys.json").await.output();
    let operator = server.operator().await;
    let shown = operator.keys().await.expect("keys");
    let token_key = shown.iter().find(|key| key.role == KeyRole::Tokens);
    let token_key = &token_key.expect("a token key").did_key;
    let key = loggia_auth::PublicKey::from_did_key(token_key).expect("a key");
    let jwk = Jwk::new(*key.multikey());
    let mut expected = json!(jwk);
    expected["kid"] = json!(jwk.thumbprint());
    expected["alg"] = json!("ES256");
    expected["use"] = json!("sig");
    assert_eq!(keys, json!({ "keys": [expected] }));
}

#[tokio::test]
async fn pages_of_other_origins_may_ask() {
    let server = TestServer::start().await;
    let asked = server
        .request(reqwest::Method::OPTIONS, "/oauth/token")
        .header("origin", "https://app.example")
        .header("access-control-request-method", "POST");
    let answer = server.send(asked).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("access-control-allow-methods"), "POST");
    let headers = answer.header("access-control-allow-headers");
    assert_eq!(headers, "content-type, dpop, x-client-key");
}

#[tokio::test]
async fn clients_with_a_key_are_named_in_the_token() {
    let server = TestServer::start_with(|config| config.client_keys = ClientKeys::Required).await;
    let operator = server.operator().await;
    let new = NewClient {
        name: "an app".to_owned(),
        origins: Vec::new(),
        requests_per_minute: None,
    };
    let (client, key) = operator.create_client(new).await.expect("a client");
    let alice = server.account("alice");
    let mut app = App::new();
    let without = app.exchange(&server, "x", &[]).await;
    let description = "this server needs an X-Client-Key: ask its operator for one";
    refused(&without, 401, "invalid_client", description);
    assert!(without.header("www-authenticate").starts_with("ClientKey"));

    let token = alice.token(METHOD);
    let request = post(&server, &[GRANT, TYPE, ("subject_token", &token)])
        .header("dpop", app.proof(&server))
        .header("x-client-key", key.as_str());
    let issued = app.send(&server, request).await.output();
    let token = issued["access_token"].as_str().expect("a token");
    let terms = Terms::new(
        format!("http://localhost:{}", server.port()),
        server.did.as_str(),
    );
    let verifier = OwnAccessTokens::new(terms, published(&server).await);
    let token = PresentedToken::parse(token).expect("a token");
    let proved = verifier.verify(token, SystemClock.now()).await;
    let named = proved.expect("verifies").client.clone();
    assert_eq!(named, Some(client.id.to_string()));
}

#[tokio::test]
async fn an_account_of_the_reference_pds_exchanges_its_service_auth() {
    let servers = ReferenceServers::start();
    let plc = servers.plc.clone();
    let server = TestServer::start_with(|config| {
        config.plc_directory = plc.parse().expect("a URL");
    });
    let server = server.await;
    let account = servers.account("alice").await;
    let mut app = App::new();
    app.get_nonce(&server).await;
    let token = account.service_auth(&server.did, METHOD).await;
    let issued = app.exchange(&server, &token, &[]).await;
    assert_eq!(issued.status, 200, "{issued:#?}");
}
