//! `dev.loggia.delivery.*`: what is sent, what became of it, and sending it again.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::endpoints::{DELETE, ENABLE, STATS, make};
use crate::support::{Account, Closed, Receiver, TestServer};

pub const SEND: &str = "dev.loggia.delivery.send";
pub const GET: &str = "dev.loggia.delivery.get";
pub const LIST: &str = "dev.loggia.delivery.list";
pub const REPLAY: &str = "dev.loggia.delivery.replay";
pub const REPLAY_ALL: &str = "dev.loggia.delivery.replayAll";
pub const GET_REPLAY: &str = "dev.loggia.delivery.getReplay";
pub const CANCEL: &str = "dev.loggia.delivery.cancel";

const KIND: &str = "com.example.happened";
const LONG_AGO: &str = "2020-01-01T00:00:00Z";

/// Sends something; the id of the notification.
pub async fn send(account: &Account<'_>, input: Value) -> String {
    let mut whole = json!({ "kind": KIND, "subject": "a thing", "body": { "x": 1 } });
    for (key, value) in input.as_object().expect("an object") {
        whole[key] = value.clone();
    }
    let output = account.procedure(SEND, &whole).await.output();
    output["id"].as_str().expect("an id").to_owned()
}

/// The delivery, once it is in this state.
pub async fn until(account: &Account<'_>, id: (&str, &str), state: &str) -> Value {
    let params = [("notification", id.0), ("endpoint", id.1)];
    loop {
        let found = account.query(GET, &params).await.output();
        if found["delivery"]["state"] == state {
            return found;
        }
        tokio::task::yield_now().await;
    }
}

async fn list(account: &Account<'_>, params: &[(&str, &str)]) -> Vec<Value> {
    list_after(account, params, None).await
}

async fn list_after(
    account: &Account<'_>,
    params: &[(&str, &str)],
    cursor: Option<&str>,
) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor = cursor.map(str::to_owned);
    loop {
        let mut params = params.to_vec();
        params.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let output = account.query(LIST, &params).await.output();
        all.extend(output["deliveries"].as_array().expect("a list").clone());
        match output.get("cursor") {
            Some(next) => cursor = Some(next.as_str().expect("a cursor").to_owned()),
            None => return all,
        }
    }
}

