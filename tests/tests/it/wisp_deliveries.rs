//! What receivers of Wisp's webhooks get: bodies, names, signatures and attempts of both versions.

use std::time::{Duration, Instant};

use loggia_server::config::Config;
use loggia_server::wisp::Version;
use serde_json::{Value, json};

use crate::support::hooks::{Hooks, WATCHED, body, header, signature};
use crate::support::hostile::{Hostile, Hostility};
use crate::support::{Arrival, Receiver, by_openssl};

const SIGNATURE: &str = "x-webhook-signature";
const KEY: &str = "idempotency-key";

fn members(arrival: &Arrival) -> Vec<String> {
    let mut members: Vec<_> = body(arrival)
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect();
    members.sort_unstable();
    members
}

#[tokio::test]
async fn the_body_has_exactly_these_members_and_a_signature_only_with_a_secret() {
    let mut hooks = Hooks::start(|_| {}).await;
    let (mut plain, mut signed) = (Receiver::start(), Receiver::start());
    let unsigned = hooks.add(&plain.url, json!({})).await;
    let inline = hooks.add(&signed.url, json!({ "secret": "sesame" })).await;
    hooks.until(&unsigned, "active").await;
    hooks.until(&inline, "active").await;
    hooks.post("one");
    let (plain_one, signed_one) = (plain.next().await, signed.next().await);
    for arrival in [&plain_one, &signed_one] {
        assert_eq!(header(arrival, "content-type"), Some("application/json"));
        assert_eq!(
            header(arrival, "user-agent"),
            Some("wisp.place-webhook/1.0")
        );
        let all = [
            "cid",
            "collection",
            "did",
            "event",
            "id",
            "record",
            "rkey",
            "timestamp",
        ];
        assert_eq!(members(arrival), all);
        let text = std::str::from_utf8(&arrival.body).expect("text");
        let order = [
            "\"id\":",
            "\"event\":",
            "\"did\":",
            "\"collection\":",
            "\"rkey\":",
            "\"cid\":",
            "\"record\":",
            "\"timestamp\":",
        ];
        let places: Vec<_> = order.map(|name| text.find(name)).into_iter().collect();
        assert!(places.is_sorted(), "{text}");
    }
    assert_eq!(header(&plain_one, SIGNATURE), None);
    assert_eq!(
        header(&signed_one, SIGNATURE),
        Some(&*signature("sesame", &signed_one))
    );
    assert_eq!(
        body(&plain_one)["id"],
        body(&signed_one)["id"],
        "the same id for both"
    );
    assert_ne!(
        header(&plain_one, KEY),
        header(&signed_one, KEY),
        "a key for each"
    );
    assert_eq!(body(&plain_one)["did"], WATCHED);
}

#[tokio::test]
async fn the_signature_equals_hmac_of_the_raw_body_by_openssl() {
    for version in [Version::First, Version::Second] {
        let mut hooks = Hooks::start(|config| config.wisp_version = version).await;
        let mut receiver = Receiver::start();
        let rkey = hooks
            .add(&receiver.url, json!({ "secret": "sesame" }))
            .await;
        hooks.until(&rkey, "active").await;
        hooks.post("one");
        let arrival = receiver.next().await;
        let expected = by_openssl("sesame", &arrival.body);
        assert_eq!(header(&arrival, SIGNATURE), Some(expected.as_str()));
    }
}

#[tokio::test]
async fn a_receiver_that_never_answers_ends_the_attempt_at_the_deadline_of_10_s() {
    assert_eq!(Config::defaults().attempt_timeout, Duration::from_secs(10));
    let mut hooks = Hooks::start(|config| {
        config.attempt_timeout = Duration::from_millis(300);
        config.wisp_attempts = Some(1);
    })
    .await;
    let silent = Hostile::start(Hostility::Hangs).await;
    let rkey = hooks.add(&silent.url, json!({})).await;
    hooks.until(&rkey, "active").await;
    hooks.post("one");
    outcome(&mut hooks, "failed").await;
}

