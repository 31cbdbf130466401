//! How often receivers are tried, and how often clients may call.

use std::time::Duration;

use loggia_server::config::Config;
use serde_json::json;

use super::promises::{hook, is_signed, secret};
use super::{Client, id};
use crate::support::hostile::{Hostile, Hostility};
use crate::support::rows::Database;
use crate::support::webhook_world::until;
use crate::support::{Receiver, TestServer};

/// Waits until so many attempts of the only delivery are on record, and then answers a question.
async fn recorded(database: &mut Database, attempts: u32, question: &str) -> i64 {
    let done =
        format!("SELECT count(*) FROM delivery WHERE attempts = {attempts} AND state <> 'leased'");
    until("the attempt is on record", async || {
        database.number(&done).await == 1
    })
    .await;
    database.number(question).await
}

#[tokio::test]
async fn a_receiver_that_always_fails_sees_five_attempts_with_growing_gaps_and_then_nothing() {
    const GAP: &str = "SELECT d.due - max(a.started_at + a.duration_ms)
        FROM delivery d, attempt a GROUP BY d.due";
    let server = TestServer::start().await;
    let client = Client::new(&server).await;
    let mut receiver = Receiver::answering(&[404, 410, 302, 400, 504]);
    let uploaded = client.make(&hook(&receiver.url), None).await;
    client.order("order_1", 1).await;
    let mut database = Database::sqlite(&server.data()).await;
    let mut gaps = Vec::new();
    for attempt in 1..=5 {
        let arrival = receiver.next().await;
        assert_eq!(arrival.header("x-hapnd-attempt"), attempt.to_string());
        let name = format!("{}-1", id(&uploaded));
        assert_eq!(arrival.header("x-hapnd-delivery-id"), name);
        if attempt == 5 {
            break;
        }
        gaps.push(recorded(&mut database, attempt, GAP).await);
        // The time of the next attempt has come.
        let changed = database.change("UPDATE delivery SET due = 1").await;
        assert_eq!(changed, 1);
    }
    assert!(gaps.is_sorted_by(|gap, next| gap < next), "{gaps:?}");
    let dead = "SELECT count(*) FROM delivery WHERE state = 'abandoned'";
    assert_eq!(recorded(&mut database, 5, dead).await, 1, "a dead letter");
    receiver.has_no_more();
}

#[tokio::test]
async fn after_a_rotation_receivers_that_know_either_secret_lose_nothing() {
    let server = TestServer::start().await;
    let client = Client::new(&server).await;
    // It refuses what the secret that it knows did not sign.
    let mut late = Receiver::answering(&[401]);
    let uploaded = client.make(&hook(&late.url), None).await;
    let old = secret(&uploaded);
    let rotated = client.post("/webhooks/rotate", &json!({})).await.output();
    let new = rotated["secret"].as_str().expect("a secret").to_owned();
    client.order("order_1", 1).await;
    let first = late.next().await;
    is_signed(&first, &new);
    let mut database = Database::sqlite(&server.data()).await;
    let pending = "SELECT count(*) FROM delivery WHERE state = 'pending'";
    assert_eq!(recorded(&mut database, 1, pending).await, 1, "tried again");
    assert_eq!(database.change("UPDATE delivery SET due = 1").await, 1);
    let second = late.next().await;
    is_signed(&second, &old);
    assert_eq!(second.header("x-hapnd-attempt"), "2");
    assert_eq!(first.body, second.body);
    let done = "SELECT count(*) FROM delivery WHERE state = 'delivered'";
    until("it has arrived", async || database.number(done).await == 1).await;
    late.has_no_more();

    // Whoever knows the new one alone needs one attempt.
    let mut early = Receiver::start();
    let again = json!({ "projectionId": id(&uploaded), "notifications": {
        "webhook": { "url": early.url } } });
    assert_eq!(client.upload(&again, None).await.status, 200);
    client.order("order_1", 2).await;
    let arrival = early.next().await;
    is_signed(&arrival, &new);
    assert_eq!(arrival.header("x-hapnd-attempt"), "1");
    until("it has arrived", async || database.number(done).await == 2).await;
    early.has_no_more();
}

#[tokio::test]
async fn a_receiver_that_is_slower_than_the_limit_has_failed() {
    assert_eq!(Config::defaults().attempt_timeout, Duration::from_secs(10));
    let short = |config: &mut Config| config.attempt_timeout = Duration::from_millis(300);
    let server = TestServer::start_with(short).await;
    let client = Client::new(&server).await;
    let slow = Hostile::start(Hostility::Hangs).await;
    client.make(&hook(&slow.url), None).await;
    client.order("order_1", 1).await;
    let mut database = Database::sqlite(&server.data()).await;
    let late = "SELECT count(*) FROM attempt WHERE fault = 'timeout'";
    assert_eq!(recorded(&mut database, 1, late).await, 1);
}

#[tokio::test]
async fn calls_are_counted_for_each_client_and_not_for_the_address_that_they_share() {
    let server = TestServer::start_with(|config| config.requests_per_minute = 50).await;
    let few = Client::with_quota(&server, Some(3)).await;
    let other = Client::new(&server).await;
    let mut refused = 0;
    // More than the address may do, and more than one client may.
    for _ in 0..60 {
        let answer = few.get("/events/order_1").await;
        if answer.status == 429 {
            assert_eq!(answer.body["message"], "too many requests of this client");
            assert!(!answer.header("retry-after").is_empty());
            refused += 1;
        }
    }
    assert!(refused >= 50, "{refused}");
    assert_eq!(other.get("/events/order_1").await.status, 200);
    let nobody = server.get("/events/order_1").await;
    assert_eq!(nobody.body["error"], "ClientKeyRequired");
}
