//! What an exchanged token is good for: the calls of an app, as the documents of spaces show them.

use loggia_server::api_clients::ClientKeys;
use loggia_server::operator::NewClient;
use loggia_server::token_exchange::METHOD;
use serde_json::Value;

use crate::support::exchange::App;
use crate::support::notices::{REGISTER, forum, registration};
use crate::support::{Account, TestServer};
use crate::webhooks::LIST;

/// An exchanged token with these scopes.
async fn token(app: &mut App, account: &Account<'_>, server: &TestServer, scope: &str) -> String {
    app.get_nonce(server).await;
    let issued = app
        .exchange(server, &account.token(METHOD), &[("scope", scope)])
        .await;
    let issued = issued.output();
    issued["access_token"]
        .as_str()
        .unwrap_or_else(|| panic!("{issued}"))
        .to_owned()
}

#[tokio::test]
async fn an_app_registers_an_endpoint_with_its_client_key_and_a_dpop_token() {
    let server = TestServer::start_with(|config| config.client_keys = ClientKeys::Required).await;
    let operator = server.operator().await;
    let new = NewClient {
        name: "a feed".to_owned(),
        origins: Vec::new(),
        requests_per_minute: None,
    };
    let (_, key) = operator.create_client(new).await.expect("a client");
    operator.close().await;
    let key = [("x-client-key", key.as_str())];

    let alice = server.account("alice");
    let mut app = App::with_client_key(key[0].1);
    let token = token(&mut app, &alice, &server, "").await;
    let input = registration(&forum(&alice), "https://feed.example.com/webhooks/writes");
    let registered = app
        .call(&server, &token, (REGISTER, Some(&input)), &key)
        .await;
    let registered = registered.output();
    assert!(registered["id"].is_string(), "{registered}");
    assert!(registered["expiresAt"].is_string(), "{registered}");

    let keyless = app
        .call(&server, &token, (REGISTER, Some(&input)), &[])
        .await;
    assert_eq!(
        (keyless.status, &keyless.body["error"]),
        (401, &Value::from("ClientKeyRequired"))
    );
}

#[tokio::test]
async fn a_token_calls_what_its_scopes_allow_and_nothing_else() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let mut app = App::new();
    let did = server.did.replace('%', "%25");
    let scope = format!("rpc:{LIST}?aud={did}%23loggia");
    let token = token(&mut app, &alice, &server, &scope).await;
    let listed = app.call(&server, &token, (LIST, None), &[]).await;
    assert_eq!(listed.status, 200, "{listed:#?}");
    let input = registration(&forum(&alice), "https://feed.example.com/webhooks/writes");
    let refused = app
        .call(&server, &token, (REGISTER, Some(&input)), &[])
        .await;
    let message = format!("Missing required scope \"rpc:{REGISTER}?aud={did}%23loggia\"");
    refused.fails(403, "ScopeMissingError", &message);
}

#[tokio::test]
async fn a_token_of_a_client_needs_the_key_of_that_client() {
    let server = TestServer::start().await;
    let operator = server.operator().await;
    let new = |name: &str| NewClient {
        name: name.to_owned(),
        origins: Vec::new(),
        requests_per_minute: None,
    };
    let (_, key) = operator.create_client(new("one")).await.expect("a client");
    let (_, other) = operator.create_client(new("two")).await.expect("a client");
    operator.close().await;
    let alice = server.account("alice");
    let mut app = App::with_client_key(key.as_str());
    let token = token(&mut app, &alice, &server, "").await;
    let own = [("x-client-key", key.as_str())];
    let listed = app.call(&server, &token, (LIST, None), &own).await;
    assert_eq!(listed.status, 200, "{listed:#?}");
    let others = [("x-client-key", other.as_str())];
    for headers in [&[][..], &others] {
        let refused = app.call(&server, &token, (LIST, None), headers).await;
        let message =
            "the access token was given to an API client: send the X-Client-Key of that client";
        refused.fails(401, "invalid_token", message);
    }
}

#[tokio::test]
async fn a_stolen_token_and_a_used_proof_are_worth_nothing() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let mut app = App::new();
    let token = token(&mut app, &alice, &server, "").await;
    let mut thief = App::new();
    thief.get_nonce(&server).await;
    let stolen = thief.call(&server, &token, (LIST, None), &[]).await;
    stolen.fails(401, "invalid_token", "Invalid DPoP key binding");
}
