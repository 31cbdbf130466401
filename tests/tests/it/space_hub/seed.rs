//! The requests of the documentation that webhooks of spaces were first described in, with only host,
//! accounts and tokens replaced.

use loggia_server::operator::NewClient;
use loggia_server::token_exchange::METHOD;
use serde_json::json;

use crate::support::exchange::App;
use crate::support::notices::{DELETED, REGISTER, WRITE, space_id_of};
use crate::support::spaces::open_forum;
use crate::support::{Account, Receiver, TestServer};

/// An app with a client key and a DPoP token for an account.
async fn app_of(account: &Account<'_>, server: &TestServer) -> (App, String, String) {
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
    let issued = app.exchange(server, &account.token(METHOD), &[]).await;
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
    let (mut app, key, token) = app_of(&alice, &server).await;

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
