//! What receivers of Hapnd's notifications were promised.

use std::time::Duration;

use jiff::SignedDuration;
use loggia_delivery::{Clock as _, SystemClock};
use loggia_server::archive::{Archive, ArchivePlace};
use loggia_server::daily::{Daily, Kept};
use serde_json::{Value, json};

use super::{Client, TOTAL, id, store};
use crate::support::{Arrival, Receiver, TestServer, by_openssl};

pub fn hook(url: &str) -> Value {
    json!({ "notifications": { "webhook": { "url": url } } })
}

fn isolated(url: &str) -> Value {
    json!({ "notifications": { "webhook": { "url": url, "isolateSecret": true } } })
}

pub fn secret(uploaded: &Value) -> String {
    let secret = &uploaded["notifications"]["webhook"]["secret"];
    secret.as_str().expect("a secret").to_owned()
}

#[track_caller]
pub fn is_signed(arrival: &Arrival, secret: &str) {
    let signature = arrival.header("x-hapnd-signature");
    assert_eq!(signature, by_openssl(secret, &arrival.body));
}

fn body(arrival: &Arrival) -> Value {
    serde_json::from_slice(&arrival.body).expect("JSON")
}

#[tokio::test]
async fn an_upload_shows_the_secret_that_projections_share_or_one_of_its_own() {
    let server = TestServer::start().await;
    let client = Client::new(&server).await;
    let receiver = Receiver::start();
    let one = client.make(&hook(&receiver.url), None).await;
    let other = client.make(&hook(&receiver.url), None).await;
    let own = client.make(&isolated(&receiver.url), None).await;
    for (uploaded, isolated) in [(&one, false), (&other, false), (&own, true)] {
        let webhook = &uploaded["notifications"]["webhook"];
        let text = secret(uploaded);
        assert!(text.starts_with("whsec_"), "{text}");
        let expected = json!({ "enabled": true, "secret": text, "isolated": isolated });
        assert_eq!(*webhook, expected);
        assert_eq!(uploaded["success"], true);
        assert!(id(uploaded).starts_with("proj_"));
    }
    assert_eq!(secret(&one), secret(&other));
    assert_ne!(secret(&one), secret(&own));
    let stranger = Client::new(&server).await;
    let theirs = stranger.make(&hook(&receiver.url), None).await;
    assert_ne!(secret(&one), secret(&theirs));
}

#[tokio::test]
async fn each_change_of_a_state_is_one_post_with_the_next_number() {
    let server = TestServer::start().await;
    let client = Client::new(&server).await;
    let mut receiver = Receiver::start();
    let uploaded = client.make(&hook(&receiver.url), Some(TOTAL)).await;
    let id = id(&uploaded);
    let first = client.order("order_1", 100).await;
    client.order("order_1", 0).await;
    client.order("order_2", 7).await;
    let last = client.order("order_1", 25).await;
    let mut arrived = Vec::new();
    for _ in 0..3 {
        let arrival = receiver.next().await;
        assert_eq!(arrival.header("content-type"), "application/json");
        assert_eq!(arrival.header("x-hapnd-attempt"), "1");
        is_signed(&arrival, &secret(&uploaded));
        let body = body(&arrival);
        let name = format!("{id}-{}", body["sequence"]);
        assert_eq!(arrival.header("x-hapnd-delivery-id"), name);
        arrived.push(body);
    }
    arrived.sort_by_key(|body| body["sequence"].as_i64());
    let expected = |number: i64, event: &Value, version: i64, state: Value, timestamp: &Value| {
        json!({
            "type": "projection.state_changed",
            "sequence": number,
            "projectionId": id,
            "aggregateId": event["aggregateId"],
            "aggregateType": "order",
            "version": version,
            "state": state,
            "triggeredBy": event["eventId"],
            "timestamp": timestamp,
        })
    };
    let state = json!({ "total": 100, "count": 1 });
    assert_eq!(
        arrived[0],
        expected(1, &first, 1, state, &arrived[0]["timestamp"])
    );
    assert_eq!(arrived[1]["aggregateId"], "order_2");
    let state = json!({ "total": 125, "count": 2 });
    assert_eq!(
        arrived[2],
        expected(3, &last, 3, state, &arrived[2]["timestamp"])
    );
    assert_eq!(client.notified(&id, 0, 3).await, arrived);
    receiver.has_no_more();
}

