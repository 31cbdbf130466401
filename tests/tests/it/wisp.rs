//! Wisp's webhooks from end to end: records in repositories of the reference PDS, its own stream, and
//! receivers that look closely.

use serde_json::json;

use crate::support::rows::Database;
use crate::support::webhook_world::{
    LIKE, POST, WEBHOOK, WebhookWorld, known, like, post, rkey, told, until, watching_backlinks,
    webhook, with,
};
use crate::support::{Closed, Receiver};

#[tokio::test(flavor = "multi_thread")]
async fn writing_a_wh_record_starts_deliveries_without_restart() {
    let world = WebhookWorld::start();
    let server = world.server().await;
    let alice = world.account("alice").await;
    let mut receiver = Receiver::start();
    let scope = format!("at://{}/{POST}", alice.did);
    let record = with(webhook(&scope, &receiver.url), "secret", json!("sesame"));
    let hook = alice.create(WEBHOOK, &record).await;
    known(&server, &hook, "active").await;

    let written = alice.create(POST, &post("hello")).await;
    let arrival = receiver.next().await;
    let body = told(&arrival, Some("sesame"));
    assert_eq!(body["event"], "create");
    assert_eq!(body["did"], alice.did.as_str());
    assert_eq!(body["collection"], POST);
    assert_eq!(body["rkey"], rkey(&written));
    assert_eq!(body["cid"], written.cid.as_str());
    assert_eq!(body["record"]["text"], "hello");
    let mut members: Vec<_> = body.as_object().expect("an object").keys().collect();
    members.sort_unstable();
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
    assert_eq!(members, all);

    let changed = alice.put(&written, &post("hello again")).await;
    let body = told(&receiver.next().await, Some("sesame"));
    assert_eq!(
        (&body["event"], &body["cid"]),
        (&json!("update"), &json!(changed.cid))
    );
    alice.delete(&written).await;
    let body = told(&receiver.next().await, Some("sesame"));
    assert_eq!(body["event"], "delete");
    assert!(
        body.get("record").is_none() && body.get("cid").is_none(),
        "{body}"
    );
    receiver.has_no_more();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_like_of_what_is_watched_fires_once_and_deleting_it_fires_delete_without_record() {
    let world = WebhookWorld::start();
    let server = world.server().await;
    let (alice, bob) = (world.account("alice").await, world.account("bob").await);
    let mut receiver = Receiver::start();
    let scope = format!("at://{}/{POST}", alice.did);
    let record = watching_backlinks(&scope, &receiver.url);
    let hook = alice.create(WEBHOOK, &record).await;
    known(&server, &hook, "active").await;

    let written = alice.create(POST, &post("like me")).await;
    assert_eq!(told(&receiver.next().await, None)["rkey"], rkey(&written));
    // In its text the address is none.
    let quoting = post(&format!("see {} there", written.uri));
    bob.create(POST, &quoting).await;
    let liked = bob.create(LIKE, &like(&written)).await;
    let body = told(&receiver.next().await, None);
    assert_eq!(
        (&body["event"], &body["did"]),
        (&json!("create"), &json!(bob.did))
    );
    assert_eq!(body["rkey"], rkey(&liked));
    bob.delete(&liked).await;
    let body = told(&receiver.next().await, None);
    assert_eq!(
        (&body["event"], &body["rkey"]),
        (&json!("delete"), &json!(rkey(&liked)))
    );
    assert!(body.get("record").is_none(), "{body}");
    receiver.has_no_more();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_or_disabling_it_cancels_queued_ones_and_an_invalid_update_revokes() {
    let world = WebhookWorld::start();
    let server = world
        .server_with(|config| config.wisp_attempts = Some(100))
        .await;
    let alice = world.account("alice").await;
    let closed = Closed::new();
    let mut database = Database::sqlite(&server.data()).await;
    let scope = format!("at://{}/{POST}", alice.did);
    let record = webhook(&scope, &closed.url);
    let mut hook = alice.create(WEBHOOK, &record).await;
    known(&server, &hook, "active").await;
    let off = with(record.clone(), "enabled", json!(false));
    let wrong = webhook("at://alice.test", &closed.url);
    let moved = with(
        record.clone(),
        "url",
        json!(format!("{}?moved", closed.url)),
    );
    let changes = [(off, "disabled"), (wrong, "refused"), (moved, "active")];
    for (queued, (change, state)) in (1..).zip(changes) {
        hook = alice.put(&hook, &record).await;
        known(&server, &hook, "active").await;
        alice.create(POST, &post("waits for nobody")).await;
        until("it is queued", async || open(&mut database).await == 1).await;
        hook = alice.put(&hook, &change).await;
        known(&server, &hook, state).await;
        assert_eq!(open(&mut database).await, 0, "{state}");
        let cancelled = database.number(CANCELLED).await;
        assert_eq!(cancelled, queued, "{state}");
    }
    alice.create(POST, &post("waits as well")).await;
    until("it is queued", async || open(&mut database).await == 1).await;
    alice.delete(&hook).await;
    known(&server, &hook, "removed").await;
    assert_eq!(open(&mut database).await, 0);
    alice.create(POST, &post("nobody is told")).await;
    let mut receiver = closed.open(&[]);
    let again = alice.create(WEBHOOK, &record).await;
    known(&server, &again, "active").await;
    let last = alice.create(POST, &post("told")).await;
    assert_eq!(told(&receiver.next().await, None)["rkey"], rkey(&last));
    receiver.has_no_more();
    server.stop().await;
}

const CANCELLED: &str = "SELECT count(*) FROM delivery WHERE state = 'cancelled'";

async fn open(database: &mut Database) -> i64 {
    let question = "SELECT count(*) FROM delivery WHERE state IN ('pending', 'leased')";
    database.number(question).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_on_its_own_repo_gets_no_event_for_its_own_record_and_another_sees_it_without_secret()
 {
    let world = WebhookWorld::start();
    let server = world.server().await;
    let (alice, bob) = (world.account("alice").await, world.account("bob").await);
    let (mut own, mut other) = (Receiver::start(), Receiver::start());
    let everything = format!("at://{}", alice.did);
    let watching = bob.create(WEBHOOK, &webhook(&everything, &other.url)).await;
    known(&server, &watching, "active").await;
    let record = with(webhook(&everything, &own.url), "secret", json!("sesame"));
    let hook = alice.create(WEBHOOK, &record).await;
    known(&server, &hook, "active").await;
    let body = told(&other.next().await, None);
    assert_eq!(
        (&body["event"], &body["rkey"]),
        (&json!("create"), &json!(rkey(&hook)))
    );
    assert!(body["record"].get("secret").is_none(), "{body}");
    assert_eq!(body["record"]["url"], own.url);

    let hook = alice
        .put(&hook, &with(record, "events", json!(["create"])))
        .await;
    known(&server, &hook, "active").await;
    let written = alice.create(POST, &post("for both")).await;
    assert_eq!(
        told(&own.next().await, Some("sesame"))["rkey"],
        rkey(&written)
    );
    own.has_no_more();
    assert_eq!(told(&other.next().await, None)["event"], "update");
    assert_eq!(told(&other.next().await, None)["rkey"], rkey(&written));
    other.has_no_more();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_active_webhooks_are_refused_with_a_reason_until_there_is_room() {
    let world = WebhookWorld::start();
    let server = world
        .server_with(|config| config.wisp_webhooks_per_account = 1)
        .await;
    let alice = world.account("alice").await;
    let receiver = Receiver::start();
    let scope = format!("at://{}/{POST}", alice.did);
    let record = webhook(&scope, &receiver.url);
    let off = with(record.clone(), "enabled", json!(false));
    let first = alice.create(WEBHOOK, &record).await;
    known(&server, &first, "active").await;
    let idle = alice.create(WEBHOOK, &off).await;
    known(&server, &idle, "disabled").await;
    let second = alice.create(WEBHOOK, &record).await;
    known(&server, &second, "refused").await;
    let mut database = Database::sqlite(&server.data()).await;
    let reason = "SELECT count(*) FROM wisp_webhook
         WHERE reason = 'this account has 1 active webhooks already'";
    assert_eq!(database.number(reason).await, 1);
    alice.delete(&first).await;
    known(&server, &second, "active").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rotating_a_secret_changes_the_signature_on_the_next_delivery_and_deleting_it_blocks() {
    let world = WebhookWorld::start();
    let server = world.server().await;
    let alice = world.account("alice").await;
    let mut receiver = Receiver::start();
    let secret = async |method: &str| {
        let nsid = format!("place.wisp.v2.secret.{method}");
        let token = alice.service_auth(&server.did, &nsid).await;
        let input = json!({ "name": "main" });
        server.procedure(&nsid, Some(&token), &input).await.body["token"].clone()
    };
    let scope = format!("at://{}/{POST}", alice.did);
    let record = with(webhook(&scope, &receiver.url), "secretId", json!("main"));
    let hook = alice.create(WEBHOOK, &record).await;
    known(&server, &hook, "refused").await;
    for method in ["create", "rotate"] {
        let token = secret(method).await;
        known(&server, &hook, "active").await;
        alice.create(POST, &post(method)).await;
        let body = told(&receiver.next().await, token.as_str());
        assert_eq!(body["record"]["text"], method);
    }
    secret("delete").await;
    known(&server, &hook, "refused").await;
    // Another webhook says when the server has heard of it.
    let mut other = Receiver::start();
    let hook_of_other = alice.create(WEBHOOK, &webhook(&scope, &other.url)).await;
    known(&server, &hook_of_other, "active").await;
    alice.create(POST, &post("unsigned")).await;
    let body = told(&other.next().await, None);
    assert_eq!(body["record"]["text"], "unsigned");
    let token = secret("create").await;
    known(&server, &hook, "active").await;
    alice.create(POST, &post("signed")).await;
    let body = told(&receiver.next().await, token.as_str());
    assert_eq!(body["record"]["text"], "signed");
    receiver.has_no_more();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_webhooks_of_an_account_that_goes_away_are_silent_until_it_is_back() {
    let world = WebhookWorld::start();
    let server = world.server().await;
    let (alice, bob) = (world.account("alice").await, world.account("bob").await);
    let mut receiver = Receiver::start();
    let scope = format!("at://{}/{POST}", bob.did);
    let hook = alice.create(WEBHOOK, &webhook(&scope, &receiver.url)).await;
    known(&server, &hook, "active").await;
    let mut database = Database::sqlite(&server.data()).await;
    let mut paused = async |paused: i64| {
        let question = "SELECT max(paused) FROM wisp_webhook";
        until("it is paused or not", async || {
            database.number(question).await == paused
        })
        .await;
    };
    alice
        .tell("com.atproto.server.deactivateAccount", Some(&json!({})))
        .await;
    paused(1).await;
    bob.create(POST, &post("nobody is told")).await;
    alice.tell("com.atproto.server.activateAccount", None).await;
    paused(0).await;
    let written = bob.create(POST, &post("told")).await;
    assert_eq!(told(&receiver.next().await, None)["rkey"], rkey(&written));
    receiver.has_no_more();
    server.stop().await;
}
