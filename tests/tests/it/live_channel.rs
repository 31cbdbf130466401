//! The Redis channel for live outcomes.

use std::time::Duration;

use jiff::Timestamp;
use loggia_server::live_channel::{LiveChannel, LiveOutcome, LiveStatus};
use loggia_services::Redis;
use loggia_storage::{MasterKey, Storage, WispWebhooks};
use serde_json::{Value, json};

use crate::support::Receiver;
use crate::support::hooks::Hooks;

fn outcome() -> LiveOutcome {
    LiveOutcome {
        owner_did: "did:web:owner.example.com".to_owned(),
        rkey: "hook".to_owned(),
        record_at: None,
        url: LiveOutcome::NO_URL,
        event_kind: "create".to_owned(),
        event_did: Some("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa".to_owned()),
        event_collection: Some("app.bsky.feed.post".to_owned()),
        event_rkey: Some("one".to_owned()),
        cid: None,
        status: LiveStatus::Failed,
        delivered_at: Timestamp::constant(1_700_000_000, 0),
    }
}

async fn webhooks(store: &str) -> WispWebhooks {
    let storage = Storage::memory(store, &MasterKey::new([7; 32])).await;
    storage.expect("opens").wisp_webhooks()
}

#[tokio::test]
async fn outcomes_are_published() {
    let url = Redis::url();
    let name = format!("test:{}", std::process::id());
    let client = redis::Client::open(url.as_str()).expect("a URL");
    let mut subscriber = client.get_async_pubsub().await.expect("connects");
    subscriber.subscribe(&name).await.expect("subscribes");

    let (channel, publisher) =
        LiveChannel::open(&url, &name, webhooks("published").await).expect("opens");
    let publishing = tokio::spawn(publisher.run(std::future::pending()));
    channel.tell(outcome());
    let message = futures_util::StreamExt::next(&mut subscriber.on_message()).await;
    let message: String = message.expect("a message").get_payload().expect("text");
    assert_eq!(
        message.parse::<Value>().expect("JSON"),
        json!({
            "ownerDid": "did:web:owner.example.com",
            "rkey": "hook",
            "url": "[redacted]",
            "eventKind": "create",
            "eventDid": "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa",
            "eventCollection": "app.bsky.feed.post",
            "eventRkey": "one",
            "status": "failed",
            "deliveredAt": "2023-11-14T22:13:20Z",
        })
    );
    publishing.abort();
}

#[tokio::test]
async fn without_redis_nobody_waits() {
    // Nothing listens on the discard port of loopback.
    let (channel, publisher) =
        LiveChannel::open("redis://127.0.0.1:9", "test", webhooks("away").await).expect("opens");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let publishing = tokio::spawn(publisher.run(async { stopped.await.unwrap_or_default() }));
    for _ in 0..10_000 {
        channel.tell(outcome());
    }
    stop.send(()).expect("it listens");
    let stopping = tokio::time::timeout(Duration::from_secs(60), publishing).await;
    stopping.expect("stops").expect("does not panic");
}

#[tokio::test]
async fn a_webhook_that_is_a_record_is_named_by_its_key() {
    let url = Redis::url();
    let name = format!("test:record:{}", std::process::id());
    let client = redis::Client::open(url.as_str()).expect("a URL");
    let mut subscriber = client.get_async_pubsub().await.expect("connects");
    subscriber.subscribe(&name).await.expect("subscribes");
    let mut hooks = Hooks::start(|config| {
        config.redis = Some(url.parse().expect("a URL"));
        config.redis_channel = name.clone();
    })
    .await;
    let mut receiver = Receiver::start();
    let rkey = hooks.add(&receiver.url, json!({})).await;
    hooks.until(&rkey, "active").await;
    hooks.post("one");
    receiver.next().await;
    let message = futures_util::StreamExt::next(&mut subscriber.on_message()).await;
    let message: String = message.expect("a message").get_payload().expect("text");
    let message: Value = message.parse().expect("JSON");
    assert_eq!(message["rkey"], rkey, "{message}");
    assert_eq!(
        (
            &message["ownerDid"],
            &message["status"],
            &message["eventRkey"]
        ),
        (&json!(hooks.provider.did), &json!("ok"), &json!("one"))
    );
}