#[tokio::test]
async fn a_429_with_retry_after_2_is_posted_again_2_s_later() {
    let mut hooks = Hooks::start(|config| config.wisp_version = Version::Second).await;
    let mut receiver = Receiver::answering(&[429]);
    let rkey = hooks.add(&receiver.url, json!({})).await;
    hooks.until(&rkey, "active").await;
    hooks.post("one");
    receiver.next().await;
    let begun = Instant::now();
    receiver.next().await;
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_millis(1950), "{waited:?}");
    outcome(&mut hooks, "ok").await;
}

#[tokio::test]
async fn a_receiver_that_answers_500_500_200_gets_three_posts_with_growing_gaps() {
    let mut hooks = Hooks::start(|_| {}).await;
    let mut receiver = Receiver::answering(&[500, 500, 200]);
    let rkey = hooks.add(&receiver.url, json!({})).await;
    hooks.until(&rkey, "active").await;
    hooks.post("one");
    let mut times = Vec::new();
    let mut keys = Vec::new();
    for _ in 0..3 {
        let arrival = receiver.next().await;
        times.push(Instant::now());
        keys.push(header(&arrival, KEY).expect("a key").to_owned());
    }
    keys.dedup();
    assert_eq!(keys.len(), 1, "one key over all attempts");
    let [first, second] = [times[1] - times[0], times[2] - times[1]];
    assert!(first >= Duration::from_millis(950) && second >= Duration::from_millis(1950));
    outcome(&mut hooks, "ok").await;
    receiver.has_no_more();
}

#[tokio::test]
async fn a_404_is_tried_three_times_by_the_page_and_once_by_the_newer_service() {
    for (version, posts, status) in [
        (Version::First, 3, "failed"),
        (Version::Second, 1, "dead_letter"),
    ] {
        let mut hooks = Hooks::start(|config| config.wisp_version = version).await;
        let mut receiver = Receiver::answering(&[404; 12]);
        let rkey = hooks.add(&receiver.url, json!({})).await;
        hooks.until(&rkey, "active").await;
        hooks.post("one");
        for _ in 0..posts {
            receiver.next().await;
        }
        let shown = outcome(&mut hooks, status).await;
        assert_eq!(shown["rkey"], json!(rkey));
        receiver.has_no_more();
    }
}

