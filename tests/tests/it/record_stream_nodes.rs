//! Processes that consume a record stream: killed, taken over, probed and stopped.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use loggia_server::chance;
use loggia_services::Postgres;
use serde_json::{Value, json};

use crate::support::jetstream::{Framing, Jetstream};
use crate::support::posting::{hook, numbers, posts};
use crate::support::process::ServerProcess;
use crate::support::rows::Database;
use crate::support::webhook_world::{WEBHOOK, WebhookWorld, known_in, rkey, until};
use crate::support::{Closed, Receiver, http};

/// Settings of a process that consumes a Jetstream and reads records from the world's PDS.
fn settings(world: &WebhookWorld, source: &Jetstream) -> Vec<(&'static str, String)> {
    vec![
        ("plc_directory", world.servers.plc.clone()),
        ("jetstream_url", source.url()),
        ("wisp_attempts", "100".to_owned()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_loses_nothing_and_replaying_the_same_events_doubles_nothing() {
    let world = WebhookWorld::start();
    let source = Jetstream::start(Framing::First).await;
    let data = tempfile::tempdir().expect("a temporary folder");
    let mut server = ServerProcess::start(data.path(), &settings(&world, &source)).await;
    until("the stream is live", async || consumes(&server).await).await;
    let alice = world.account("alice").await;
    let closed = Closed::new();
    let (hook, _) = hook(&alice, &closed.url, &source).await;
    let mut database = Database::sqlite(data.path()).await;
    known_in(&mut database, &hook, "active").await;
    let mut number = 0;
    for round in 0..8 {
        for _ in 0..40 {
            posts(&source, &alice, number);
            number += 1;
        }
        // In the middle of things, wherever that is.
        tokio::time::sleep(Duration::from_millis(round * 7)).await;
        server.kill();
        server.spawn_again();
        server.ready().await;
    }
    let count = "SELECT count(*) FROM notification";
    let all = i64::try_from(number).expect("is small");
    until("all is enqueued", async || {
        database.number(count).await == all
    })
    .await;

    // Everything that the source ever said comes again.
    server.kill();
    let rewound =
        "UPDATE stream_cursor SET position = position - 600000000, time_us = time_us - 600000000";
    assert_eq!(database.change(rewound).await, 1);
    let mut receiver = closed.open(&[]);
    server.spawn_again();
    server.ready().await;
    let told: Vec<u64> = numbers(&mut receiver, usize::try_from(number).expect("is small")).await;
    let expected: Vec<u64> = (0..number).collect();
    assert_eq!(told, expected);
    posts(&source, &alice, number);
    assert_eq!(numbers(&mut receiver, 1).await, [number]);
    assert_eq!(database.number(count).await, all + 1);
    receiver.has_no_more();
}

async fn consumes(server: &ServerProcess) -> bool {
    let stream = &server.health().await["streams"]["jetstream"];
    stream["consumer"] == "here" && stream["connected"] == true
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_nodes_one_consumes_and_when_it_dies_the_other_goes_on() {
    let world = WebhookWorld::start();
    let source = Jetstream::start(Framing::First).await;
    let url = Postgres::database().await;
    let mut settings = settings(&world, &source);
    settings.extend([
        ("database_url", url.clone()),
        ("master_key", BASE64_STANDARD.encode(chance::bytes::<32>())),
        ("lease_seconds", "5".to_owned()),
        ("attempt_timeout_ms", "1000".to_owned()),
    ]);
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a temporary folder"));
    let mut one = ServerProcess::start(folders[0].path(), &settings).await;
    until("one consumes", async || consumes(&one).await).await;
    let other = ServerProcess::start(folders[1].path(), &settings).await;
    let alice = world.account("alice").await;
    let mut receiver = Receiver::start();
    let (hook, _) = hook(&alice, &receiver.url, &source).await;
    let mut database = Database::postgres(&url).await;
    known_in(&mut database, &hook, "active").await;
    for number in 0..10 {
        posts(&source, &alice, number);
    }
    let all: Vec<u64> = (0..10).collect();
    assert_eq!(numbers(&mut receiver, 10).await, all);
    let state = other.health().await["streams"]["jetstream"].clone();
    assert_eq!(
        (&state["consumer"], &state["live"]),
        (&json!("elsewhere"), &json!(true))
    );

    // An attempt whose outcome is not on the disk is made again by whoever goes on.
    let delivered = "SELECT count(*) FROM delivery WHERE state = 'delivered'";
    until("all of it is on record", async || {
        database.number(delivered).await == 10
    })
    .await;
    one.kill();
    for number in 10..20 {
        posts(&source, &alice, number);
    }
    let all: Vec<u64> = (10..20).collect();
    assert_eq!(numbers(&mut receiver, 10).await, all);
    assert!(consumes(&other).await);
    // The webhook is changed on the node that took over, too.
    alice.delete(&hook).await;
    source.commit(
        &alice.did,
        "delete",
        &format!("{WEBHOOK}/{}", rkey(&hook)),
        None,
    );
    known_in(&mut database, &hook, "removed").await;
    receiver.has_no_more();
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_503_while_starting_and_200_when_streams_are_live_and_sigterm_drains() {
    let source = Jetstream::start(Framing::First).await;
    source.refuse(true);
    let data = tempfile::tempdir().expect("a temporary folder");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let settings = [
        ("jetstream_url", source.url()),
        ("health_port", port.to_string()),
    ];
    let mut server = ServerProcess::start(data.path(), &settings).await;
    let ask = async |path: &str| {
        let answer = http().get(format!("http://127.0.0.1:{port}{path}"));
        let answer = answer.send().await.expect("an answer");
        let status = answer.status().as_u16();
        assert_eq!(
            answer
                .headers()
                .get("cache-control")
                .map(|value| value.as_bytes()),
            match path {
                "/health" | "/live" => Some(&b"no-store"[..]),
                _ => None,
            }
        );
        (status, answer.json::<Value>().await.unwrap_or_default())
    };
    let (status, body) = ask("/health").await;
    assert_eq!((status, &body["status"]), (503, &json!("degraded")));
    assert_eq!(ask("/live").await.0, 200);
    assert_eq!(ask("/xrpc/_health").await.0, 404);
    source.refuse(false);
    until("it is healthy", async || ask("/health").await.0 == 200).await;
    let (_, body) = ask("/health").await;
    assert_eq!(body["status"], "healthy");
    let stream = &body["streams"]["jetstream"];
    assert_eq!(
        (&stream["connected"], &stream["consumer"]),
        (&json!(true), &json!("here"))
    );
    assert_eq!(server.stop().await, Some(0));
}