#[tokio::test]
async fn what_is_sent_goes_to_those_that_want_it_and_is_on_record() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let (mut wanting, mut named) = (Receiver::start(), Receiver::start());
    let input = json!({ "url": wanting.url, "kinds": [KIND] });
    let (first, secret) = make(&alice, input).await;
    let (second, other) = make(&alice, json!({ "url": named.url })).await;

    let body = json!({ "kind": KIND, "subject": "a thing", "body": { "b": [1, "x"], "a": null } });
    let sent = alice.procedure(SEND, &body).await.output();
    assert_eq!(sent["deliveries"], 1, "{sent}");
    let arrived = wanting.next().await;
    assert_eq!(arrived.verified(&secret), body["body"]);
    let id = sent["id"].as_str().expect("an id");
    let found = until(&alice, (id, &first), "delivered").await;
    let delivery = &found["delivery"];
    let expected = json!({
        "notification": id,
        "endpoint": first,
        "kind": KIND,
        "subject": "a thing",
        "state": "delivered",
        "attempts": 1,
        "createdAt": delivery["createdAt"],
        "endedAt": delivery["endedAt"],
        "deadline": delivery["deadline"],
    });
    assert_eq!(*delivery, expected);
    assert_eq!(found["body"], body["body"]);
    let attempt = &found["attempts"][0];
    assert_eq!(
        (&attempt["number"], &attempt["status"]),
        (&json!(1), &json!(204))
    );
    assert_eq!(list(&alice, &[]).await, [expected]);

    // The named one as well, and the same source only once.
    let again = json!({ "endpoints": [second, first], "source": "event 1" });
    let id = send(&alice, again.clone()).await;
    named.next().await.verified(&other);
    wanting.next().await;
    assert_eq!(send(&alice, again).await, id);
    let mut repeated = json!({ "kind": KIND, "subject": "", "body": {}, "source": "event 1" });
    repeated["endpoints"] = json!([second]);
    let repeated = alice.procedure(SEND, &repeated).await;
    repeated.is(200, json!({ "id": id, "deliveries": 0 }));
    // The same name for another kind of thing is another source.
    let other = json!({ "kind": "com.example.other", "source": "event 1" });
    assert_ne!(send(&alice, other).await, id);
    // Another account's source of the same name is another source.
    let bob = server.account("bob");
    let other = send(&bob, json!({ "source": "event 1" })).await;
    assert_ne!(other, id);
    until(&alice, (&id, &first), "delivered").await;
    wanting.has_no_more();
    named.has_no_more();
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused() {
    let server = TestServer::start().await;
    let (alice, mallory) = (server.account("alice"), server.account("mallory"));
    let receiver = Receiver::start();
    let (id, _) = make(&alice, json!({ "url": receiver.url })).await;
    let sent = |change: Value| {
        let mut input = json!({ "kind": KIND, "subject": "", "body": {} });
        for (key, value) in change.as_object().expect("an object") {
            input[key] = value.clone();
        }
        input
    };
    let large = "x".repeat(512 * 1024);
    for (change, status, error) in [
        (json!({ "endpoints": [id] }), 404, "NotFound"),
        (json!({ "endpoints": ["x"] }), 404, "NotFound"),
        (json!({ "endpoints": [] }), 400, "InvalidRequest"),
        (json!({ "kind": "x" }), 400, "InvalidRequest"),
        (
            json!({ "kind": "dev.loggia.endpoint.disabled" }),
            400,
            "ReservedKind",
        ),
        (json!({ "subject": "a\0" }), 400, "InvalidRequest"),
        (json!({ "source": "a\0" }), 400, "InvalidRequest"),
        (json!({ "body": "text" }), 400, "InvalidRequest"),
        (json!({ "body": { "x": large } }), 413, "BodyTooLarge"),
        (json!({ "expiresAt": LONG_AGO }), 400, "InvalidExpiry"),
        (
            json!({ "expiresAt": "2999-01-01T00:00:00Z" }),
            400,
            "InvalidExpiry",
        ),
    ] {
        let answer = mallory.procedure(SEND, &sent(change)).await;
        let found = (
            answer.status,
            answer.body["error"].as_str().unwrap_or_default(),
        );
        assert_eq!(found, (status, error), "{:?}", answer.body["message"]);
    }
    let nobody = mallory.procedure(SEND, &sent(json!({}))).await.output();
    assert_eq!(nobody["deliveries"], 0);
}

#[tokio::test]
async fn somebody_elses_deliveries_are_as_good_as_none() {
    let server = TestServer::start().await;
    let (alice, mallory) = (server.account("alice"), server.account("mallory"));
    let mut receiver = Receiver::answering(&[400]);
    let (endpoint, _) = make(&alice, json!({ "url": receiver.url })).await;
    let id = send(&alice, json!({ "endpoints": [endpoint] })).await;
    receiver.next().await;
    let before = until(&alice, (&id, &endpoint), "abandoned").await;
    let replay = json!({ "endpoint": endpoint, "since": LONG_AGO });
    let own = alice.procedure(REPLAY_ALL, &replay).await.output();
    let own = own["replay"]["id"].as_str().expect("an id").to_owned();
    receiver.next().await;
    until(&alice, (&id, &endpoint), "delivered").await;

    let both = json!({ "notification": id, "endpoint": endpoint });
    for (method, input) in [
        (REPLAY, both.clone()),
        (CANCEL, both),
        (CANCEL, json!({ "endpoint": endpoint })),
        (REPLAY_ALL, replay),
    ] {
        let answer = mallory.procedure(method, &input).await;
        assert_eq!(
            (answer.status, &answer.body["error"]),
            (404, &json!("NotFound")),
            "{method}"
        );
    }
    let params = [
        ("notification", id.as_str()),
        ("endpoint", endpoint.as_str()),
    ];
    for (method, params) in [
        (GET, &params[..]),
        (LIST, &params[1..]),
        (GET_REPLAY, &[("id", own.as_str())][..]),
    ] {
        let answer = mallory.query(method, params).await;
        assert_eq!(
            (answer.status, &answer.body["error"]),
            (404, &json!("NotFound")),
            "{method}"
        );
    }
    assert!(list(&mallory, &[]).await.is_empty());
    assert_eq!(before["delivery"]["reason"], "permanent");
    receiver.has_no_more();
}

