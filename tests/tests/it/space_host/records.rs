//! Writing and reading records.

use serde_json::{Value, json};

use crate::support::TestServer;
use crate::support::spaces::{
    APPLY, CREATE, DELETE, GET, LIST, POSTS, PUT, SPACES, open_forum, post_of, write_post,
};

#[tokio::test]
async fn a_record_is_made_replaced_listed_and_deleted() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let space = open_forum(&alice).await;
    let made = write_post(&alice, &space, "a", "hello").await;
    let uri = format!("{space}/{}/{POSTS}/a", alice.did);
    assert_eq!(made["uri"], json!(uri));
    // DAG-CBOR of `{"text": "hello", "$type": …}`, by hand.
    let mut block = b"\xa2dtextehelloe$typev".to_vec();
    block.extend(POSTS.as_bytes());
    assert_eq!(POSTS.len(), 22);
    assert_eq!(made["cid"], json!(super::verifier::cid(&block)));
    assert_eq!(made["validationStatus"], "unknown");

    let at = [("space", space.as_str()), ("repo", alice.did.as_str())];
    let record = [&at[..], &[("collection", POSTS), ("rkey", "a")]].concat();
    let value = json!({ "$type": POSTS, "text": "hello" });
    let expected = json!({ "uri": uri, "cid": made["cid"], "value": value });
    alice.query(GET, &record).await.is(200, expected);

    let again = alice
        .procedure(CREATE, &post_of(&alice, &space, "a", "x"))
        .await;
    assert_eq!(again.body["error"], "RecordAlreadyExists", "{again:#?}");
    let mut other = post_of(&alice, &space, "a", "changed");
    let replaced = alice.procedure(PUT, &other).await.output();
    assert_ne!(replaced["cid"], made["cid"]);
    other["rkey"] = json!("b");
    alice.procedure(PUT, &other).await.output();

    let listed = alice
        .query(LIST, &[&at[..], &[("limit", "1")]].concat())
        .await;
    let listed = listed.output();
    assert_eq!(listed["records"][0]["rkey"], "b");
    assert_eq!(listed["records"][0]["value"]["text"], "changed");
    let cursor = listed["cursor"].as_str().expect("there is more");
    let rest = [&at[..], &[("cursor", cursor), ("excludeValues", "true")]].concat();
    let rest = alice.query(LIST, &rest).await;
    let a = json!({ "collection": POSTS, "rkey": "a", "cid": replaced["cid"] });
    rest.is(200, json!({ "records": [a] }));

    let gone = json!({ "space": space, "repo": alice.did, "collection": POSTS, "rkey": "a" });
    for _ in 0..2 {
        alice.procedure(DELETE, &gone).await.is(200, json!({}));
    }
    let missing = alice.query(GET, &record).await;
    assert_eq!(missing.body["error"], "RecordNotFound", "{missing:#?}");
    let spaces = alice.query(SPACES, &[]).await;
    spaces.is(200, json!({ "spaces": [{ "uri": space }] }));
}

fn create(rkey: &str) -> Value {
    json!({
        "$type": "com.atproto.space.applyWrites#create",
        "collection": POSTS,
        "rkey": rkey,
        "value": { "text": rkey },
    })
}

#[tokio::test]
async fn a_list_of_writes_happens_whole_or_not_at_all() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let space = open_forum(&alice).await;
    let apply = |writes: Vec<Value>| json!({ "space": space, "repo": alice.did, "writes": writes });
    let delete = |rkey: &str| {
        json!({
            "$type": "com.atproto.space.applyWrites#delete",
            "collection": POSTS,
            "rkey": rkey,
        })
    };
    let done = alice
        .procedure(APPLY, &apply(vec![create("a"), create("b")]))
        .await;
    let results = done.output()["results"].clone();
    assert_eq!(
        results[1]["$type"],
        "com.atproto.space.applyWrites#createResult"
    );
    assert_eq!(
        results[1]["uri"],
        json!(format!("{space}/{}/{POSTS}/b", alice.did))
    );
    for (writes, error) in [
        (vec![create("c"), create("a")], "RecordAlreadyExists"),
        (vec![create("c"), delete("x")], "RecordNotFound"),
    ] {
        let refused = alice.procedure(APPLY, &apply(writes)).await;
        assert_eq!(
            (refused.status, &refused.body["error"]),
            (400, &json!(error))
        );
    }
    let at = [("space", space.as_str()), ("repo", alice.did.as_str())];
    let listed = alice.query(LIST, &at).await.output();
    assert_eq!(listed["records"].as_array().map(Vec::len), Some(2));
    let nothing = alice.procedure(APPLY, &apply(Vec::new())).await;
    nothing.is(200, json!({ "results": [] }));

    let many = |count: usize| (0..count).map(|n| create(&format!("n{n}"))).collect();
    let refused = alice.procedure(APPLY, &apply(many(201))).await;
    refused.fails(400, "InvalidRequest", "`writes` has more than 200 changes");
    let done = alice.procedure(APPLY, &apply(many(200))).await.output();
    assert_eq!(done["results"].as_array().map(Vec::len), Some(200));
}

#[tokio::test]
async fn records_are_validated_as_the_caller_wants_it() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let space = open_forum(&alice).await;
    let write = async |collection: &str, validate: Value, record: Value| {
        let mut input = json!({
            "space": space,
            "repo": alice.did,
            "collection": collection,
            "record": record,
        });
        if !validate.is_null() {
            input["validate"] = validate;
        }
        alice.procedure(CREATE, &input).await
    };
    const FOLLOW: &str = "app.bsky.graph.follow";
    let good = json!({ "subject": alice.did, "createdAt": "2026-10-01T00:00:00Z" });
    let bad = json!({ "subject": 1, "createdAt": "2026-10-01T00:00:00Z" });
    for (collection, validate, record, answer) in [
        (FOLLOW, Value::Null, &good, "valid"),
        (FOLLOW, json!(true), &good, "valid"),
        (FOLLOW, Value::Null, &bad, "InvalidRequest"),
        (FOLLOW, json!(true), &bad, "InvalidRequest"),
        (FOLLOW, json!(false), &bad, "null"),
        (POSTS, Value::Null, &bad, "unknown"),
        (POSTS, json!(true), &bad, "InvalidRequest"),
        (POSTS, json!(false), &bad, "null"),
    ] {
        let answered = write(collection, validate.clone(), record.clone()).await;
        let said = match answered.status {
            200 => &answered.body["validationStatus"],
            _ => &answered.body["error"],
        };
        let said = said.as_str().unwrap_or("null");
        assert_eq!(
            said, answer,
            "{collection} {validate} {record}: {answered:#?}"
        );
    }
}
