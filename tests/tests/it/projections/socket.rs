//! Streams: what was missed, then what is new, with no gap and nothing twice.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::kill::{Api, settings_of_nodes};
use super::{Client, PATIENCE, TOTAL, id};
use crate::support::process::ServerProcess;
use crate::support::{TestServer, is_long};

pub type Socket = WebSocketStream<TcpStream>;

pub async fn open(client: &Client<'_>, path: &str) -> Socket {
    connect(client.server.port(), &client.key, path).await
}

async fn connect(port: u16, key: &str, path: &str) -> Socket {
    let address = format!("127.0.0.1:{port}");
    let url = format!("ws://{address}{path}");
    let mut request = url.into_client_request().expect("a URL");
    let key = key.parse().expect("a header");
    request.headers_mut().insert("x-api-key", key);
    let stream = TcpStream::connect(address).await.expect("connects");
    client_async(request, stream).await.expect("upgrades").0
}

pub async fn next(socket: &mut Socket) -> Value {
    loop {
        let message = tokio::time::timeout(PATIENCE, socket.next()).await;
        match message
            .expect("in time")
            .expect("a frame")
            .expect("a whole one")
        {
            Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
            Message::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_client_that_comes_back_gets_exactly_what_it_missed() {
    let server = TestServer::start().await;
    let client = Client::new(&server).await;
    let id = id(&client.make(&json!({}), Some(TOTAL)).await);
    let path = format!("/projections/{id}/subscribe");
    let mut socket = open(&client, &path).await;
    client.order("order_1", 1).await;
    client.order("order_1", 2).await;
    let seen = [next(&mut socket).await, next(&mut socket).await];
    socket.close(None).await.expect("closes");
    for amount in 3..=40 {
        client.order(&format!("order_{}", amount % 3), amount).await;
    }
    let mut socket = open(&client, &format!("{path}?afterSequence=2")).await;
    let all = client.notified(&id, 0, 40).await;
    assert_eq!(seen[..], all[..2]);
    for expected in &all[2..] {
        assert_eq!(next(&mut socket).await, *expected);
    }
    client.order("order_1", 1).await;
    assert_eq!(next(&mut socket).await["sequence"], 41);
}

#[tokio::test]
async fn nothing_is_missing_or_there_twice_while_events_come() {
    let server = TestServer::start().await;
    let client = Client::new(&server).await;
    let id = id(&client.make(&json!({}), Some(TOTAL)).await);
    let path = format!("/projections/{id}/subscribe?afterSequence=0");
    let appending = async {
        for amount in 1..=60 {
            client.order(&format!("order_{}", amount % 5), amount).await;
        }
    };
    let reading = async {
        let mut sockets = Vec::new();
        for _ in 0..4 {
            let mut socket = open(&client, &path).await;
            next(&mut socket).await;
            sockets.push(socket);
        }
        for socket in &mut sockets {
            for expected in 2..=60 {
                assert_eq!(next(socket).await["sequence"], expected);
            }
        }
    };
    tokio::join!(appending, reading);
}

#[tokio::test]
async fn streams_are_for_owners_and_end_with_a_reason() {
    let server = TestServer::start().await;
    let client = Client::new(&server).await;
    let id = id(&client.make(&json!({}), Some(TOTAL)).await);
    let path = format!("/projections/{id}/subscribe");
    assert_eq!(client.get(&path).await.status, 426, "no WebSocket");
    let upgrade = |path: &str| {
        server
            .request(reqwest::Method::GET, path)
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
    };
    assert_eq!(server.send(upgrade(&path)).await.status, 401, "no key");
    let stranger = Client::new(&server).await;
    assert_eq!(stranger.send(upgrade(&path)).await.status, 404);
    let future = client
        .send(upgrade(&format!("{path}?afterSequence=1")))
        .await;
    assert_eq!(future.body["error"], "FutureCursor");

    let mut socket = open(&client, &path).await;
    socket
        .send(Message::text("ignored"))
        .await
        .expect("is sent");
    socket
        .send(Message::Ping("x".into()))
        .await
        .expect("is sent");
    let pong = tokio::time::timeout(PATIENCE, socket.next()).await;
    let pong = pong
        .expect("in time")
        .expect("a frame")
        .expect("a whole one");
    assert!(matches!(pong, Message::Pong(_)), "{pong:?}");
    let (_, closed) = tokio::join!(server.stop(), tokio::time::timeout(PATIENCE, socket.next()));
    let closed = closed
        .expect("in time")
        .expect("a frame")
        .expect("a whole one");
    let Message::Close(Some(close)) = closed else {
        panic!("{closed:?}");
    };
    assert_eq!(u16::from(close.code), 1001);
    assert!(!close.reason.is_empty());
}

/// The code and the reason with which a stream is closed.
async fn closed(socket: &mut Socket) -> (u16, String) {
    loop {
        let message = tokio::time::timeout(PATIENCE, socket.next()).await;
        match message
            .expect("in time")
            .expect("a frame")
            .expect("a whole one")
        {
            Message::Close(close) => {
                let close = close.expect("a reason");
                return (close.code.into(), close.reason.to_string());
            }
            Message::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn streams_end_when_their_projection_is_deleted_or_their_key_revoked() {
    let server = TestServer::start().await;
    let (client, other) = (Client::new(&server).await, Client::new(&server).await);
    let [gone, stays] = [
        id(&client.make(&json!({}), Some(TOTAL)).await),
        id(&client.make(&json!({}), Some(TOTAL)).await),
    ];
    let path = |id: &str| format!("/projections/{id}/subscribe");
    let mut of_gone = open(&client, &path(&gone)).await;
    let mut of_stays = open(&client, &path(&stays)).await;
    let others = id(&other.make(&json!({}), Some(TOTAL)).await);
    let mut of_others = open(&other, &path(&others)).await;
    let delete = server.request(reqwest::Method::DELETE, &format!("/projections/{gone}"));
    assert_eq!(client.send(delete).await.status, 200);
    let deleted = (1008, "the projection was deleted".to_owned());
    assert_eq!(closed(&mut of_gone).await, deleted);
    client.order("order_1", 1).await;
    assert_eq!(next(&mut of_stays).await["sequence"], 1);

    let operator = server.operator().await;
    let revoked = operator.revoke_client(client.client).await;
    assert!(revoked.expect("runs"));
    operator.close().await;
    // For the next call at once, and soon for what is open.
    let refused = client.get("/projections").await;
    assert_eq!(refused.body["error"], "InvalidClientKey");
    let message = "the X-API-Key is not one of this server, or was revoked";
    assert_eq!(refused.body["message"], message);
    let ended = (1008, "the key was revoked".to_owned());
    assert_eq!(closed(&mut of_stays).await, ended);
    other.order("order_1", 1).await;
    assert_eq!(next(&mut of_others).await["sequence"], 1);
}

#[tokio::test]
async fn what_a_client_says_at_length_ends_its_stream_with_a_reason() {
    let server = TestServer::start().await;
    let client = Client::new(&server).await;
    let id = id(&client.make(&json!({}), Some(TOTAL)).await);
    let mut socket = open(&client, &format!("/projections/{id}/subscribe")).await;
    let long = Message::text("x".repeat(10_000));
    socket.send(long).await.expect("is sent");
    let (code, reason) = closed(&mut socket).await;
    assert_eq!(code, 1009);
    assert!(reason.contains("4096"), "{reason}");
}

/// On PostgreSQL a stream at one node ends when another node, or a command, does it.
#[tokio::test(flavor = "multi_thread")]
async fn streams_at_another_node_end_as_well() {
    let settings = settings_of_nodes().await;
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a temporary folder"));
    let here = ServerProcess::start(folders[0].path(), &settings).await;
    let there = ServerProcess::start(folders[1].path(), &settings).await;
    let api = Api::new(&here, folders[0].path(), &settings).await;
    let id = api.upload().await;
    let path = format!("/projections/{id}/subscribe");
    let mut socket = connect(there.port, &api.key, &path).await;
    let path = format!("/projections/{id}");
    let deleted = api.call("DELETE", &path, None);
    assert_eq!(deleted.await.expect("answers").0, 200);
    let expected = (1008, "the projection was deleted".to_owned());
    assert_eq!(closed(&mut socket).await, expected);

    let id = api.upload().await;
    let path = format!("/projections/{id}/subscribe");
    let mut streams = [
        connect(here.port, &api.key, &path).await,
        connect(there.port, &api.key, &path).await,
    ];
    api.revoke(folders[0].path(), &settings).await;
    let expected = (1008, "the key was revoked".to_owned());
    for stream in &mut streams {
        assert_eq!(closed(stream).await, expected);
    }
}

/// Streams that do nothing: the promise is 300 MB for ten thousand, with the server's other needs.
#[tokio::test(flavor = "multi_thread")]
async fn idle_streams_take_little_memory() {
    let count: u64 = if is_long() { 10_000 } else { 1000 };
    let data = tempfile::tempdir().expect("a temporary folder");
    let server = ServerProcess::start(data.path(), &[]).await;
    let api = Api::new(&server, data.path(), &[]).await;
    let id = api.upload().await;
    let path = format!("/projections/{id}/subscribe");
    let before = server.peak_memory();
    let mut sockets = Vec::new();
    for _ in 0..count {
        sockets.push(connect(api.port, &api.key, &path).await);
    }
    let event = json!({ "aggregateId": "order_1", "eventType": "x", "data": { "amount": 1 } });
    api.call("POST", "/events", Some(event))
        .await
        .expect("answers");
    for socket in &mut sockets {
        assert_eq!(next(socket).await["sequence"], 1);
    }
    let grown = server.peak_memory() - before;
    println!("{count} streams: {grown} KiB more than {before} KiB");
    assert!(grown < count * 25 + 20_000, "{grown} KiB");
    assert!(
        before + grown < 300_000_000 / 1024,
        "{before} + {grown} KiB"
    );
}
