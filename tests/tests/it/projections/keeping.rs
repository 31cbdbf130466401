//! What projections that read elsewhere may cost: how many there are, and how long events are kept.

use jiff::SignedDuration;
use loggia_delivery::{Clock as _, SystemClock};
use loggia_server::daily::{Daily, Kept};
use loggia_server::projections::sources::{Contents, RecordChange, take};
use loggia_storage::Storage;
use loggia_syntax::{Did, Nsid, RecordKey};
use serde_json::{Value, json};

use super::{Client, store};
use crate::support::webhook_world::until;
use crate::support::{Account, TestServer};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Reads all posts.
fn posts() -> Value {
    json!({ "records": { "collection": "com.example.post" } })
}

/// Puts a projection; its id.
async fn made(account: &Account<'_>, input: &Value) -> Value {
    let put = account.procedure("dev.loggia.projection.put", input).await;
    put.output()["projection"]["id"].take()
}

/// Appends an event of an order.
async fn paid(account: &Account<'_>) {
    let event = json!({ "event": {
        "aggregateId": "order_1", "eventType": "paid", "data": "{\"n\":1}",
    } });
    let appended = account.procedure("dev.loggia.event.append", &event).await;
    appended.output();
}

async fn shown(account: &Account<'_>, id: &Value) -> Value {
    let params = [("id", id.as_str().expect("an id"))];
    let found = account.query("dev.loggia.projection.get", &params).await;
    found.output()["projection"].take()
}

async fn settled(account: &Account<'_>, id: &Value, status: &str, cursor: i64) -> Value {
    let mut found = Value::Null;
    until("the projection is there", async || {
        found = shown(account, id).await;
        found["cursor"] == cursor && found["status"] == status
    })
    .await;
    found
}

/// A post of somebody's, or a change of it.
async fn post(storage: &Storage, rev: &str, action: &str, record: &str) {
    let author = Did::new("did:plc:author").expect("a DID");
    let collection = Nsid::from_static("com.example.post");
    let rkey = RecordKey::new("self").expect("a key");
    let change = RecordChange {
        space: None,
        author: &author,
        collection: &collection,
        rkey: &rkey,
        rev,
        place: 0,
        action,
        cid: Some("bafy"),
        record: Some(Contents::Json(record.as_bytes())),
    };
    let mut tx = storage.begin().await.expect("begins");
    let taken = take(storage, &mut tx, &[change], SystemClock.now()).await;
    assert_eq!(taken.expect("takes"), 1);
    tx.commit().await.expect("commits");
}

/// The daily sweep of a server.
async fn daily(server: &TestServer) -> Daily {
    let kept = Kept {
        delivered: 7 * DAY,
        dead_letters: 30 * DAY,
        source_events: 30 * DAY,
        space_log: 30 * DAY,
    };
    Daily::new(store(server).await, None, kept)
}

/// Sweeps as in so many days; the positions of the account's events that are left.
async fn swept(daily: &Daily, storage: &Storage, account: &Account<'_>, days: i32) -> Vec<i64> {
    let swept = daily.sweep_if_due(SystemClock.now() + DAY * days).await;
    swept.expect("sweeps").expect("is due");
    let left = storage.events().after(&account.did, 0, 9).await;
    let left = left.expect("reads");
    left.iter().map(|event| event.position).collect()
}

#[tokio::test]
async fn projections_that_read_elsewhere_are_so_many_and_no_more() {
    let server = TestServer::start_with(|config| {
        config.reading_projections_per_account = 2;
        config.stream_projections = 3;
    })
    .await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let put = async |account: &Account<'_>, input: &Value| {
        account.procedure("dev.loggia.projection.put", input).await
    };
    let reading = json!({ "selection": posts() });
    let first = put(&alice, &reading).await.output()["projection"]["id"].take();
    put(&alice, &reading).await.output();
    put(&alice, &reading).await.fails(
        400,
        "TooManyProjections",
        "an account can have 2 projections that read the record stream or spaces: delete one first",
    );
    // One that reads what its owner appends is another matter, and one that reads already is no more.
    let own = put(&alice, &json!({})).await.output()["projection"]["id"].take();
    let again = json!({ "id": first, "selection": posts() });
    put(&alice, &again).await.output();
    let turned = json!({ "id": own, "selection": posts() });
    assert_eq!(
        put(&alice, &turned).await.body["error"],
        "TooManyProjections"
    );
    put(&bob, &reading).await.output();
    put(&bob, &reading).await.fails(
        400,
        "SourceFull",
        "3 projections read this source, and no more can on this server",
    );
    let client = Client::new(&server).await;
    let refused = client.upload(&reading, None).await;
    assert_eq!(
        (refused.status, &refused.body["error"]),
        (409, &json!("SourceFull"))
    );
    let gone = json!({ "id": first });
    alice
        .procedure("dev.loggia.projection.delete", &gone)
        .await
        .output();
    client.make(&reading, None).await;
}

