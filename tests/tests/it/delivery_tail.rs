//! `dev.loggia.delivery.tail`: attempts as they end.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::deliveries::{send, until};
use crate::endpoints::make;
use crate::support::{Account, Receiver, TestServer};

const TAIL: &str = "dev.loggia.delivery.tail";
/// Longer than anything takes here, so that only what never comes fails.
const PATIENCE: Duration = Duration::from_secs(60);

type Socket = WebSocketStream<TcpStream>;

/// Opens the stream; what the server says if it does not.
async fn open(server: &TestServer, account: &Account<'_>, query: &str) -> Socket {
    let address = format!("127.0.0.1:{}", server.port());
    let url = format!("ws://{address}/xrpc/{TAIL}?{query}");
    let mut request = url.into_client_request().expect("a URL");
    let token = format!("Bearer {}", account.token(TAIL));
    let token = token.parse().expect("a header");
    request.headers_mut().insert("authorization", token);
    let stream = TcpStream::connect(address).await.expect("connects");
    client_async(request, stream).await.expect("upgrades").0
}

/// The next frame: its type or its error, and its payload.
async fn next(socket: &mut Socket) -> (String, Value) {
    loop {
        let message = tokio::time::timeout(PATIENCE, socket.next()).await;
        let message = message.expect("a frame in time").expect("a frame");
        if let Message::Binary(bytes) = message.expect("a whole frame") {
            let mut rest = Cursor::new(&bytes[..]);
            let mut object = || -> Value {
                serde_ipld_dagcbor::de::from_reader_once(&mut rest).expect("DAG-CBOR")
            };
            let (header, payload) = (object(), object());
            let name = header["t"].as_str().unwrap_or("error").to_owned();
            return (name, payload);
        }
    }
}

/// The next attempt.
async fn attempted(socket: &mut Socket) -> Value {
    let (name, payload) = next(socket).await;
    assert_eq!(name, "#attempted", "{payload}");
    payload
}

#[tokio::test]
async fn attempts_come_as_they_end_and_only_to_the_owner() {
    let server = TestServer::start().await;
    let (alice, mallory) = (server.account("alice"), server.account("mallory"));
    let receiver = Receiver::answering(&[400]);
    let (endpoint, _) = make(&alice, json!({ "url": receiver.url })).await;
    let theirs = Receiver::start();
    let (foreign, _) = make(&mallory, json!({ "url": theirs.url })).await;
    let mut tail = open(&server, &alice, "").await;
    let mut only = open(&server, &alice, &format!("endpoint={endpoint}")).await;

    let other = send(&mallory, json!({ "endpoints": [foreign] })).await;
    until(&mallory, (&other, &foreign), "delivered").await;
    let first = send(&alice, json!({ "endpoints": [endpoint] })).await;
    let seen = attempted(&mut tail).await;
    let expected = json!({
        "seq": seen["seq"],
        "notification": first,
        "endpoint": endpoint,
        "kind": "com.example.happened",
        "subject": "a thing",
        "state": "abandoned",
        "attempt": {
            "number": 1,
            "startedAt": seen["attempt"]["startedAt"],
            "durationMs": seen["attempt"]["durationMs"],
            "status": 400,
        },
    });
    assert_eq!(seen, expected);
    assert_eq!(attempted(&mut only).await, expected);
    let second = send(&alice, json!({ "endpoints": [endpoint] })).await;
    let seen = attempted(&mut tail).await;
    assert_eq!(
        (&seen["notification"], &seen["state"]),
        (&json!(second), &json!("delivered"))
    );

    let mut refused = open(&server, &mallory, &format!("endpoint={endpoint}")).await;
    let (name, error) = next(&mut refused).await;
    assert_eq!(
        (name.as_str(), &error["error"]),
        ("error", &json!("NotFound"))
    );
}

#[tokio::test]
async fn a_lost_connection_goes_on_at_its_cursor_and_misses_nothing() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let receiver = Receiver::start();
    let (endpoint, _) = make(&alice, json!({ "url": receiver.url })).await;
    let mut tail = open(&server, &alice, "").await;
    let mut sent = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut cursor = 0;
    for _ in 0..4 {
        sent.insert(send(&alice, json!({ "endpoints": [endpoint] })).await);
        let attempt = attempted(&mut tail).await;
        cursor = attempt["seq"].as_i64().expect("a number");
        seen.insert(attempt["notification"].as_str().expect("an id").to_owned());
    }
    assert_eq!(seen, sent);
    drop(tail);
    for _ in 0..20 {
        sent.insert(send(&alice, json!({ "endpoints": [endpoint] })).await);
    }
    let mut tail = open(&server, &alice, &format!("cursor={cursor}")).await;
    while seen != sent {
        let attempt = attempted(&mut tail).await;
        seen.insert(attempt["notification"].as_str().expect("an id").to_owned());
    }
    // From the very beginning, with a word that some may be missing; each once on one stream.
    let mut tail = open(&server, &alice, "cursor=0").await;
    let (name, info) = next(&mut tail).await;
    assert_eq!(
        (name.as_str(), &info["name"]),
        ("#info", &json!("OutdatedCursor"))
    );
    let mut all = Vec::new();
    while all.len() < sent.len() {
        let attempt = attempted(&mut tail).await;
        all.push(attempt["notification"].as_str().expect("an id").to_owned());
    }
    let once: BTreeSet<_> = all.iter().cloned().collect();
    assert_eq!(once, sent);
    let mut future = open(&server, &alice, "cursor=9007199254740991").await;
    let (_, error) = next(&mut future).await;
    assert_eq!(error["error"], "FutureCursor");
}

#[tokio::test]
async fn an_account_is_followed_by_a_few_at_a_time() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let receiver = Receiver::start();
    let (endpoint, _) = make(&alice, json!({ "url": receiver.url })).await;
    let mut open_ones = Vec::new();
    for _ in 0..8 {
        open_ones.push(open(&server, &alice, "").await);
    }
    let mut refused = open(&server, &alice, "").await;
    let (name, error) = next(&mut refused).await;
    assert_eq!(
        (name.as_str(), &error["error"]),
        ("error", &json!("TooManyRequests"))
    );
    send(&alice, json!({ "endpoints": [endpoint] })).await;
    for tail in &mut open_ones {
        attempted(tail).await;
    }
    // There is room again once one has left.
    drop(open_ones.pop());
    loop {
        let mut tail = open(&server, &alice, "cursor=0").await;
        if next(&mut tail).await.0 == "#info" {
            break;
        }
    }
}
