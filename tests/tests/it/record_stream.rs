//! The consumer of record streams: what it resumes from, and what it finds out by itself.

use loggia_firehose::SourceKind;
use loggia_syntax::Tid;
use serde_json::{Value, json};

use crate::support::jetstream::{Framing, Jetstream};
use crate::support::posting::{hook, numbers, posts, tell};
use crate::support::rows::Database;
use crate::support::webhook_world::{
    POST, WEBHOOK, WebhookWorld, known, post, stream, streams_live, told, until, webhook,
};
use crate::support::{Receiver, TestServer};

async fn over(world: &WebhookWorld, streams: &[(&str, SourceKind, &Jetstream)]) -> TestServer {
    world
        .server_with(|config| {
            let streams = streams.iter();
            let streams = streams.map(|(name, kind, source)| stream(name, *kind, &source.url()));
            config.streams = streams.collect();
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn both_framings_of_jetstream_bring_the_same() {
    let world = WebhookWorld::start();
    for (framing, kind) in [
        (Framing::First, SourceKind::Jetstream),
        (Framing::Second, SourceKind::Jetstream2),
    ] {
        let source = Jetstream::start(framing).await;
        let server = over(&world, &[("network", kind, &source)]).await;
        let alice = world
            .account(&format!("alice{}", source_name(framing)))
            .await;
        let mut receiver = Receiver::start();
        let (hook, _) = hook(&alice, &receiver.url, &source).await;
        known(&server, &hook, "active").await;
        source.say_garbage("{\"this is\": no frame");
        posts(&source, &alice, 1);
        assert_eq!(numbers(&mut receiver, 1).await, [1]);
        source.commit(&alice.did, "delete", &format!("{POST}/post1"), None);
        let body = told(&receiver.next().await, None);
        assert_eq!(body["event"], "delete");
        assert!(
            body.get("record").is_none() && body.get("cid").is_none(),
            "{body}"
        );
        let mut database = Database::sqlite(&server.data()).await;
        let aside = "SELECT count(*) FROM stream_quarantine WHERE reason = 'syntax'";
        assert_eq!(database.number(aside).await, 1, "it is put aside");
        receiver.has_no_more();
        server.stop().await;
    }
}

fn source_name(framing: Framing) -> u8 {
    match framing {
        Framing::First => 1,
        Framing::Second => 2,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn restart_resumes_from_cursor_minus_2_s_and_two_streams_keep_separate_cursors() {
    let world = WebhookWorld::start();
    let first = Jetstream::start(Framing::First).await;
    let second = Jetstream::start(Framing::Second).await;
    let streams = [
        ("first", SourceKind::Jetstream, &first),
        ("second", SourceKind::Jetstream2, &second),
    ];
    let server = over(&world, &streams).await;
    let alice = world.account("alice").await;
    let mut receiver = Receiver::start();
    let (hook, _) = hook(&alice, &receiver.url, &first).await;
    known(&server, &hook, "active").await;
    posts(&first, &alice, 1);
    second.commit(
        &alice.did,
        "create",
        &format!("{POST}/other"),
        Some(post("2")),
    );
    assert_eq!(numbers(&mut receiver, 2).await, [1, 2]);
    let folder = server.stop().await;

    // Both sources go on while nobody listens.
    posts(&first, &alice, 3);
    second.commit(
        &alice.did,
        "create",
        &format!("{POST}/more"),
        Some(post("4")),
    );
    let mut database = Database::sqlite(folder.path()).await;
    let cursors = "SELECT count(DISTINCT stream) FROM stream_cursor";
    assert_eq!(database.number(cursors).await, 2);
    let position = "SELECT position FROM stream_cursor WHERE stream = 'first'";
    let position = database.number(position).await;
    let server = world
        .server_in(folder, |config| {
            let streams = streams.iter();
            let streams = streams.map(|(name, kind, source)| stream(name, *kind, &source.url()));
            config.streams = streams.collect();
        })
        .await;
    assert_eq!(numbers(&mut receiver, 2).await, [3, 4]);
    receiver.has_no_more();
    let asked = first.queries().pop().expect("it connected");
    let rewound = format!("cursor={}", position - 2_000_000);
    assert!(asked.contains(&rewound), "{asked}, not {rewound}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_change_through_two_streams_is_told_once() {
    let world = WebhookWorld::start();
    let [one, other] = [
        Jetstream::start(Framing::First).await,
        Jetstream::start(Framing::First).await,
    ];
    let streams = [
        ("one", SourceKind::Jetstream, &one),
        ("other", SourceKind::Jetstream, &other),
    ];
    let server = over(&world, &streams).await;
    let alice = world.account("alice").await;
    let mut receiver = Receiver::start();
    let (hook, record) = hook(&alice, &receiver.url, &one).await;
    tell(&other, &alice, &hook, &record);
    known(&server, &hook, "active").await;
    for number in 0..20 {
        posts(&one, &alice, number);
        posts(&other, &alice, number);
    }
    let all: Vec<u64> = (0..20).collect();
    assert_eq!(numbers(&mut receiver, 20).await, all);
    let mut database = Database::sqlite(&server.data()).await;
    let done = format!(
        "SELECT count(*) FROM stream_cursor WHERE position = ({})",
        NEWEST
    );
    until("both are done", async || database.number(&done).await == 2).await;
    receiver.has_no_more();
    server.stop().await;
}

const NEWEST: &str = "SELECT max(position) FROM stream_cursor";

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_in_a_gap_is_read_from_the_accounts_host() {
    let world = WebhookWorld::start();
    let source = Jetstream::start(Framing::Second).await;
    let server = over(&world, &[("network", SourceKind::Jetstream2, &source)]).await;
    let alice = world.account("alice").await;
    let mut receiver = Receiver::start();
    let (hook, _) = hook(&alice, &receiver.url, &source).await;
    known(&server, &hook, "active").await;
    // One that names no collection by its whole name.
    let mut wide = Receiver::start();
    let record = webhook(&format!("at://{}/app.bsky.*", alice.did), &wide.url);
    let written = alice.create(WEBHOOK, &record).await;
    tell(&source, &alice, &written, &record);
    known(&server, &written, "active").await;
    posts(&source, &alice, 0);
    assert_eq!(numbers(&mut receiver, 1).await, [0]);
    assert_eq!(numbers(&mut wide, 1).await, [0]);
    let folder = server.stop().await;
    let time = "SELECT max(time_us) FROM stream_cursor";
    let last = Database::sqlite(folder.path()).await.number(time).await;

    // Of what happens now the source keeps the last only; the account's host has it all.
    for number in 1..=9 {
        let micros = u64::try_from(last).expect("positive") + number * 1000;
        let key = Tid::from_micros(micros, 0).expect("a key");
        let path = format!("{POST}/{key}");
        let record = post(&number.to_string());
        source.commit(&alice.did, "create", &path, Some(record.clone()));
        let input = json!({
            "repo": alice.did, "collection": POST, "rkey": key, "record": record, "validate": false,
        });
        alice.call("com.atproto.repo.createRecord", input).await;
    }
    source.keep_only(1);
    let server = world
        .server_in(folder, |config| {
            config.streams = vec![stream("network", SourceKind::Jetstream2, &source.url())];
        })
        .await;
    for receiver in [&mut receiver, &mut wide] {
        let mut told: Vec<u64> = Vec::new();
        while told.len() < 9 {
            told.extend(numbers(receiver, 1).await);
            told.sort_unstable();
            told.dedup();
        }
        let all: Vec<u64> = (1..=9).collect();
        assert_eq!(told, all);
    }
    streams_live(&server).await;
    let health = server.get("/xrpc/_health").await;
    assert_eq!(health.body["streams"]["network"]["gaps"], 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_that_changed_while_nobody_listened_are_found_at_the_start() {
    let world = WebhookWorld::start();
    let source = Jetstream::start(Framing::First).await;
    let server = over(&world, &[("network", SourceKind::Jetstream, &source)]).await;
    let alice = world.account("alice").await;
    let mut receiver = Receiver::start();
    let (kept, record) = hook(&alice, &receiver.url, &source).await;
    known(&server, &kept, "active").await;
    let folder = server.stop().await;
    // The stream never tells of these.
    let off = {
        let mut off = record.clone();
        off["enabled"] = json!(false);
        alice.put(&kept, &off).await
    };
    let new = alice.create(WEBHOOK, &record).await;
    let server = world
        .server_in(folder, |config| {
            config.streams = vec![stream("network", SourceKind::Jetstream, &source.url())];
        })
        .await;
    known(&server, &off, "disabled").await;
    known(&server, &new, "active").await;
    posts(&source, &alice, 7);
    assert_eq!(numbers(&mut receiver, 1).await, [7]);
    receiver.has_no_more();
    server.stop().await;
}

/// A server over this source alone, and how its stream is doing once it is doing so.
async fn alone(source: &Jetstream) -> TestServer {
    let stream = stream("network", SourceKind::Jetstream, &source.url());
    let server = TestServer::start_with(|config| config.streams = vec![stream]).await;
    streams_live(&server).await;
    server
}

async fn shown(server: &TestServer, what: &str, is_so: impl Fn(&Value) -> bool) {
    until(what, async || {
        let health = server.get("/xrpc/_health").await;
        is_so(&health.body["streams"]["network"])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_beyond_the_limit_does_not_stop_the_stream() {
    let source = Jetstream::start(Framing::First).await;
    let server = alone(&source).await;
    let did = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
    source.account(did, true);
    let long = format!("{{\"long\": \"{}\"}}", "x".repeat(6_000_000));
    source.say_garbage(&long);
    source.account(did, true);
    shown(&server, "it goes on behind the frame", |stream| {
        stream["frames"] == 3 && stream["quarantined"] == 1 && stream["gaps"] == 1
    })
    .await;
    shown(&server, "it is live on the same connection", |stream| {
        stream["live"] == true && stream["connections"] == 1 && stream["malformedFrames"] == 1
    })
    .await;
    let mut database = Database::sqlite(&server.data()).await;
    let aside = format!(
        "SELECT count(*) FROM stream_quarantine WHERE reason = 'too-long: {} bytes'",
        long.len()
    );
    assert_eq!(database.number(&aside).await, 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_of_something_else_is_not_live_until_it_makes_sense() {
    let source = Jetstream::start(Framing::First).await;
    let server = alone(&source).await;
    for _ in 0..3 {
        source.say_garbage(r#"{"something": "else"}"#);
    }
    let mut health = server.get("/xrpc/_health").await;
    until("it makes no sense", async || {
        health = server.get("/xrpc/_health").await;
        health.status == 503
    })
    .await;
    assert_eq!(health.body["message"], "record streams does not work");
    source.account("did:plc:ewvi7nxzyoun6zhxrhs64oiz", true);
    shown(&server, "it makes sense", |stream| {
        stream["live"] == true && stream["malformedFrames"] == 3
    })
    .await;
    server.stop().await;
}