#[tokio::test]
async fn what_sources_told_goes_after_some_days_and_what_owners_append_stays() {
    let server = TestServer::start().await;
    let (alice, storage) = (server.account("alice"), store(&server).await);
    let put = async |input: Value| made(&alice, &input).await;
    let strict = "if $event.data.bad then error(\"bad\") else $event.data end";
    let well = put(json!({ "selection": posts() })).await;
    let parked = put(json!({ "selection": posts(), "reducer": strict })).await;
    let own = put(json!({})).await;
    paid(&alice).await;
    post(&storage, "3ka", "create", r#"{"n":1}"#).await;
    post(&storage, "3kb", "update", r#"{"bad":true}"#).await;
    settled(&alice, &well, "active", 3).await;
    settled(&alice, &own, "active", 3).await;
    settled(&alice, &parked, "parked", 2).await;

    let daily = daily(&server).await;
    let sweep = async |days| swept(&daily, &storage, &alice, days).await;
    assert_eq!(sweep(29).await, [1, 2, 3]);
    assert_eq!(shown(&alice, &well).await["historyFrom"], Value::Null);
    // Parked for as long, it holds nothing back any more.
    assert_eq!(sweep(32).await, [1]);
    assert!(shown(&alice, &well).await["historyFrom"].is_string());
    assert_eq!(shown(&alice, &own).await["historyFrom"], Value::Null);

    // Put right, it goes on with what is there; and a new beginning is of that, too.
    let id = parked.clone();
    put(json!({ "id": id, "selection": posts() })).await;
    settled(&alice, &parked, "active", 3).await;
    let input = json!({ "id": own });
    alice
        .procedure("dev.loggia.projection.reactivate", &input)
        .await
        .output();
    assert_eq!(settled(&alice, &own, "active", 3).await["sequence"], 2);
}

#[tokio::test]
async fn versions_outlive_what_sources_told_by_a_year_and_those_of_states_do_not_end() {
    let server = TestServer::start().await;
    let (alice, storage) = (server.account("alice"), store(&server).await);
    let reader = made(&alice, &json!({ "selection": posts() })).await;
    let daily = daily(&server).await;
    let sweep = async |days| swept(&daily, &storage, &alice, days).await;
    // The version of the last event, and that of the state that it made.
    let told = async |position| {
        settled(&alice, &reader, "active", position).await;
        let events = storage.events().after(&alice.did, position - 1, 1).await;
        let params = [("id", reader.as_str().expect("an id"))];
        let listed = alice.query("dev.loggia.projection.listNotifications", &params);
        let told = listed.await.output()["notifications"].take();
        let told = told.as_array().and_then(|all| all.last()).cloned();
        let version = told.expect("one")["version"].as_i64();
        (
            events.expect("reads")[0].version,
            version.expect("a number"),
        )
    };
    post(&storage, "3ka", "create", r#"{"n":1}"#).await;
    assert_eq!(told(1).await, (1, 1));
    assert!(sweep(32).await.is_empty());
    post(&storage, "3kb", "update", r#"{"n":2}"#).await;
    assert_eq!(told(2).await, (2, 2));
    assert!(sweep(34).await.is_empty());
    assert!(sweep(32 + 365).await.is_empty());
    post(&storage, "3kc", "update", r#"{"n":3}"#).await;
    assert_eq!(told(3).await, (3, 3));
    assert!(sweep(33 + 365).await.is_empty());
    assert!(sweep(35 + 2 * 365).await.is_empty());
    post(&storage, "3kd", "update", r#"{"n":4}"#).await;
    assert_eq!(told(4).await, (1, 4));
}