#[tokio::test]
async fn the_newer_version_sends_canonical_json_under_names_of_its_own() {
    let mut hooks = Hooks::start(|config| config.wisp_version = Version::Second).await;
    let mut receiver = Receiver::start();
    let rkey = hooks
        .add(&receiver.url, json!({ "secret": "sesame" }))
        .await;
    hooks.until(&rkey, "active").await;
    hooks.post("one");
    let arrival = receiver.next().await;
    assert_eq!(
        header(&arrival, "user-agent"),
        Some("wisp.place-webhook/2.0")
    );
    assert!(header(&arrival, KEY).is_some_and(|key| key.starts_with("whd_v1_")));
    assert_eq!(
        header(&arrival, SIGNATURE),
        Some(&*signature("sesame", &arrival))
    );
    let told = body(&arrival);
    assert!(
        told["id"]
            .as_str()
            .is_some_and(|id| id.starts_with("whe_v1_"))
    );
    let text = std::str::from_utf8(&arrival.body).expect("text");
    assert!(
        text.starts_with(r#"{"cid":""#) && !text.contains(' '),
        "{text}"
    );
    let shown = outcome(&mut hooks, "ok").await;
    let expected = json!({
        "ownerDid": hooks.provider.did,
        "rkey": rkey,
        "url": "[redacted]",
        "eventKind": "create",
        "eventDid": WATCHED,
        "eventCollection": "app.bsky.feed.post",
        "eventRkey": "one",
        "cid": told["cid"],
        "status": "ok",
        "deliveredAt": shown["deliveredAt"],
    });
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn rotating_a_secret_changes_the_very_next_signature_and_deleting_it_sends_nothing_unsigned()
{
    let mut hooks = Hooks::start(|_| {}).await;
    let first = hooks.secret("/api/secret", "deploys").await;
    let mut receiver = Receiver::start();
    let rkey = hooks
        .add(&receiver.url, json!({ "secretId": "deploys" }))
        .await;
    hooks.until(&rkey, "active").await;
    hooks.post("one");
    let arrival = receiver.next().await;
    assert_eq!(
        header(&arrival, SIGNATURE),
        Some(&*signature(&first, &arrival))
    );

    let second = hooks.secret("/api/secret/deploys/rotate", "deploys").await;
    hooks.post("two");
    let arrival = receiver.next().await;
    assert_eq!(
        header(&arrival, SIGNATURE),
        Some(&*signature(&second, &arrival))
    );

    let gone = hooks
        .person
        .script("DELETE", "/api/secret/deploys", None)
        .await;
    gone.is(200, json!({ "success": true }));
    let state = hooks.until(&rkey, "refused").await;
    assert_eq!(state["reason"], "there is no secret `deploys`");
    hooks.post("three");

    // Whoever makes it again wakes what names it; what was missed stays missed.
    let third = hooks.secret("/api/secret", "deploys").await;
    hooks.until(&rkey, "active").await;
    hooks.post("four");
    let arrival = receiver.next().await;
    assert_eq!(body(&arrival)["rkey"], "four");
    assert_eq!(
        header(&arrival, SIGNATURE),
        Some(&*signature(&third, &arrival))
    );
    receiver.has_no_more();
}

#[tokio::test]
async fn a_webhook_that_names_a_secret_that_is_not_there_waits_for_it() {
    let mut hooks = Hooks::start(|_| {}).await;
    let mut receiver = Receiver::start();
    let rkey = hooks
        .add(&receiver.url, json!({ "secretId": "later" }))
        .await;
    let state = hooks.until(&rkey, "refused").await;
    assert_eq!(state["reason"], "there is no secret `later`");
    hooks.post("one");
    let token = hooks.secret("/api/secret", "later").await;
    hooks.until(&rkey, "active").await;
    hooks.post("two");
    let arrival = receiver.next().await;
    assert_eq!(body(&arrival)["rkey"], "two");
    assert_eq!(
        header(&arrival, SIGNATURE),
        Some(&*signature(&token, &arrival))
    );
    receiver.has_no_more();
}

#[tokio::test]
async fn events_are_the_pages_array_newest_first_and_at_most_a_hundred() {
    let mut hooks = Hooks::start(|_| {}).await;
    let mut receiver = Receiver::start();
    let rkey = hooks.add(&receiver.url, json!({})).await;
    hooks.until(&rkey, "active").await;
    for number in 0..105 {
        hooks.post(&format!("p{number}"));
    }
    for _ in 0..105 {
        receiver.next().await;
    }
    // All of them, the last five in an answer of their own.
    let (events, mut rest) = loop {
        let first = hooks.person.script("GET", "/api/webhook/events", None);
        let first = first.await;
        let link = first.header("link").to_owned();
        let events = first.output();
        let shown = events.as_array().expect("a bare array");
        let next = link.strip_prefix('<').and_then(|link| link.split_once('>'));
        if let Some((next, "; rel=\"next\"")) = next {
            let rest = hooks.person.script("GET", next, None).await;
            assert_eq!(rest.header("link"), "", "that is all");
            let rest = rest.output();
            let rest = rest.as_array().expect("a bare array").clone();
            if shown.len() == 100 && rest.len() == 5 {
                break (shown.clone(), rest);
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    rest.extend_from_slice(&events);
    let mut ids: Vec<_> = rest.iter().map(|event| event["id"].to_string()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 105, "each once");
    let bad = "/api/webhook/events?cursor=nonsense";
    assert_eq!(hooks.person.script("GET", bad, None).await.status, 400);
    let times: Vec<_> = events
        .iter()
        .map(|event| event["delivered_at"].as_str())
        .collect();
    assert!(times.iter().rev().is_sorted(), "{times:?}");
    let one = &events[0];
    let expected = json!({
        "id": one["id"],
        "rkey": rkey,
        "url": receiver.url,
        "event_kind": "create",
        "event_did": WATCHED,
        "event_collection": "app.bsky.feed.post",
        "event_rkey": one["event_rkey"],
        "status": "ok",
        "delivered_at": one["delivered_at"],
    });
    assert_eq!(*one, expected);
}

/// The one delivery ends so; what is listed of it.
async fn outcome(hooks: &mut Hooks, status: &str) -> Value {
    let event = hooks.outcome().await;
    assert_eq!(event["status"], status, "{event}");
    event
}