#[tokio::test]
async fn a_dead_letter_is_replayed_with_the_same_id_and_numbered_on() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let mut receiver = Receiver::answering(&[400]);
    let (endpoint, secret) = make(&alice, json!({ "url": receiver.url })).await;
    let id = send(&alice, json!({ "endpoints": [endpoint] })).await;
    let first = receiver.next().await;
    until(&alice, (&id, &endpoint), "abandoned").await;
    let both = json!({ "notification": id, "endpoint": endpoint });
    let replayed = alice.procedure(REPLAY, &both).await.output();
    assert_eq!(replayed["delivery"]["attempts"], 1, "{replayed}");
    let second = receiver.next().await;
    second.verified(&secret);
    assert_eq!(second.header("webhook-id"), first.header("webhook-id"));
    let found = until(&alice, (&id, &endpoint), "delivered").await;
    assert_eq!(found["delivery"]["attempts"], 2);
    let numbers: Vec<_> = found["attempts"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|attempt| (attempt["number"].clone(), attempt["status"].clone()))
        .collect();
    assert_eq!(numbers, [(json!(1), json!(400)), (json!(2), json!(204))]);

    alice
        .procedure(DELETE, &json!({ "id": endpoint }))
        .await
        .output();
    let refused = alice.procedure(REPLAY, &both).await;
    assert_eq!(refused.body["error"], "EndpointDisabled");
    let kept = alice
        .query(GET, &[("notification", &id), ("endpoint", &endpoint)])
        .await;
    assert_eq!(kept.output()["delivery"]["state"], "delivered");
    let stats = alice.query(STATS, &[("id", &endpoint)]).await.output();
    assert_eq!(
        (&stats["deliveries"]["delivered"], &stats["attempts"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(stats["lastError"]["status"], 400);
    assert!(stats["latency"]["p99"].is_number(), "{stats}");
}

#[tokio::test]
async fn what_waits_can_be_cancelled_and_what_has_ended_is_not_replayed_twice() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let closed = Closed::new();
    let (endpoint, _) = make(&alice, json!({ "url": closed.url })).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(send(&alice, json!({ "endpoints": [endpoint] })).await);
    }
    let one = json!({ "notification": ids[0], "endpoint": endpoint });
    let refused = alice.procedure(REPLAY, &one).await;
    refused.fails(400, "NotEnded", "The delivery is still on its way.");
    alice
        .procedure(CANCEL, &one)
        .await
        .is(200, json!({ "cancelled": 1 }));
    alice
        .procedure(CANCEL, &one)
        .await
        .is(200, json!({ "cancelled": 0 }));
    alice
        .procedure(CANCEL, &json!({ "endpoint": endpoint }))
        .await
        .is(200, json!({ "cancelled": 2 }));
    let cancelled = list(&alice, &[("state", "cancelled")]).await;
    assert_eq!(cancelled.len(), 3);
    for delivery in &cancelled {
        assert_eq!(delivery["reason"], "owner", "{delivery}");
    }
    assert!(list(&alice, &[("state", "pending")]).await.is_empty());
    // Sent again, and to where the endpoint is then.
    let mut receiver = closed.open(&[]);
    alice.procedure(REPLAY, &one).await.output();
    assert_eq!(receiver.next().await.header("webhook-id"), ids[0]);
    until(&alice, (&ids[0], &endpoint), "delivered").await;
    receiver.has_no_more();
}

