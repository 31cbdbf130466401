//! `loggia serve`, `loggia dev` and `loggia listen` together, as the README walks through them, and
//! what a server keeps that is killed.

pub mod program;

use serde_json::{Value, json};

use program::{Listening, Serving, free_port};

const REGISTER: &str = "com.atproto.space.registerNotify";
const WRITE: &str = "com.atproto.space.notifyWrite";

fn space(did: &str) -> String {
    format!("at://{did}/space/com.example.forum/main")
}

/// Registers an endpoint for alice's space; its secret.
fn register(server: &Serving, did: &str, endpoint: &str) -> String {
    let input = json!({ "space": space(did), "serviceDid": did, "endpoint": endpoint });
    let (status, output) = server.procedure(REGISTER, &input);
    assert_eq!(status, 200, "{output}");
    output["secret"]
        .as_str()
        .unwrap_or_else(|| panic!("no secret: {output}"))
        .to_owned()
}

fn write(did: &str) -> Value {
    json!({
        "space": space(did),
        "did": did,
        "collection": "com.example.forum.post",
        "rkey": "3jwq5dya2gy2z",
    })
}

#[test]
fn the_walk_through_of_the_readme_works() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let server = Serving::start(data.path(), free_port());
    let port = server.port;
    let banner = server.banner.as_str();
    assert!(
        banner.contains(&format!("on http://localhost:{port}")),
        "{banner}"
    );
    assert!(
        banner.contains("Development: bound to loopback"),
        "{banner}"
    );
    assert!(
        banner.contains("  place.stream.server.createWebhook\n"),
        "{banner}"
    );

    let record =
        json!({ "$type": "place.stream.chat.message", "text": "hi", "createdAt": "yesterday" });
    let input = json!({ "record": record, "resolveExternal": true });
    let (status, output) = server.open_procedure("dev.loggia.lexicon.validateRecord", &input);
    assert_eq!((status, &output["valid"]), (200, &json!(false)), "{output}");

    let did = server.loggia(&["dev", "account", "alice"]);
    assert_eq!(did, format!("did:web:alice.localhost%3A{port}"));
    assert_eq!(server.loggia(&["dev", "account", "alice"]), did);

    let receiver_port = free_port();
    let url = format!("http://localhost:{receiver_port}/stream");
    let input = json!({ "url": url, "events": ["chat"], "active": true });
    let (status, made) = server.procedure("place.stream.server.createWebhook", &input);
    assert_eq!(status, 200, "{made}");
    let list = server.query("place.stream.server.listWebhooks");
    assert_eq!(list, (200, json!({ "webhooks": [made["webhook"]] })));

    let endpoint = format!("http://localhost:{receiver_port}/writes");
    let secret = register(&server, &did, &endpoint);
    let receiver = Listening::start(receiver_port, &secret);
    assert_eq!(
        server.procedure(WRITE, &write(&did)),
        (200, json!({ "success": true }))
    );
    let shown = receiver.until("  answered 200 OK");
    assert!(shown.contains("  signature verified"), "{shown}");
    assert!(shown.contains("POST /writes"), "{shown}");
    assert!(shown.contains(r#""rkey": "3jwq5dya2gy2z""#), "{shown}");
    assert!(shown.contains("webhook-id: "), "{shown}");

    server.terminate();
}

#[test]
fn a_killed_server_loses_nothing_that_it_acknowledged() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let server = Serving::start(data.path(), free_port());
    let did = server.loggia(&["dev", "account", "alice"]);
    let receiver_port = free_port();
    let secret = register(
        &server,
        &did,
        &format!("http://127.0.0.1:{receiver_port}/writes"),
    );

    // Nobody listens yet.
    assert_eq!(
        server.procedure(WRITE, &write(&did)),
        (200, json!({ "success": true }))
    );
    let port = server.kill();

    let receiver = Listening::start(receiver_port, &secret);
    let server = Serving::start(data.path(), port);
    let shown = receiver.until("  answered 200 OK");
    assert!(shown.contains("  signature verified"), "{shown}");
    assert!(shown.contains(r#""rkey": "3jwq5dya2gy2z""#), "{shown}");
    server.terminate();
}

#[test]
fn the_end_of_a_space_shows_at_the_receiver_that_fails_first() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let server = Serving::start(data.path(), free_port());
    let did = server.loggia(&["dev", "account", "alice"]);
    let receiver_port = free_port();
    let secret = register(
        &server,
        &did,
        &format!("http://127.0.0.1:{receiver_port}/writes"),
    );
    let receiver =
        Listening::start_with(receiver_port, &secret, &["--fail", "1", "--status", "202"]);
    let end = json!({ "space": space(&did) });
    let ended = server.procedure("com.atproto.space.notifySpaceDeleted", &end);
    assert_eq!(ended, (200, json!({ "success": true })));
    let first = receiver.until("  answered 500 Internal Server Error");
    assert!(first.contains("  signature verified"), "{first}");
    let second = receiver.until("  answered 202 Accepted");
    assert!(second.contains("  signature verified"), "{second}");
    server.terminate();
}

#[test]
fn a_server_whose_log_has_gone_goes_on() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let server = Serving::start_unheard(data.path(), free_port());
    for _ in 0..10 {
        let input = json!({ "record": { "$type": "place.stream.chat.message" } });
        let (status, output) = server.open_procedure("dev.loggia.lexicon.validateRecord", &input);
        assert_eq!(status, 200, "{output}");
    }
    server.terminate();
}
