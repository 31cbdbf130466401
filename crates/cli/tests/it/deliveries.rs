//! `loggia deliveries`, beside a server that runs.

use serde_json::{Value, json};

use crate::serve::program::{Listening, Serving, free_port};
use crate::world::World;

const SEND: &str = "dev.loggia.delivery.send";

/// What `list` prints for a state, once it prints anything.
fn listed(server: &Serving, state: &str) -> String {
    loop {
        let shown = server.loggia(&["deliveries", "list", "--state", state]);
        if !shown.is_empty() {
            return shown;
        }
    }
}

/// The delivery as JSON, once it has had so many attempts and has ended.
fn until(server: &Serving, id: &str, attempts: u64) -> Value {
    loop {
        let shown = server.loggia(&["deliveries", "show", id, "--json"]);
        let shown: Value = serde_json::from_str(&shown).expect("JSON");
        let delivery = &shown["delivery"];
        if delivery["attempts"] == attempts && delivery["endedAt"].is_string() {
            return shown;
        }
    }
}

/// A server, a receiver that answers 400, and a dead letter that it has made: its notification and
/// endpoint.
fn dead_letter(server: &Serving) -> (Listening, String, String) {
    server.loggia(&["dev", "account", "alice"]);
    let port = free_port();
    let input = json!({ "url": format!("http://localhost:{port}/hook") });
    let (status, made) = server.procedure("dev.loggia.endpoint.create", &input);
    assert_eq!(status, 200, "{made}");
    let secret = made["secret"].as_str().expect("a secret");
    let endpoint = made["endpoint"]["id"].as_str().expect("an id");
    let receiver = Listening::start_with(port, secret, &["--status", "400"]);
    let input = json!({
        "kind": "com.example.happened",
        "subject": "a\nthing",
        "body": { "x": 1 },
        "endpoints": [endpoint],
    });
    let (status, sent) = server.procedure(SEND, &input);
    assert_eq!(status, 200, "{sent}");
    receiver.until("  answered 400");
    let notification = sent["id"].as_str().expect("an id").to_owned();
    (receiver, notification, endpoint.to_owned())
}

#[test]
fn a_dead_letter_is_found_and_looked_at() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let server = Serving::start(data.path(), free_port());
    let (_receiver, notification, endpoint) = dead_letter(&server);
    let line = listed(&server, "abandoned");
    let id = line.split(' ').next().expect("an id");
    assert_eq!(id, format!("{notification}/{endpoint}"));
    let end = " 1 attempt, com.example.happened of a\\nthing: permanent";
    assert!(line.contains("abandoned") && line.ends_with(end), "{line}");
    assert_eq!(server.loggia(&["deliveries", "list", "--since", "0s"]), "");
    let shown = server.loggia(&["deliveries", "show", id]);
    assert!(shown.contains("body {\"x\":1}"), "{shown}");
    assert!(shown.contains(": HTTP 400 in "), "{shown}");
    let stats = server.loggia(&["deliveries", "stats", "--endpoint", &endpoint]);
    let counts = "abandoned 1\nattempts  1\nlatency   p50 ";
    assert!(stats.starts_with(counts), "{stats}");
    assert!(stats.ends_with(": HTTP 400"), "{stats}");
    server.terminate();
}

#[test]
fn a_dead_letter_is_sent_again_and_each_attempt_is_seen() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let server = Serving::start(data.path(), free_port());
    let (receiver, notification, endpoint) = dead_letter(&server);
    let id = format!("{notification}/{endpoint}");
    until(&server, &id, 1);
    let tail = server.follow(&["deliveries", "tail", "--since", "1h", "--json"]);
    let first = tail.until("{");
    assert!(first.contains(&notification), "{first}");
    assert!(first.contains("\"status\":400"), "{first}");
    server.loggia(&["deliveries", "replay", &id]);
    receiver.until("  answered 400");
    let second = until(&server, &id, 2);
    assert_eq!(second["attempts"][1]["number"], 2, "{second}");
    tail.until("{");
    let all = ["deliveries", "replay-all", "--endpoint", &endpoint];
    let replay = server.loggia(&[&all[..], &["--since", "1h"]].concat());
    receiver.until("  answered 400");
    until(&server, &id, 3);
    loop {
        let progress = server.loggia(&["deliveries", "progress", &replay]);
        if progress.starts_with("done at ") {
            assert!(progress.ends_with(": 1 of 1 delivery"), "{progress}");
            break;
        }
        assert!(progress.starts_with("running: "), "{progress}");
    }
    let cancelled = server.loggia(&["deliveries", "cancel", "--endpoint", &endpoint]);
    assert_eq!(cancelled, "cancelled 0 deliveries");
    server.terminate();
}

#[test]
fn what_makes_no_sense_is_refused() {
    let world = World::new();
    let nobody = "018bcfe5-6800-7101-8101-010101010101";
    let pair = format!("{nobody}/{nobody}");
    let run = |arguments: &[&str]| world.run(&[&["deliveries"], arguments].concat());
    run(&["list"]).refused(2, &["no data of a server in data", "loggia serve"]);
    assert!(!world.path("data").exists(), "whoever looks makes nothing");
    world.run(&["keys", "init"]).fine();
    run(&["show", "x"]).refused(2, &["two ids with a slash"]);
    run(&["show", &pair]).refused(2, &["there is no delivery"]);
    run(&["replay", &pair]).refused(2, &["there is no delivery"]);
    run(&["cancel"]).refused(2, &["required"]);
    run(&["cancel", "--endpoint", nobody]).refused(2, &["there is no endpoint"]);
    run(&["stats", "--endpoint", nobody]).refused(2, &["there is no endpoint"]);
    run(&["list", "--since", "yesterday"]).refused(2, &["neither a time", "36h"]);
    run(&["progress", nobody]).refused(2, &["there is no replay"]);
    let all = [
        "replay-all",
        "--endpoint",
        nobody,
        "--since",
        "1h",
        "--state",
        "pending",
    ];
    run(&all).refused(2, &["only what has ended"]);
    assert_eq!(run(&["list"]).fine().out, "");
}
