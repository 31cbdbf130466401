//! Blobs that records refer to.

use serde_json::{Value, json};

use crate::support::spaces::{
    APPLY, CREATE, LIST_MEMBERS, POSTS, PUT, SPACES, open_forum, post_of, write_post,
};
use crate::support::{Account, TestServer};

const UPLOAD: &str = "com.atproto.repo.uploadBlob";
const LIST_BLOBS: &str = "com.atproto.space.listBlobs";

/// Uploads a picture of three bytes; the reference to it.
async fn upload(server: &TestServer, author: &Account<'_>) -> Value {
    let request = server.post(&format!("/xrpc/{UPLOAD}"));
    let request = request.header("content-type", "image/png").body("one");
    let answer = server.send(request.bearer_auth(author.token(UPLOAD))).await;
    answer.output()["blob"].take()
}

/// The reference with another word in it.
fn saying(blob: &Value, field: &str, value: Value) -> Value {
    let mut blob = blob.clone();
    blob[field] = value;
    blob
}

#[tokio::test]
async fn a_record_says_of_a_blob_what_is_so() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let space = open_forum(&alice).await;
    let blob = upload(&server, &alice).await;
    assert_eq!(
        (&blob["size"], &blob["mimeType"]),
        (&json!(3), &json!("image/png"))
    );
    let cid = blob["ref"]["$link"].as_str().expect("a link");
    let record = |blob: &Value| json!({ "text": "x", "embed": [{ "image": blob }] });

    for (wrong, error, message) in [
        (
            saying(&blob, "mimeType", json!("image/gif")),
            "InvalidMimeType",
            format!("the blob {cid} was uploaded as image/png, and the record says \"image/gif\""),
        ),
        (
            saying(&blob, "size", json!(4)),
            "InvalidSize",
            format!("the blob {cid} has 3 bytes, and the record says 4"),
        ),
    ] {
        let mut input = post_of(&alice, &space, "a", "x");
        input["record"] = record(&wrong);
        for method in [CREATE, PUT] {
            let answer = alice.procedure(method, &input).await;
            answer.fails(400, error, &message);
        }
        let write = json!({
            "$type": "com.atproto.space.applyWrites#create",
            "collection": POSTS,
            "rkey": "a",
            "value": record(&wrong),
        });
        let writes = json!({ "space": space, "repo": alice.did, "writes": [write] });
        let answer = alice.procedure(APPLY, &writes).await;
        answer.fails(400, error, &message);
    }

    let mut input = post_of(&alice, &space, "a", "x");
    input["record"] = record(&blob);
    alice.procedure(CREATE, &input).await.output();
    let at = [("space", space.as_str()), ("repo", alice.did.as_str())];
    let listed = alice.query(LIST_BLOBS, &at).await;
    listed.is(200, json!({ "cids": [cid] }));
}

/// No database sees one: PostgreSQL has no such text.
#[tokio::test]
async fn no_cursor_holds_a_nul() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let space = open_forum(&alice).await;
    write_post(&alice, &space, "a", "x").await;
    let (space, cursor) = (("space", space.as_str()), ("cursor", "a\0"));
    let message = "`cursor` holds a NUL character (U+0000) at byte 1: leave it out";
    for (method, params) in [
        (
            LIST_BLOBS,
            vec![space, ("repo", alice.did.as_str()), cursor],
        ),
        (LIST_MEMBERS, vec![space, cursor]),
        (SPACES, vec![cursor]),
    ] {
        let answer = alice.query(method, &params).await;
        answer.fails(400, "InvalidRequest", message);
    }
}

#[tokio::test]
async fn a_cursor_that_nobody_gave_out_is_refused() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let space = open_forum(&alice).await;
    write_post(&alice, &space, "a", "x").await;
    let (space, cursor) = (("space", space.as_str()), ("cursor", "bad"));
    let message = "`cursor` is not one that this method gave";
    for (method, params) in [
        (
            LIST_BLOBS,
            vec![space, ("repo", alice.did.as_str()), cursor],
        ),
        (LIST_MEMBERS, vec![space, cursor]),
        (SPACES, vec![cursor]),
        ("com.atproto.space.listRepos", vec![space, cursor]),
    ] {
        let answer = alice.query(method, &params).await;
        answer.fails(400, "InvalidRequest", message);
    }
}
