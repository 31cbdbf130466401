//! Reducers that fail, and what happens to what they fail at.

use serde_json::{Value, json};

use super::{Client, TOTAL, id};
use crate::support::rows::Database;
use crate::support::webhook_world;
use crate::support::{Account, TestServer};

/// Waits until a projection is as it should be.
async fn until(account: &Account<'_>, id: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let started = std::time::Instant::now();
    loop {
        let found = account
            .query("dev.loggia.projection.get", &[("id", id)])
            .await;
        let found = found.output()["projection"].take();
        if holds(&found) {
            return found;
        }
        assert!(started.elapsed() < super::PATIENCE, "{found:#}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn append(account: &Account<'_>, aggregate: &str, data: Value) -> String {
    let event = json!({ "event": {
        "aggregateId": aggregate, "eventType": "order_placed", "data": data.to_string(),
    } });
    let appended = account.procedure("dev.loggia.event.append", &event).await;
    appended.output()["event"]["id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

async fn put(account: &Account<'_>, input: Value) -> Value {
    let put = account.procedure("dev.loggia.projection.put", &input).await;
    put.output()["projection"].take()
}

#[tokio::test]
async fn a_reducer_that_fails_parks_its_projection_and_goes_on_once_it_is_put_right() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let strict = "if $event.data.amount < 0 then error(\"too little\") else
        .total = ((.total // 0) + $event.data.amount) end";
    let made = put(&alice, json!({ "reducer": strict })).await;
    let id = made["id"].as_str().expect("an id").to_owned();
    append(&alice, "order_1", json!({ "amount": 1 })).await;
    let bad = append(&alice, "order_1", json!({ "amount": -5 })).await;
    append(&alice, "order_1", json!({ "amount": 3 })).await;
    let parked = until(&alice, &id, |found| found["status"] == "parked").await;
    assert_eq!(parked["parked"]["event"], bad);
    assert_eq!(parked["parked"]["error"], "the program failed: too little");
    assert_eq!(
        (&parked["cursor"], &parked["sequence"]),
        (&json!(1), &json!(1))
    );

    put(&alice, json!({ "id": id, "reducer": TOTAL })).await;
    let found = until(&alice, &id, |found| found["cursor"] == 3).await;
    assert_eq!(
        (&found["status"], &found["sequence"]),
        (&json!("active"), &json!(3))
    );
    let listed = alice
        .query("dev.loggia.projection.listNotifications", &[("id", &id)])
        .await
        .output();
    let last = listed["notifications"][2]["state"]
        .as_str()
        .expect("JSON text");
    let last: Value = serde_json::from_str(last).expect("JSON");
    assert_eq!(last, json!({ "total": -1, "count": 2 }));
}

#[tokio::test]
async fn a_reducer_that_does_not_end_harms_nobody_else() {
    let server = TestServer::start().await;
    let (alice, mallory) = (server.account("alice"), server.account("mallory"));
    let good = put(&alice, json!({ "reducer": TOTAL })).await;
    let mut parked = Vec::new();
    for reducer in [
        "def f: f; f",
        "[range(1e18)]",
        "\"x\" * 1e9",
        "def f: 1 + f; f",
        "reduce range(100) as $i (1; [., .])",
    ] {
        let made = put(&mallory, json!({ "reducer": reducer })).await;
        parked.push(made["id"].as_str().expect("an id").to_owned());
    }
    append(&mallory, "order_1", json!({})).await;
    append(&alice, "order_1", json!({ "amount": 1 })).await;
    let good = good["id"].as_str().expect("an id");
    until(&alice, good, |found| found["sequence"] == 1).await;
    for id in parked {
        let found = until(&mallory, &id, |found| found["status"] == "parked").await;
        let error = found["parked"]["error"].as_str().expect("a text");
        assert!(error.starts_with("the program was stopped"), "{error}");
    }
}

#[tokio::test]
async fn a_state_that_is_not_of_its_type_is_no_state() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let schema = json!({
        "lexicon": 1,
        "id": "com.example.total",
        "defs": { "main": {
            "type": "object",
            "required": ["total"],
            "properties": { "total": { "type": "integer", "maximum": 10 } },
        } },
    });
    let made = put(
        &alice,
        json!({
            "reducer": ".total = ((.total // 0) + $event.data.amount)",
            "stateType": "com.example.total",
            "schemas": [schema],
        }),
    )
    .await;
    let id = made["id"].as_str().expect("an id");
    append(&alice, "order_1", json!({ "amount": 6 })).await;
    append(&alice, "order_1", json!({ "amount": 6 })).await;
    let found = until(&alice, id, |found| found["status"] == "parked").await;
    let error = found["parked"]["error"].as_str().expect("a text");
    assert!(
        error.contains("not of its type") && error.contains("total"),
        "{error}"
    );
    assert_eq!(found["sequence"], 1);
}

#[tokio::test]
async fn a_state_that_says_to_be_of_another_type_is_not_of_its_type() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let schema = json!({
        "lexicon": 1,
        "id": "com.example.total",
        "defs": { "main": { "type": "object", "properties": {} } },
    });
    let input = json!({
        "reducer": "{\"$type\": $event.data.type}",
        "stateType": "com.example.total",
        "schemas": [schema],
    });
    let made = put(&alice, input).await;
    let id = made["id"].as_str().expect("an id");
    append(&alice, "order_1", json!({ "type": "com.example.total" })).await;
    append(&alice, "order_1", json!({ "type": "com.example.other" })).await;
    let found = until(&alice, id, |found| found["status"] == "parked").await;
    let error = found["parked"]["error"].as_str().expect("a text");
    assert!(
        error.contains("$.$type: it is not com.example.total"),
        "{error}"
    );
    assert_eq!(found["sequence"], 1);
}

#[tokio::test]
async fn a_projection_may_name_by_itself_what_it_folds_into() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let made = put(
        &alice,
        json!({
            "reducer": "(. // 0) + 1",
            "key": "$event.data.customer",
            "selection": { "types": ["order_placed"], "aggregateTypes": ["order"] },
        }),
    )
    .await;
    let id = made["id"].as_str().expect("an id");
    append(&alice, "order_1", json!({ "customer": "ann" })).await;
    append(&alice, "order_2", json!({ "customer": null })).await;
    append(&alice, "basket_1", json!({ "customer": "ann" })).await;
    append(&alice, "order_3", json!({ "customer": "ann" })).await;
    append(&alice, "order_4", json!({ "customer": "bob" })).await;
    until(&alice, id, |found| found["cursor"] == 5).await;
    let listed = alice
        .query("dev.loggia.projection.listNotifications", &[("id", id)])
        .await
        .output();
    let told: Vec<_> = listed["notifications"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|told| {
            (
                told["aggregateId"].clone(),
                told["version"].clone(),
                told["state"].clone(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (json!("ann"), json!(1), json!("1")),
            (json!("ann"), json!(2), json!("2")),
            (json!("bob"), json!(1), json!("1")),
        ]
    );
    append(&alice, "order_5", json!({ "customer": 7 })).await;
    let found = until(&alice, id, |found| found["status"] == "parked").await;
    assert_eq!(
        found["parked"]["error"],
        "the key is neither a text nor null"
    );
}

#[tokio::test]
async fn what_is_wrong_with_an_upload_is_said() {
    let server = TestServer::start().await;
    let client = Client::new(&server).await;
    for (config, program, error) in [
        (json!({}), Some(". | nothing"), "InvalidProjection"),
        (json!({ "reducer": ". |" }), None, "InvalidProjection"),
        (json!({ "key": "now" }), None, "InvalidProjection"),
        (
            json!({ "stateType": "com.example.nothing" }),
            None,
            "InvalidProjection",
        ),
        (
            json!({ "selection": { "space": { "space": "x" } } }),
            None,
            "InvalidProjection",
        ),
        (
            json!({ "selection": { "records": { "collection": "posts" } } }),
            None,
            "InvalidProjection",
        ),
        (
            json!({ "notifications": { "webhook": { "url": "ftp://a" } } }),
            None,
            "InvalidUrl",
        ),
        (json!({ "projectionId": "proj_1" }), None, "NotFound"),
        (json!({ "name": 7 }), None, "InvalidRequest"),
    ] {
        let answer = client.upload(&config, program).await;
        assert_eq!(answer.body["error"], error, "{config} {answer:#?}");
    }
    let made = client.make(&json!({ "name": "orders" }), Some(TOTAL)).await;
    let again = json!({ "projectionId": id(&made) });
    let answer = client.upload(&again, Some(".")).await;
    assert_eq!((answer.status, id(&answer.body)), (200, id(&made)));
    let stranger = Client::new(&server).await;
    assert_eq!(stranger.upload(&again, Some(".")).await.status, 404);
}

#[tokio::test]
async fn what_cannot_be_read_parks_its_projection_is_shown_and_keeps_no_other_back() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let made = put(&alice, json!({ "name": "damaged", "reducer": TOTAL })).await;
    let damaged = made["id"].as_str().expect("an id").to_owned();
    let mut database = Database::sqlite(&server.data()).await;
    let changed = database
        .change("UPDATE projection SET updated_at = 9223372036854775807")
        .await;
    assert_eq!(changed, 1);
    let made = put(&alice, json!({ "reducer": TOTAL })).await;
    let well = made["id"].as_str().expect("an id").to_owned();
    append(&alice, "order_1", json!({ "amount": 1 })).await;
    until(&alice, &well, |found| found["sequence"] == 1).await;
    let found = until(&alice, &damaged, |found| found["status"] == "parked").await;
    let why = found["parked"]["error"].as_str().expect("a text");
    assert!(why.contains("unusable updated_at"), "{why}");
    assert!(found["parked"]["event"].is_null() && found["name"] == "damaged");
    let marked = "SELECT count(*) FROM projection WHERE status = 'parked'";
    webhook_world::until("it is marked", async || database.number(marked).await == 1).await;

    // Put anew it goes on; what is damaged in its history is told as well.
    put(&alice, json!({ "id": damaged, "reducer": TOTAL })).await;
    until(&alice, &damaged, |found| found["sequence"] == 1).await;
    let damage = "UPDATE event SET data = '{' WHERE position = 2";
    let pause = "UPDATE projection SET status = 'deleted'";
    let resume = "UPDATE projection SET status = 'active'";
    database.change(pause).await;
    append(&alice, "order_1", json!({ "amount": 2 })).await;
    assert_eq!(database.change(damage).await, 1);
    database.change(resume).await;
    for id in [&well, &damaged] {
        let found = until(&alice, id, |found| found["status"] == "parked").await;
        assert_eq!(found["cursor"], 1);
        let why = found["parked"]["error"].as_str().expect("a text");
        assert!(why.contains("cannot be written"), "{why}");
    }
}
