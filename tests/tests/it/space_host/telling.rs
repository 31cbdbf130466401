//! Writes of every method are told to whoever is registered, in the shape of the seed.

use serde_json::{Value, json};

use crate::support::notices::{register, space_id_of};
use crate::support::spaces::{
    APPLY, CREATE, DELETE, DELETE_SPACE, POSTS, PUT, let_in, open_forum, post_of, write_post,
};
use crate::support::{Receiver, TestServer};

#[tokio::test]
async fn each_method_that_writes_gives_one_notification_for_each_changed_record() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let space = open_forum(&alice).await;
    let mut receiver = Receiver::start();
    let secret = register(&alice, &receiver.url).await;
    let told = |rkey: &str, cid: &Value| {
        json!({
            "space": space_id_of(&space),
            "spaceUri": space,
            "did": alice.did,
            "collection": POSTS,
            "rkey": rkey,
            "cid": cid,
        })
    };
    let made = write_post(&alice, &space, "a", "one").await;
    let arrived = receiver.next().await.verified(&secret);
    assert_eq!(arrived, told("a", &made["cid"]));

    let put = alice
        .procedure(PUT, &post_of(&alice, &space, "a", "two"))
        .await;
    let put = put.output();
    assert_eq!(
        receiver.next().await.verified(&secret),
        told("a", &put["cid"])
    );
    // The same again changes nothing.
    alice
        .procedure(PUT, &post_of(&alice, &space, "a", "two"))
        .await
        .output();

    let gone = json!({ "space": space, "repo": alice.did, "collection": POSTS, "rkey": "a" });
    for _ in 0..2 {
        alice.procedure(DELETE, &gone).await.output();
    }
    let arrived = receiver.next().await.verified(&secret);
    assert_eq!(arrived, told("a", &Value::Null));

    let create = |rkey: &str| {
        json!({
            "$type": "com.atproto.space.applyWrites#create",
            "collection": POSTS,
            "rkey": rkey,
            "value": {},
        })
    };
    let writes = [create("b"), create("c")];
    let input = json!({ "space": space, "repo": alice.did, "writes": writes });
    let results = alice.procedure(APPLY, &input).await.output()["results"].clone();
    let mut arrived = vec![
        receiver.next().await.verified(&secret),
        receiver.next().await.verified(&secret),
    ];
    arrived.sort_by_key(|body| body["rkey"].to_string());
    let expected = [told("b", &results[0]["cid"]), told("c", &results[1]["cid"])];
    assert_eq!(arrived, expected);

    // Refused writes are told to nobody; the end is.
    let refused = alice
        .procedure(CREATE, &post_of(&alice, &space, "b", "x"))
        .await;
    assert_eq!(refused.status, 400);
    let input = json!({ "space": space });
    let closed = alice.procedure(DELETE_SPACE, &input).await;
    assert_eq!(closed.status, 200, "{closed:#?}");
    let end = json!({ "space": space_id_of(&space), "spaceUri": space });
    assert_eq!(receiver.next().await.verified(&secret), end);
    receiver.has_no_more();
}

#[tokio::test]
async fn writes_count_of_whom_the_write_policy_lets_in() {
    let server = TestServer::start().await;
    let (alice, bob, carol) = (
        server.account("alice"),
        server.account("bob"),
        server.account("carol"),
    );
    let space = open_forum(&alice).await;
    let mut receiver = Receiver::start();
    let secret = register(&alice, &receiver.url).await;
    let_in(&alice, &space, &bob.did, (true, false)).await;
    let_in(&alice, &space, &carol.did, (false, true)).await;
    // Bob's writes are his own affair.
    write_post(&bob, &space, "a", "x").await;
    write_post(&carol, &space, "a", "x").await;
    let arrived = receiver.next().await.verified(&secret);
    assert_eq!(arrived["did"], json!(carol.did));
    receiver.has_no_more();
}
