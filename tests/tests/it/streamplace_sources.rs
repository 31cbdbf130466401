//! Streamplace's webhooks, told of what comes through Jetstream; and through crashes.

use std::collections::BTreeMap;
use std::time::Duration;

use loggia_delivery::{Clock as _, SystemClock};
use loggia_firehose::SourceKind;
use serde_json::{Value, json};

use crate::support::jetstream::{Framing, Jetstream};
use crate::support::process::ServerProcess;
use crate::support::rows::Database;
use crate::support::webhook_world::{stream, streams_live, until};
use crate::support::{Receiver, Seed, TestServer, http, is_long};
use crate::webhooks::{CREATE, create};

const MESSAGE: &str = "place.stream.chat.message";
const NATALIE: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

/// A Jetstream whose events happen now.
async fn jetstream(framing: Framing) -> Jetstream {
    let jetstream = Jetstream::start(framing).await;
    jetstream.pass_until(SystemClock.now());
    jetstream
}

fn say(jetstream: &Jetstream, streamer: &str, number: u32, text: &str) {
    let record = json!({
        "$type": MESSAGE,
        "text": text,
        "createdAt": "2026-01-15T10:30:00.000Z",
        "streamer": streamer,
    });
    let path = format!("{MESSAGE}/message{number}");
    jetstream.commit(NATALIE, "create", &path, Some(record));
}

fn content(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).expect("JSON");
    body["content"].as_str().expect("a text").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn chat_comes_through_both_framings_of_jetstream_and_once_through_a_lost_connection() {
    for (framing, kind) in [
        (Framing::First, SourceKind::Jetstream),
        (Framing::Second, SourceKind::Jetstream2),
    ] {
        let jetstream = jetstream(framing).await;
        let server = TestServer::start_with(|config| {
            config.streams = vec![stream("jetstream", kind, &jetstream.url())];
            config.profile_service = "http://127.0.0.1:1".parse().expect("a URL");
            config.plc_directory = config.profile_service.clone();
        })
        .await;
        streams_live(&server).await;
        let alice = server.account("alice");
        let mut receiver = Receiver::start();
        let input = json!({ "url": receiver.url, "events": ["chat"], "active": true });
        create(&alice, input).await;
        for (number, text) in (1..).zip(["one", "two", "three"]) {
            say(&jetstream, alice.did.as_str(), number, text);
            assert_eq!(content(&receiver.next().await.body), text, "{framing:?}");
            // What comes next begins with some of what came before.
            jetstream.hang_up();
        }
        receiver.has_no_more();
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_and_nothing_said_twice_when_the_server_is_killed() {
    let rounds = if is_long() { 20 } else { 4 };
    let mut seed = Seed::of_this_run();
    let jetstream = jetstream(Framing::First).await;
    let data = tempfile::tempdir().expect("a temporary folder");
    let nobody = "http://127.0.0.1:1".to_owned();
    let settings = [
        ("jetstream_url", jetstream.url()),
        ("profile_service", nobody.clone()),
        ("plc_directory", nobody),
    ];
    let mut server = ServerProcess::start(data.path(), &settings).await;
    is_live(&server).await;
    let alice = server.caller("alice");
    let mut receiver = Receiver::start();
    let input = json!({ "url": receiver.url, "events": ["chat"], "active": true });
    let made = alice.procedure(CREATE, &input).await.expect("an answer");
    assert_eq!(made.0, 200, "{made:?}");

    let mut arrived = BTreeMap::new();
    say(&jetstream, alice.did(), 0, "0");
    assert_eq!(content(&receiver.next().await.body), "0");
    // A place in the stream is known from now on.
    let mut said = 1;
    for _ in 0..rounds {
        for _ in 0..20 {
            say(&jetstream, alice.did(), said, &said.to_string());
            said += 1;
        }
        tokio::time::sleep(Duration::from_millis(seed.below(400))).await;
        server.kill();
        server.spawn_again();
        server.ready().await;
    }
    while arrived.len() < said as usize - 1 {
        let text = content(&receiver.next().await.body);
        *arrived.entry(text).or_insert(0) += 1;
    }
    let mut database = Database::sqlite(data.path()).await;
    until("all is delivered", async || {
        database
            .number(
                "SELECT (SELECT count(*) FROM delivery WHERE state <> 'delivered')
                     + (SELECT count(*) FROM errand WHERE kind = 'streamplace')",
            )
            .await
            == 0
    })
    .await;
    let notifications = database.number("SELECT count(*) FROM notification").await;
    assert_eq!(notifications, i64::from(said), "one for each message");
}

/// Waits until the streams of a server are connected.
async fn is_live(server: &ServerProcess) {
    let url = format!("http://127.0.0.1:{}/xrpc/_health", server.port);
    let client = http();
    until("the stream is live", async || {
        let answer = client.get(&url).send().await.expect("an answer");
        let health: Value = answer.json().await.expect("JSON");
        health["streams"]["jetstream"]["connected"] == true
    })
    .await;
}
