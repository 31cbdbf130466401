//! How events arrive at receivers that were written for Bettermode, line by line of what these rely on.

use std::time::Duration;

use jiff::Timestamp;
use loggia_delivery::{Clock, SystemClock};
use serde_json::{Value, json};

use super::call;
use crate::support::community::{Community, Manner, signature};
use crate::support::spaces::open_forum;
use crate::support::{Account, TestServer};

#[tokio::test]
async fn every_post_carries_both_headers_and_the_signature_of_what_was_sent() {
    // The vector of the reference.
    let body = br#"{"id":"1","event":"create"}"#;
    assert_eq!(
        signature("signing-secret", "1700000000000", body),
        "26c92173ec6fc22520efdd676c753ed1fd62ee403d58b6385bb98952cfa04f32"
    );
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let mut receiver = Community::start().await;
    let secret = "signing-secret";
    let input = json!({ "url": receiver.url, "events": ["space.created"], "secret": secret });
    let made = call(&alice, "createWebhook", input).await.output();
    assert_eq!(made["secret"], secret);
    let test = receiver.next().await;
    test.verified(secret);
    open_forum(&alice).await;
    let event = receiver.next().await;
    event.verified(secret);
    for posted in [test, event] {
        let timestamp = posted.header("x-bettermode-request-timestamp");
        let at = Timestamp::from_millisecond(timestamp.parse().expect("a number"));
        let age = SystemClock.now().duration_since(at.expect("milliseconds"));
        assert!(age.abs().as_secs() < 60, "{age}");
        let mut changed = posted.body.to_vec();
        changed[10] ^= 1;
        let code = signature(secret, timestamp, &changed);
        assert_ne!(posted.header("x-bettermode-signature"), code);
    }
}

#[tokio::test]
async fn a_receiver_that_times_out_gets_the_same_id_again() {
    let server = TestServer::start_with(|config| {
        config.attempt_timeout = Duration::from_millis(300);
    })
    .await;
    let alice = server.account("alice");
    let mut receiver = Community::start().await;
    let (_, secret) = receiver.hook(&alice, &["space.created"]).await;
    receiver.answers([Manner::Hangs, Manner::Status(500)]);
    open_forum(&alice).await;
    let first = receiver.next().await.verified(&secret);
    let second = receiver.next().await.verified(&secret);
    assert_eq!(first, second);
    let id = first["data"]["id"].as_str().expect("a text");
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
}

#[tokio::test]
async fn a_receiver_that_answers_failed_is_recorded_as_failed_though_http_says_200() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let mut receiver = Community::start().await;
    let (id, secret) = receiver.hook(&alice, &["space.created"]).await;
    let failed = json!({
        "type": "SUBSCRIPTION", "status": "FAILED", "errorCode": "E1", "errorMessage": "no room",
    });
    receiver.answers([Manner::Says(failed)]);
    open_forum(&alice).await;
    let first = receiver.next().await.verified(&secret);
    let second = receiver.next().await.verified(&secret);
    assert_eq!(first["data"]["id"], second["data"]["id"]);
    let detail = delivered(&alice, &id).await;
    let attempts = detail["attempts"].as_array().expect("a list");
    assert_eq!(attempts.len(), 2, "{detail}");
    assert_eq!(
        (&attempts[0]["status"], &attempts[0]["refused"]),
        (&json!(200), &json!(true))
    );
    let excerpt = attempts[0]["excerpt"].as_str().expect("a text");
    assert!(excerpt.contains("no room"), "{excerpt}");
    assert_eq!(attempts[1].get("refused"), None);
    let stats = [("id", id.as_str())];
    let stats = alice.query("dev.loggia.endpoint.getStats", &stats).await;
    assert_eq!(stats.output()["lastError"]["status"], 200);
}

/// The one delivery of an endpoint, when it is delivered.
async fn delivered(owner: &Account<'_>, endpoint: &str) -> Value {
    let waiting = async {
        loop {
            let params = [("endpoint", endpoint), ("state", "delivered")];
            let listed = owner.query("dev.loggia.delivery.list", &params).await;
            let listed = listed.output()["deliveries"].clone();
            if let Some(notification) = listed[0]["notification"].as_str() {
                let params = [("endpoint", endpoint), ("notification", notification)];
                let detail = owner.query("dev.loggia.delivery.get", &params).await;
                return detail.output();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    waited.expect("it is delivered in the end")
}
