//! How often receivers are tried, and how often clients may call.

use std::time::Duration;

use loggia_server::config::Config;

use super::promises::hook;
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
    let mut receiver = Receiver::answering(&[500, 503, 502, 500, 504]);
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