#[tokio::test]
async fn a_signature_verifies_with_openssl_over_the_raw_body_with_the_whole_secret() {
    let known = "sha256=a8038f51a2713ed1728737cc9e1aaa743fade3061b4cf17a634dc433c88de650";
    let vector = by_openssl("whsec_test", br#"{"id":"1","event":"create"}"#);
    assert_eq!(vector, known);
    let server = TestServer::start().await;
    let client = Client::new(&server).await;
    let mut receiver = Receiver::start();
    let uploaded = client.make(&hook(&receiver.url), Some(TOTAL)).await;
    client.order("order_1", 1).await;
    let arrival = receiver.next().await;
    let whole = secret(&uploaded);
    is_signed(&arrival, &whole);
    let signature = arrival.header("x-hapnd-signature");
    let bare = whole.strip_prefix("whsec_").expect("its prefix");
    assert_ne!(signature, by_openssl(bare, &arrival.body));
    // Bytes that say the same are another body.
    let spaced = serde_json::to_vec_pretty(&body(&arrival)).expect("JSON");
    assert_ne!(signature, by_openssl(&whole, &spaced));
}

#[tokio::test]
async fn custom_headers_arrive_and_cannot_take_the_place_of_ours() {
    let server = TestServer::start().await;
    let client = Client::new(&server).await;
    let mut receiver = Receiver::start();
    let with = |headers: Value| json!({ "notifications": { "webhook": { "url": receiver.url, "headers": headers } } });
    let many: serde_json::Map<_, _> = (0..11)
        .map(|number| (format!("X-Custom-{number}"), json!("value")))
        .collect();
    for bad in [
        Value::Object(many),
        json!({ "X-Hapnd-Signature": "sha256=00" }),
        json!({ "Host": "a" }),
        json!({ "Content-Type": "text/plain" }),
        json!({ "X-A": "a\r\nb" }),
    ] {
        let answer = client.upload(&with(bad), None).await;
        assert_eq!(answer.status, 400, "{answer:#?}");
        assert_eq!(answer.body["error"], "InvalidHeader");
    }
    client
        .make(&with(json!({ "X-Custom-Header": "value" })), None)
        .await;
    client.order("order_1", 1).await;
    let arrival = receiver.next().await;
    assert_eq!(arrival.header("x-custom-header"), "value");
}

#[tokio::test]
async fn a_failed_attempt_is_made_again_under_the_same_name_and_any_2xx_ends_it() {
    let server = TestServer::start().await;
    let client = Client::new(&server).await;
    let mut receiver = Receiver::answering(&[500, 202]);
    let uploaded = client.make(&hook(&receiver.url), None).await;
    client.order("order_1", 1).await;
    let first = receiver.next().await;
    let second = receiver.next().await;
    let name = format!("{}-1", id(&uploaded));
    for (arrival, attempt) in [(&first, "1"), (&second, "2")] {
        assert_eq!(arrival.header("x-hapnd-delivery-id"), name);
        assert_eq!(arrival.header("x-hapnd-attempt"), attempt);
        is_signed(arrival, &secret(&uploaded));
    }
    assert_eq!(first.body, second.body);
    tokio::time::sleep(Duration::from_secs(1)).await;
    receiver.has_no_more();
}

#[tokio::test]
async fn polling_gives_what_comes_after_a_number_whether_or_not_webhooks_arrive() {
    let server = TestServer::start().await;
    let client = Client::new(&server).await;
    let mut receiver = Receiver::answering(&[500; 20]);
    let id = id(&client.make(&hook(&receiver.url), Some(TOTAL)).await);
    for amount in 1..=5 {
        client.order("order_1", amount).await;
    }
    let all = client.notified(&id, 0, 5).await;
    assert_eq!(client.notifications(&id, 3).await, all[3..]);
    assert!(client.notifications(&id, 5).await.is_empty());
    assert!(client.notifications(&id, 99).await.is_empty());
    let latest = client
        .get(&format!("/projections/{id}/notifications"))
        .await;
    assert_eq!(latest.output()["notifications"], json!(all));
    let part = format!("/projections/{id}/notifications?afterSequence=1&limit=2");
    assert_eq!(
        client.get(&part).await.output()["notifications"],
        json!(all[1..3])
    );
    // What fails to arrive is the same.
    let sent = body(&receiver.next().await);
    let number = sent["sequence"].as_i64().expect("a number");
    let place = usize::try_from(number - 1).expect("from 1");
    assert_eq!(sent, all[place]);
    let stranger = Client::new(&server).await;
    let path = format!("/projections/{id}/notifications");
    assert_eq!(stranger.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_rotated_secret_signs_for_those_that_share_it_or_for_one_alone() {
    let server = TestServer::start().await;
    let client = Client::new(&server).await;
    let (mut shared, mut alone) = (Receiver::start(), Receiver::start());
    let one = client.make(&hook(&shared.url), None).await;
    let own = client.make(&isolated(&alone.url), None).await;
    let rotated = client.post("/webhooks/rotate", &json!({})).await.output();
    let new = rotated["secret"].as_str().expect("a secret").to_owned();
    assert_eq!(
        (&rotated["success"], &rotated["isolated"]),
        (&json!(true), &json!(false))
    );
    assert_ne!(new, secret(&one));
    client.order("order_1", 1).await;
    is_signed(&shared.next().await, &new);
    is_signed(&alone.next().await, &secret(&own));
    // Both secrets sign the headers that have room for both.
    client.order("order_1", 2).await;
    let arrival = shared.next().await;
    assert_eq!(arrival.verified(&new), arrival.verified(&secret(&one)));
    alone.next().await;

    let path = format!("/projections/{}/webhook/rotate", id(&own));
    let rotated = client.post(&path, &json!({})).await.output();
    let newer = rotated["secret"].as_str().expect("a secret").to_owned();
    assert_eq!(rotated["isolated"], true);
    client.order("order_1", 3).await;
    is_signed(&shared.next().await, &new);
    is_signed(&alone.next().await, &newer);
    let path = format!("/projections/{}/webhook/rotate", id(&one));
    assert_eq!(client.post(&path, &json!({})).await.status, 409);
    let later = client.make(&hook(&shared.url), None).await;
    assert_eq!(secret(&later), new);
}

#[tokio::test]
async fn what_is_older_than_a_week_is_archived_and_made_again_by_reactivation() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let put = json!({ "reducer": TOTAL });
    let put = alice
        .procedure("dev.loggia.projection.put", &put)
        .await
        .output();
    let id = put["projection"]["id"].as_str().expect("an id").to_owned();
    for amount in [1, 2] {
        let event = json!({ "event": {
            "aggregateId": "order_1", "eventType": "order_placed",
            "data": json!({ "amount": amount }).to_string(),
        } });
        alice
            .procedure("dev.loggia.event.append", &event)
            .await
            .output();
    }
    let notifications = async || {
        let params = [("id", id.as_str()), ("afterSequence", "0")];
        let listed = alice
            .query("dev.loggia.projection.listNotifications", &params)
            .await;
        let mut listed = listed.output();
        serde_json::from_value::<Vec<Value>>(listed["notifications"].take()).expect("a list")
    };
    let until = async |count: usize| loop {
        let found = notifications().await;
        if found.len() == count {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let before = until(2).await;

    let archive = tempfile::tempdir().expect("a folder");
    let place = ArchivePlace::Folder(archive.path().to_owned());
    let archive_of = Archive::open(&place, []).expect("opens");
    let week = SignedDuration::from_hours(7 * 24);
    let kept = Kept {
        delivered: week,
        dead_letters: week,
        source_events: week,
        space_log: SignedDuration::from_hours(24),
    };
    let daily = Daily::new(store(&server).await, archive_of, kept);
    let later = |days: i64| SystemClock.now() + SignedDuration::from_hours(24 * days);
    daily.sweep_if_due(later(6)).await.expect("sweeps");
    assert_eq!(notifications().await, before, "not old enough");
    daily.sweep_if_due(later(9)).await.expect("sweeps");
    assert!(notifications().await.is_empty(), "archived");
    assert!(archive.path().join("notifications").is_dir());

    let input = json!({ "id": id });
    alice
        .procedure("dev.loggia.projection.reactivate", &input)
        .await
        .output();
    let again = until(2).await;
    for (number, (old, new)) in (3..).zip(before.iter().zip(&again)) {
        assert_eq!(new["sequence"], number);
        for field in ["aggregateId", "version", "state", "triggeredBy"] {
            assert_eq!(new[field], old[field], "{field}");
        }
    }
}
