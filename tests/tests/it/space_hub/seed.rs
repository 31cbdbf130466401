//! The requests of the documentation that webhooks of spaces were first described in, with only host,
//! accounts and tokens replaced.

use loggia_delivery::{Clock as _, SystemClock};
use loggia_server::operator::NewClient;
use loggia_server::token_exchange::METHOD;
use serde_json::json;

use crate::support::exchange::App;
use crate::support::notices::{CID, DELETED, REGISTER, WRITE, space_id_of};
use crate::support::spaces::open_forum;
use crate::support::{Receiver, ReferenceServers, TestServer};

/// An app with a client key and a DPoP token for the account that this service auth is of.
async fn app_of(service_auth: &str, server: &TestServer) -> (App, String, String) {
    let operator = server.operator().await;
    let new = NewClient {
        name: "a feed".to_owned(),
        origins: Vec::new(),
        requests_per_minute: None,
    };
    let (_, key) = operator.create_client(new).await.expect("a client");
    operator.close().await;
    let mut app = App::with_client_key(key.as_str());
    app.get_nonce(server).await;
    let issued = app.exchange(server, service_auth, &[]).await;
    let issued = issued.output();
    let token = issued["access_token"].as_str().expect("a token");
    (app, key.as_str().to_owned(), token.to_owned())
}

#[tokio::test]
async fn the_documented_requests_are_answered_as_documented() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let author = server.account("author456");
    let forum = open_forum(&alice).await;
    let space = format!("ats://{}/com.example.forum/main", alice.did);
    let (mut app, key, token) = app_of(&alice.token(METHOD), &server).await;

    // Registering for notifications.
    let mut receiver = Receiver::start();
    let input = json!({
        "space": space,
        "serviceDid": "did:web:feed.example.com",
        "endpoint": receiver.url,
    });
    let headers = [("x-client-key", key.as_str())];
    let registered = app
        .call(&server, &token, (REGISTER, Some(&input)), &headers)
        .await;
    let registered = registered.output();
    let id = registered["id"].as_str().expect("an id");
    assert_eq!(id.len(), "550e8400-e29b-41d4-a716-446655440000".len());
    let secret = registered["secret"].as_str().expect("a secret");

    // Pushing a write notification: of a record, and of its end.
    let cid = "bafyreie5cvv4h45feadgeuwhbcutmh6t7ceseocckahdoe6uat64zmz454";
    let mut input = json!({
        "space": space,
        "did": author.did,
        "collection": "com.example.forum.post",
        "rkey": "3jwq5dya2gy2z",
        "cid": cid,
    });
    let answer = alice.procedure(WRITE, &input).await;
    answer.is(200, json!({ "success": true }));
    let mut payload = json!({
        "space": space_id_of(&forum),
        "did": author.did,
        "collection": "com.example.forum.post",
        "rkey": "3jwq5dya2gy2z",
        "cid": cid,
    });
    // The space as it was registered is all that is added.
    payload["spaceUri"] = json!(space);
    assert_eq!(receiver.next().await.verified(secret), payload);
    input.as_object_mut().expect("an object").remove("cid");
    alice.procedure(WRITE, &input).await.output();
    payload["cid"] = json!(null);
    assert_eq!(receiver.next().await.verified(secret), payload);

    // Notifying space deletion.
    let answer = alice.procedure(DELETED, &json!({ "space": space })).await;
    answer.is(200, json!({ "success": true }));
    let end = json!({ "space": space_id_of(&forum), "spaceUri": space });
    assert_eq!(receiver.next().await.verified(secret), end);
    receiver.has_no_more();
}

/// Nothing of ours takes part on the caller's side but the proof: account, key and service auth are the
/// reference PDS's, and the request is sent byte for byte as the documentation's script would.
#[tokio::test]
async fn an_account_of_the_reference_pds_registers_as_documented() {
    let servers = ReferenceServers::start();
    let plc = servers.plc.clone();
    let server = TestServer::start_with(|config| {
        config.plc_directory = plc.parse().expect("a URL");
    });
    let server = server.await;
    let account = servers.account("alice").await;
    let service_auth = account.service_auth(&server.did, METHOD).await;
    let (mut app, key, token) = app_of(&service_auth, &server).await;

    let mut receiver = Receiver::start();
    let space = format!("ats://{}/com.example.forum/main", account.did);
    let body = format!(
        r#"{{"space":"{space}","serviceDid":"did:web:feed.example.com","endpoint":"{}"}}"#,
        receiver.url
    );
    let path = format!("/xrpc/{REGISTER}");
    let url = format!("http://localhost:{}{path}", server.port());
    let proof = app.proof_for("POST", &url, Some(&token), SystemClock.now());
    let request = server
        .post(&path)
        .header("X-Client-Key", &key)
        .header("Authorization", format!("DPoP {token}"))
        .header("DPoP", proof)
        .header("Content-Type", "application/json")
        .body(body);
    let registered = app.send(&server, request).await.output();
    let secret = registered["secret"].as_str().expect("a secret");
    assert!(registered["id"].is_string(), "{registered}");

    // The registration is the account's: it tells of a write, and the endpoint hears of it.
    let input = json!({
        "space": space,
        "did": "did:plc:author456",
        "collection": "com.example.forum.post",
        "rkey": "3jwq5dya2gy2z",
        "cid": CID,
    });
    let service_auth = account.service_auth(&server.did, WRITE).await;
    let told = server.procedure(WRITE, Some(&service_auth), &input).await;
    told.is(200, json!({ "success": true }));
    let forum = format!("at://{}/space/com.example.forum/main", account.did);
    let mut payload = input;
    payload["space"] = json!(space_id_of(&forum));
    payload["spaceUri"] = json!(space);
    assert_eq!(receiver.next().await.verified(secret), payload);
}