#[tokio::test]
async fn lists_are_filtered_and_pages_hold_while_more_comes_in() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let receiver = Receiver::start();
    let (first, _) = make(&alice, json!({ "url": receiver.url })).await;
    let (second, _) = make(&alice, json!({ "url": receiver.url })).await;
    let mut ids = Vec::new();
    for number in 0..7 {
        let endpoint = if number % 3 == 0 { &second } else { &first };
        let kind = format!("com.example.kind{}", number % 2);
        ids.push(send(&alice, json!({ "endpoints": [endpoint], "kind": kind })).await);
    }
    ids.reverse();
    let found = |deliveries: &[Value]| -> Vec<String> {
        let id = |delivery: &Value| delivery["notification"].as_str().map(str::to_owned);
        deliveries.iter().filter_map(id).collect()
    };
    let page = alice.query(LIST, &[("limit", "3")]).await.output();
    send(&alice, json!({ "endpoints": [first] })).await;
    let cursor = page["cursor"].as_str().expect("a cursor");
    let rest = list_after(&alice, &[("limit", "3")], Some(cursor)).await;
    let all = [page["deliveries"].as_array().expect("a list"), &rest[..]].concat();
    assert_eq!(found(&all), ids);
    let of = list(&alice, &[("endpoint", &second), ("limit", "1")]).await;
    assert_eq!(found(&of), [&ids[0][..], &ids[3], &ids[6]]);
    let kind = list(&alice, &[("kind", "com.example.kind1"), ("limit", "2")]).await;
    assert_eq!(found(&kind), [&ids[1][..], &ids[3], &ids[5]]);
    let future = list(&alice, &[("since", "2999-01-01T00:00:00Z")]).await;
    assert!(future.is_empty());
    for cursor in ["x", "AAAA"] {
        let refused = alice.query(LIST, &[("cursor", cursor)]).await;
        refused.fails(
            400,
            "InvalidCursor",
            "Not a cursor that this method gave out.",
        );
    }
}

/// A thousand dead letters, a server that stops in the middle of their replay, and one that goes on.
#[tokio::test]
async fn a_replay_of_a_thousand_goes_on_after_a_restart() {
    const LETTERS: usize = 1000;
    let server = TestServer::start().await;
    let alice = server.account("alice");
    // Disabled at first: everything that is sent ends at once.
    let mut receiver = Receiver::answering(&[410]);
    let input = json!({ "url": receiver.url, "kinds": [KIND] });
    let (endpoint, _) = make(&alice, input).await;
    let first = send(&alice, json!({})).await;
    receiver.next().await;
    until(&alice, (&first, &endpoint), "cancelled").await;
    for _ in 1..LETTERS {
        send(&alice, json!({})).await;
    }
    let replay = json!({ "endpoint": endpoint, "since": LONG_AGO, "states": ["cancelled"] });
    let refused = alice.procedure(REPLAY_ALL, &replay).await;
    assert_eq!(refused.body["error"], "EndpointDisabled");
    alice
        .procedure(ENABLE, &json!({ "id": endpoint }))
        .await
        .output();
    let begun = alice.procedure(REPLAY_ALL, &replay).await.output();
    assert_eq!(begun["replay"]["matched"], LETTERS, "{begun}");
    let id = begun["replay"]["id"].as_str().expect("an id").to_owned();
    let second = alice.procedure(REPLAY_ALL, &replay).await;
    if second.status != 200 {
        assert_eq!(
            (second.status, &second.body["error"]),
            (409, &json!("ReplayRunning"))
        );
    }
    let port = server.port();
    let folder = server.stop().await;
    let server = TestServer::start_in(folder, |config| config.bind.set_port(port)).await;
    let alice = server.account("alice");
    let mut arrived = BTreeSet::new();
    while arrived.len() < LETTERS {
        let arrival = receiver.next().await;
        arrived.insert(arrival.header("webhook-id").to_owned());
    }
    assert!(arrived.contains(&first));
    let ended = loop {
        let found = alice.query(GET_REPLAY, &[("id", &id)]).await.output();
        if found["replay"]["status"] != "running" {
            break found;
        }
        tokio::task::yield_now().await;
    };
    let replay = &ended["replay"];
    assert_eq!(
        (&replay["status"], &replay["replayed"]),
        (&json!("done"), &json!(LETTERS))
    );
    assert!(replay["endedAt"].is_string(), "{replay}");
}
