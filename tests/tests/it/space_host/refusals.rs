//! What the server does not do.

use serde_json::json;

use crate::support::TestServer;
use crate::support::spaces::{
    APPLY, COMMIT, CREATE, DELEGATION, GET, LIST, OPS, POSTS, PUT, REPO, SpaceReader, let_in,
    open_forum, post_of, write_post,
};

#[tokio::test]
async fn nobody_touches_or_sees_what_is_anothers() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let space = open_forum(&alice).await;
    write_post(&bob, &space, "a", "bob's").await;
    for method in [CREATE, PUT] {
        let refused = alice
            .procedure(method, &post_of(&bob, &space, "a", "x"))
            .await;
        let message = "nobody writes into the repository of another account";
        refused.fails(403, "Forbidden", message);
    }
    // Even the owner of the space, who learns neither that it is there nor that it is not.
    let carol = server.account("carol");
    for repo in [&bob.did, &carol.did] {
        let at = [("space", space.as_str()), ("repo", repo.as_str())];
        for method in [LIST, COMMIT, OPS, REPO] {
            let refused = alice.query(method, &at).await;
            let told = (refused.status, &refused.body["error"]);
            assert_eq!(told, (400, &json!("RepoNotFound")), "{method}");
        }
        let record = [&at[..], &[("collection", POSTS), ("rkey", "a")]].concat();
        let refused = alice.query(GET, &record).await;
        assert_eq!(refused.body["error"], "RepoNotFound");
    }
    let own = [("space", space.as_str()), ("repo", carol.did.as_str())];
    let unwritten = carol.query(COMMIT, &own).await;
    assert_eq!(unwritten.body["error"], "RepoNotFound", "{unwritten:#?}");
    let nobody = server
        .get(&format!("/xrpc/{LIST}?space={space}&repo={}", bob.did))
        .await;
    assert_eq!(nobody.status, 401, "{nobody:#?}");
}

#[tokio::test]
async fn there_is_no_space_but_those_that_were_opened() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let closed = format!("at://{}/space/com.example.forum/never", alice.did);
    for author in [&alice, &bob] {
        let refused = author
            .procedure(CREATE, &post_of(author, &closed, "a", "x"))
            .await;
        assert_eq!(
            (refused.status, &refused.body["error"]),
            (400, &json!("SpaceNotFound"))
        );
        let at = [("space", closed.as_str()), ("repo", author.did.as_str())];
        let refused = author.query(COMMIT, &at).await;
        assert_eq!(refused.body["error"], "SpaceNotFound", "{refused:#?}");
    }
    // Of a space elsewhere only its own host knows whether it is there.
    let elsewhere = "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/space/com.example.forum/main";
    write_post(&bob, elsewhere, "a", "x").await;
}

#[tokio::test]
async fn credentials_are_for_one_space_one_repository_and_reading() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let space = open_forum(&alice).await;
    let_in(&alice, &space, &bob.did, (true, true)).await;
    write_post(&alice, &space, "a", "x").await;
    write_post(&bob, &space, "a", "x").await;
    let reader = SpaceReader::of(&server, &bob, &space).await;
    let at = [("space", space.as_str())];
    for repo in [&alice.did, &bob.did] {
        reader.query(&server, COMMIT, repo, &at).await.output();
    }
    // Meant for one, sent about the other.
    let params = [("space", space.as_str()), ("repo", alice.did.as_str())];
    let request = reader.sign(server.call(COMMIT, &params, None), bob.did.as_str());
    let refused = server.send(request).await;
    assert_eq!(refused.body["error"], "BadSpaceAudience", "{refused:#?}");
    let other = format!("at://{}/space/com.example.forum/other", alice.did);
    let at = [("space", other.as_str())];
    let refused = reader.query(&server, COMMIT, &alice.did, &at).await;
    let message = "Credential is not scoped to this space";
    refused.fails(400, "InvalidCredential", message);
    let input = json!({ "space": space, "repo": bob.did, "writes": [] });
    let request = server.call(APPLY, &[], Some(&input));
    let refused = server.send(reader.sign(request, bob.did.as_str())).await;
    assert_eq!(
        (refused.status, &refused.body["error"]),
        (400, &json!("InvalidToken"))
    );
}

#[tokio::test]
async fn deep_and_huge_records_are_refused() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let space = open_forum(&alice).await;
    let mut deep = json!(1);
    for _ in 0..100 {
        deep = json!([deep]);
    }
    let mut input = post_of(&alice, &space, "a", "x");
    input["record"] = json!({ "text": deep });
    let refused = alice.procedure(CREATE, &input).await;
    assert_eq!(
        (refused.status, &refused.body["error"]),
        (400, &json!("InvalidRequest"))
    );
    input["record"] = json!({ "text": "x".repeat(1 << 20) });
    let refused = alice.procedure(CREATE, &input).await;
    assert_eq!(refused.status, 413, "{}", refused.body["error"]);
    input["record"] = json!({ "half": 0.5 });
    let refused = alice.procedure(CREATE, &input).await;
    assert_eq!(refused.status, 400, "{refused:#?}");
    input["record"] = json!({ "$type": "com.example.other" });
    let refused = alice.procedure(CREATE, &input).await;
    assert_eq!(refused.status, 400, "{refused:#?}");
    // Nothing of it was written.
    let at = [("space", space.as_str()), ("repo", alice.did.as_str())];
    let none = alice.query(COMMIT, &at).await;
    assert_eq!(none.body["error"], "RepoNotFound");
    let malformed = [&at[..], &[("cursor", "x")]].concat();
    write_post(&alice, &space, "a", "x").await;
    let refused = alice.query(OPS, &malformed).await;
    assert_eq!(refused.body["error"], "MalformedCursor", "{refused:#?}");
    let token = alice.query(DELEGATION, &[("space", "nonsense")]).await;
    assert_eq!(token.status, 400, "{token:#?}");
}
