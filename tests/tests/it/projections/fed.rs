//! Projections of what happens in the network and in spaces.

use serde_json::{Value, json};

use super::socket::{next, open};
use super::{Client, id};
use crate::support::spaces::{
    APPLY, DELETE, POSTS, REMOVE_MEMBER, UPDATE_SPACE, let_in, open_forum, rule, write_post,
};
use crate::support::webhook_world::{POST, WebhookWorld, post, until};
use crate::support::{Account, Arrival, Receiver, TestServer};

fn body(arrival: &Arrival) -> Value {
    serde_json::from_slice(&arrival.body).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_the_reference_pds_arrives_by_webhook_stream_and_poll() {
    let world = WebhookWorld::start();
    let server = world.server().await;
    let (alice, bob) = (world.account("alice").await, world.account("bob").await);
    let client = Client::new(&server).await;
    let mut receiver = Receiver::start();
    // How many posts somebody has: the state of an account, and not of a record.
    let config = json!({
        "selection": { "records": { "collection": POST } },
        "key": "$event.metadata.did",
        "notifications": { "webhook": { "url": receiver.url } },
    });
    let count = ".posts = ((.posts // 0) + (if $event.eventType == \"delete\" then -1
        elif $event.eventType == \"create\" then 1 else 0 end)) | .last = ($event.data.text // null)";
    let everyone = id(&client.make(&config, Some(count)).await);
    let config = json!({ "selection": { "records": { "collection": POST, "did": alice.did } } });
    let hers = id(&client.make(&config, None).await);
    let mut socket = open(&client, &format!("/projections/{everyone}/subscribe")).await;

    let first = alice.create(POST, &post("one")).await;
    let arrived = body(&receiver.next().await);
    assert_eq!(arrived["aggregateId"], alice.did);
    assert_eq!(arrived["aggregateType"], POST);
    assert_eq!(arrived["state"], json!({ "posts": 1, "last": "one" }));
    assert_eq!(next(&mut socket).await, arrived);
    assert_eq!(client.notified(&everyone, 0, 1).await, [arrived]);

    bob.create(POST, &post("two")).await;
    alice.put(&first, &post("three")).await;
    alice.delete(&first).await;
    let mut all = client.notified(&everyone, 0, 4).await;
    for (sequence, did, state) in [
        (2, &bob.did, json!({ "posts": 1, "last": "two" })),
        (3, &alice.did, json!({ "posts": 1, "last": "three" })),
        (4, &alice.did, json!({ "posts": 0, "last": null })),
    ] {
        let told = next(&mut socket).await;
        assert_eq!(
            (&told["sequence"], &told["state"], &told["aggregateId"]),
            (&json!(sequence), &state, &json!(did))
        );
        assert_eq!(all.remove(1), told);
        receiver.next().await;
    }
    check_versions(&client.notified(&hers, 0, 3).await, &first.uri);
    receiver.has_no_more();
    server.stop().await;
}

/// Of one account: its records, each with the versions of what happened to it.
#[track_caller]
fn check_versions(all: &[Value], uri: &str) {
    let versions: Vec<_> = all
        .iter()
        .map(|one| {
            assert_eq!(one["aggregateId"], uri);
            (one["version"].as_i64(), one["state"]["text"].as_str())
        })
        .collect();
    let expected = [
        (Some(1), Some("one")),
        (Some(2), Some("three")),
        (Some(3), None),
    ];
    assert_eq!(versions, expected);
}

async fn project(account: &Account<'_>, selection: &Value, url: Option<&str>) -> String {
    let mut input = json!({ "selection": selection });
    if let Some(url) = url {
        input["webhook"] = json!({ "url": url });
    }
    let put = account.procedure("dev.loggia.projection.put", &input).await;
    let put = put.output();
    put["projection"]["id"].as_str().expect("an id").to_owned()
}

/// The status, and the notifications with their states read.
async fn told(account: &Account<'_>, id: &str) -> (u16, Vec<Value>) {
    let params = [("id", id), ("afterSequence", "0")];
    let listed = account.query("dev.loggia.projection.listNotifications", &params);
    let mut listed = listed.await;
    let list = serde_json::from_value(listed.body["notifications"].take());
    let mut list: Vec<Value> = list.unwrap_or_default();
    for one in &mut list {
        let state = one["state"].as_str().expect("a text");
        one["state"] = serde_json::from_str(state).expect("JSON");
    }
    (listed.status, list)
}

async fn told_so_many(account: &Account<'_>, id: &str, count: usize) -> Vec<Value> {
    let mut found = Vec::new();
    until("so many notifications", async || {
        found = told(account, id).await.1;
        found.len() >= count
    })
    .await;
    assert_eq!(found.len(), count, "{found:#?}");
    found
}

fn texts(told: &[Value]) -> Vec<&str> {
    told.iter()
        .map(|one| one["state"]["text"].as_str().expect("a text"))
        .collect()
}

/// Who may not read a space has no projection of it, nor has a client of the API.
async fn refused(server: &TestServer, strangers: &[&Account<'_>], selection: &Value) {
    for stranger in strangers {
        let input = json!({ "selection": selection });
        let refused = stranger
            .procedure("dev.loggia.projection.put", &input)
            .await;
        assert_eq!(
            (refused.status, &refused.body["error"]),
            (400, &json!("InvalidSelection")),
            "{refused:#?}"
        );
    }
    let client = Client::new(server).await;
    let refused = client
        .upload(&json!({ "selection": selection }), None)
        .await;
    assert_eq!(
        (refused.status, &refused.body["error"]),
        (403, &json!("NotAReader"))
    );
}

#[tokio::test]
async fn a_write_in_a_space_arrives_and_only_readers_of_the_space_can_read_it() {
    let server = TestServer::start().await;
    let [alice, bob, carol, mallory] =
        ["alice", "bob", "carol", "mallory"].map(|name| server.account(name));
    let space = open_forum(&alice).await;
    let_in(&alice, &space, &bob.did, (true, true)).await;
    let_in(&alice, &space, &carol.did, (false, true)).await;
    let selection = json!({ "space": { "space": space } });
    let of_posts = json!({ "space": { "space": space, "collection": POSTS } });
    refused(&server, &[&carol, &mallory], &selection).await;
    let mut receiver = Receiver::start();
    let hers = project(&alice, &selection, Some(&receiver.url)).await;
    let his = project(&bob, &of_posts, None).await;
    write_post(&alice, &space, "a", "one").await;
    let arrived = body(&receiver.next().await);
    let uri = format!("{space}/{}/{POSTS}/a", alice.did);
    assert_eq!(arrived["aggregateId"], uri.as_str());
    assert_eq!(arrived["state"]["text"], "one");
    let (status, list) = told(&alice, &hers).await;
    assert_eq!((status, list.len()), (200, 1));
    for name in ["sequence", "aggregateId", "state", "triggeredBy"] {
        assert_eq!(list[0][name], arrived[name], "{name}");
    }
    // Carol's write counts, though she may not read.
    write_post(&carol, &space, "c", "two").await;
    assert_eq!(texts(&told_so_many(&bob, &his, 2).await), ["one", "two"]);

    // Others see neither the log nor the events.
    for other in [&carol, &mallory] {
        for id in [&hers, &his] {
            assert_eq!(told(other, id).await.0, 404);
        }
        let params = [("aggregateId", uri.as_str())];
        let listed = other.query("dev.loggia.event.list", &params).await;
        assert_eq!(listed.output(), json!({ "events": [] }));
    }

    removed(&alice, &bob, &space, (&hers, &his)).await;
}

/// Who is no member any more hears no more, and reads no more.
async fn removed(alice: &Account<'_>, bob: &Account<'_>, space: &str, (hers, his): (&str, &str)) {
    let uri = format!("{space}/{}/{POSTS}/a", alice.did);
    let input = json!({ "space": space, "did": bob.did });
    let gone = alice.procedure(REMOVE_MEMBER, &input).await;
    assert_eq!(gone.status, 200, "{gone:#?}");
    write_post(alice, space, "b", "three").await;
    assert_eq!(told_so_many(alice, hers, 3).await.len(), 3);
    assert_eq!(told(bob, his).await.0, 403);
    let params = [("aggregateId", uri.as_str())];
    let listed = bob.query("dev.loggia.event.list", &params).await;
    assert_eq!(listed.output(), json!({ "events": [] }));
    // What happened while they were away stays unknown.
    let_in(alice, space, &bob.did, (true, true)).await;
    write_post(bob, space, "d", "four").await;
    assert_eq!(
        texts(&told_so_many(bob, his, 3).await),
        ["one", "two", "four"]
    );
}

#[tokio::test]
async fn every_change_of_one_write_is_an_event_and_a_public_space_is_for_all() {
    let server = TestServer::start().await;
    let (alice, mallory) = (server.account("alice"), server.account("mallory"));
    let space = open_forum(&alice).await;
    let public = json!({ "space": space, "readPolicy": rule("publicPolicy") });
    let updated = alice.procedure(UPDATE_SPACE, &public).await;
    assert_eq!(updated.status, 200, "{updated:#?}");
    let selection = json!({ "space": { "space": space } });
    let id = project(&mallory, &selection, None).await;
    let write = |action: &str, text: Option<&str>| {
        let mut write = json!({
            "$type": format!("com.atproto.space.applyWrites#{action}"),
            "collection": POSTS,
            "rkey": "a",
        });
        if let Some(text) = text {
            write["value"] = json!({ "text": text });
        }
        write
    };
    // The same record, four times in one revision.
    let writes = [
        write("create", Some("one")),
        write("update", Some("two")),
        write("delete", None),
        write("create", Some("three")),
    ];
    let input = json!({ "space": space, "repo": alice.did, "writes": writes });
    let applied = alice.procedure(APPLY, &input).await;
    assert_eq!(applied.status, 200, "{applied:#?}");
    let found = told_so_many(&mallory, &id, 4).await;
    let states: Vec<_> = found.iter().map(|one| &one["state"]["text"]).collect();
    assert_eq!(
        states,
        [&json!("one"), &json!("two"), &Value::Null, &json!("three")]
    );
    let versions: Vec<_> = found.iter().map(|one| one["version"].as_i64()).collect();
    assert_eq!(versions, [Some(1), Some(2), Some(3), Some(4)]);
    let gone = json!({ "space": space, "repo": alice.did, "collection": POSTS, "rkey": "a" });
    alice.procedure(DELETE, &gone).await.output();
    assert_eq!(
        told_so_many(&mallory, &id, 5).await[4]["state"],
        Value::Null
    );
}
