//! What others copy a repository by: commits, the log, and the whole as a file.

use serde_json::{Value, json};

use super::verifier::{Commit, digest, read};
use crate::support::spaces::{
    APPLY, COMMIT, DELETE, OPS, POSTS, PUT, REPO, SpaceReader, let_in, open_forum, post_of,
    write_post,
};
use crate::support::{Account, TestServer};

async fn write(author: &Account<'_>, space: &str) {
    write_post(author, space, "a", "one").await;
    write_post(author, space, "long-key", "one").await;
    author
        .procedure(PUT, &post_of(author, space, "a", "two"))
        .await
        .output();
    write_post(author, space, "b", "gone").await;
    let gone = json!({ "space": space, "repo": author.did, "collection": POSTS, "rkey": "b" });
    author.procedure(DELETE, &gone).await.output();
}

/// Follows the log to its end, as a syncer does; what is there then, and the commit.
async fn follow(
    server: &TestServer,
    reader: &SpaceReader,
    author: &Account<'_>,
    (space, since, limit): (&str, Option<&str>, &str),
) -> (Vec<Value>, Commit) {
    let (mut ops, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut params = vec![("space", space), ("limit", limit)];
        params.extend(since.map(|since| ("since", since)));
        params.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = reader
            .query(server, OPS, &author.did, &params)
            .await
            .output();
        ops.extend(page["ops"].as_array().expect("operations").clone());
        cursor = page["cursor"].as_str().map(str::to_owned);
        assert_eq!(cursor.is_none(), page["commit"].is_object(), "{page}");
        if cursor.is_none() {
            return (ops, Commit::of_json(&page["commit"]));
        }
    }
}

/// The records after these operations, each `COLLECTION/RKEY/CID`.
fn after(ops: &[Value]) -> Vec<String> {
    let mut records = std::collections::BTreeMap::new();
    for op in ops {
        let path = (op["collection"].to_string(), op["rkey"].to_string());
        let text = |field: &str| op[field].as_str().map(str::to_owned);
        assert_eq!(records.remove(&path), text("prev"), "{op}");
        if let Some(cid) = text("cid") {
            records.insert(path, cid);
        }
    }
    let element = |((collection, rkey), cid): ((String, String), String)| {
        format!(
            "{}/{}/{cid}",
            collection.trim_matches('"'),
            rkey.trim_matches('"')
        )
    };
    records.into_iter().map(element).collect()
}

#[tokio::test]
async fn a_reader_follows_the_log_to_the_state_that_the_author_has_signed() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let space = open_forum(&alice).await;
    let_in(&alice, &space, &bob.did, (true, true)).await;
    write(&alice, &space).await;
    let key = *alice.key.public().multikey().point();
    let reader = SpaceReader::of(&server, &bob, &space).await;
    for limit in ["1", "2", "5", "100"] {
        let (ops, commit) = follow(&server, &reader, &alice, (&space, None, limit)).await;
        commit.holds(&space, alice.did.as_str(), &key);
        assert_eq!(ops.len(), 5);
        let records = after(&ops);
        assert_eq!(digest(records.iter().map(String::as_str)), commit.hash);
        // Values are there of what is still current.
        let texts: Vec<_> = ops.iter().map(|op| op["value"]["text"].as_str()).collect();
        assert_eq!(texts, [None, Some("one"), Some("two"), None, None]);
        let newest = ops[4]["rev"].as_str().expect("a revision");
        assert_eq!(commit.rev, newest);
    }

    // Whoever has everything gets the commit alone; another page of writes goes on from there.
    let (ops, before) = follow(&server, &reader, &alice, (&space, None, "100")).await;
    let newest = ops[4]["rev"].as_str().expect("a revision");
    let (none, _) = follow(&server, &reader, &alice, (&space, Some(newest), "9")).await;
    assert!(none.is_empty());
    let create = |rkey: &str| {
        json!({
            "$type": "com.atproto.space.applyWrites#create",
            "collection": POSTS,
            "rkey": rkey,
            "value": {},
        })
    };
    let writes = [create("x"), create("y"), create("z")];
    let input = json!({ "space": space, "repo": alice.did, "writes": writes });
    alice.procedure(APPLY, &input).await.output();
    let (new, commit) = follow(&server, &reader, &alice, (&space, Some(newest), "2")).await;
    assert_eq!(new.len(), 3);
    assert!(
        new.iter().all(|op| op["rev"] == json!(commit.rev)),
        "one revision"
    );
    assert!(commit.rev > before.rev);
    let all = after(&[ops, new].concat());
    assert_eq!(digest(all.iter().map(String::as_str)), commit.hash);

    let at = [("space", space.as_str())];
    let latest = reader
        .query(&server, COMMIT, &alice.did, &at)
        .await
        .output();
    let latest = Commit::of_json(&latest["commit"]);
    latest.holds(&space, alice.did.as_str(), &key);
    assert_eq!((&latest.hash, &latest.rev), (&commit.hash, &commit.rev));
}

#[tokio::test]
async fn a_file_holds_everything_and_can_be_checked_by_itself() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let space = open_forum(&alice).await;
    write(&alice, &space).await;
    let key = *alice.key.public().multikey().point();
    // More than one part, with keys of several lengths.
    for part in 0..3 {
        let create = |number: u32| {
            json!({
                "$type": "com.atproto.space.applyWrites#create",
                "collection": POSTS,
                "rkey": format!("{}{number}", "k".repeat(number as usize % 7)),
                "value": { "number": number },
            })
        };
        let writes: Vec<_> = (part * 150..(part + 1) * 150).map(create).collect();
        let input = json!({ "space": space, "repo": alice.did, "writes": writes });
        alice.procedure(APPLY, &input).await.output();
    }
    for (exclude, blocks) in [("false", 452), ("true", 0)] {
        let params = [
            ("space", space.as_str()),
            ("repo", alice.did.as_str()),
            ("excludeValues", exclude),
        ];
        let request = server
            .call(REPO, &params, None)
            .bearer_auth(alice.token(REPO));
        let answer = request.send().await.expect("the server answers");
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/vnd.ipld.car");
        let file = answer.bytes().await.expect("a whole file");
        let snapshot = read(&file);
        let signed = &snapshot.commit;
        signed.holds(&space, alice.did.as_str(), &key);
        assert_eq!(snapshot.index.len(), 452);
        assert_eq!(snapshot.blocks.len(), blocks);
    }
}
