//! `com.atproto.space.notifyWrite` and `notifySpaceDeleted`: what arrives, and when.

use serde_json::{Value, json};

use crate::support::notices::{
    CID, DELETED, REGISTER, WRITE, forum, old_forum, post, register, registration,
};
use crate::support::{Account, Closed, Receiver, TestServer};

/// What arrives of a post; the space's own id is taken from the delivery.
#[track_caller]
fn is_post(body: &Value, space: &str, author: &Account<'_>, cid: Value) {
    let id = body["space"].as_str().unwrap_or_default();
    assert!(
        id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()),
        "{body}"
    );
    let expected = json!({
        "space": id,
        "spaceUri": space,
        "did": author.did.as_str(),
        "collection": "com.example.forum.post",
        "rkey": "3jwq5dya2gy2z",
        "cid": cid,
    });
    assert_eq!(body, &expected);
}

async fn tell(caller: &Account<'_>, input: &Value) {
    caller
        .procedure(WRITE, input)
        .await
        .is(200, json!({ "success": true }));
}

#[tokio::test]
async fn a_write_arrives_signed_at_every_endpoint_of_the_space() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let (mut first, mut second) = (Receiver::start(), Receiver::start());
    let space = forum(&alice);
    let first_secret = register(&alice, &first.url).await;
    let second_secret = register(&alice, &second.url).await;

    // The authority tells, in the older spelling.
    tell(&alice, &post(&old_forum(&alice), &bob)).await;
    let one = first.next().await;
    is_post(&one.verified(&first_secret), &space, &bob, json!(CID));
    assert!(one.header("user-agent").starts_with("Loggia/"), "{one:#?}");
    let two = second.next().await;
    assert_eq!(two.verified(&second_secret), one.verified(&first_secret));
    assert_eq!(two.header("webhook-id"), one.header("webhook-id"));

    // Without a `cid` the record is gone.
    let mut gone = post(&space, &bob);
    gone.as_object_mut().expect("an object").remove("cid");
    tell(&alice, &gone).await;
    let three = first.next().await;
    is_post(&three.verified(&first_secret), &space, &bob, Value::Null);
    assert_ne!(three.header("webhook-id"), one.header("webhook-id"));
    second.next().await.verified(&second_secret);
    first.has_no_more();
    second.has_no_more();
}

#[tokio::test]
async fn nobody_else_tells_of_a_write_or_of_the_end() {
    let server = TestServer::start().await;
    let (alice, bob, carol) = (
        server.account("alice"),
        server.account("bob"),
        server.account("carol"),
    );
    let mut receiver = Receiver::start();
    let secret = register(&alice, &receiver.url).await;
    let space = forum(&alice);

    let message = "only the author or the authority of the space may tell of a write";
    carol
        .procedure(WRITE, &post(&space, &bob))
        .await
        .fails(403, "Forbidden", message);
    // Of a space that is not hosted here nobody knows whose writes count.
    bob.procedure(WRITE, &post(&space, &bob)).await.fails(
        403,
        "Forbidden",
        "writer is not authorized",
    );
    let message = "only the authority of a space may say that it is gone";
    let end = json!({ "space": space });
    bob.procedure(DELETED, &end)
        .await
        .fails(403, "Forbidden", message);
    let answer = server.procedure(WRITE, None, &post(&space, &bob)).await;
    answer.fails(401, "AuthMissing", "authentication is required");

    // A write in a space that nobody listens to is fine, and tells nobody.
    tell(&bob, &post(&forum(&bob), &bob)).await;
    tell(&alice, &post(&space, &bob)).await;
    is_post(
        &receiver.next().await.verified(&secret),
        &space,
        &bob,
        json!(CID),
    );
    receiver.has_no_more();
}

#[tokio::test]
async fn a_notice_of_what_is_no_record_is_refused() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let wrong = [
        ("did", "alice.example"),
        ("collection", "posts"),
        ("rkey", "a/b"),
        ("cid", "bafyno"),
        ("space", "com.example.forum"),
    ];
    for (field, value) in wrong {
        let mut input = post(&forum(&alice), &alice);
        input[field] = json!(value);
        let answer = alice.procedure(WRITE, &input).await;
        let message = answer.body["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        answer.fails(400, "InvalidRequest", &message);
        assert!(message.contains(field), "{field}={value} answers {message}");
    }
}

#[tokio::test]
async fn the_end_of_a_space_is_the_last_that_arrives() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let mut receiver = Receiver::start();
    let space = forum(&alice);
    let secret = register(&alice, &receiver.url).await;
    tell(&alice, &post(&space, &alice)).await;
    let write = receiver.next().await.verified(&secret);

    let end = json!({ "space": old_forum(&alice) });
    alice
        .procedure(DELETED, &end)
        .await
        .is(200, json!({ "success": true }));
    let last = receiver.next().await.verified(&secret);
    assert_eq!(last, json!({ "space": write["space"], "spaceUri": space }));

    // The registration is gone: nothing more arrives, and registering again is a new one.
    tell(&alice, &post(&space, &alice)).await;
    let secret = register(&alice, &receiver.url).await;
    tell(&alice, &post(&space, &alice)).await;
    is_post(
        &receiver.next().await.verified(&secret),
        &space,
        &alice,
        json!(CID),
    );
    receiver.has_no_more();
}

#[tokio::test]
async fn a_delivery_is_attempted_again_after_a_failure() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let mut receiver = Receiver::answering(&[500]);
    let secret = register(&alice, &receiver.url).await;
    tell(&alice, &post(&forum(&alice), &alice)).await;
    let first = receiver.next().await;
    let second = receiver.next().await;
    assert_eq!(first.verified(&secret), second.verified(&secret));
    assert_eq!(first.body, second.body);
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    receiver.has_no_more();
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_restart() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let closed = Closed::new();
    let space = forum(&alice);
    let secret = register(&alice, &closed.url).await;
    tell(&alice, &post(&space, &alice)).await;
    let (authority, endpoint) = (alice.did.clone(), closed.url.clone());
    let folder = server.stop().await;

    let mut receiver = closed.open(&[]);
    let port = authority
        .as_str()
        .rsplit("%3A")
        .next()
        .and_then(|port| port.parse().ok());
    let server = TestServer::start_in(folder, |config| {
        config.bind.set_port(port.expect("a port"));
    });
    let server = server.await;
    let alice = server.account("alice");
    assert_eq!(alice.did, authority);
    is_post(
        &receiver.next().await.verified(&secret),
        &space,
        &alice,
        json!(CID),
    );

    // The registration is still there, with its id and its secret.
    let renewed = alice
        .procedure(REGISTER, &registration(&space, &endpoint))
        .await
        .output();
    assert_eq!(renewed.get("secret"), None);
    tell(&alice, &post(&space, &alice)).await;
    is_post(
        &receiver.next().await.verified(&secret),
        &space,
        &alice,
        json!(CID),
    );
    receiver.has_no_more();
    server.stop().await;
}
