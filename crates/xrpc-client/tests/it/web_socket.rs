//! WebSockets to servers of other people's making, on this machine.

use std::net::Ipv4Addr;
use std::time::Duration;

use axum::Router;
use axum::extract::WebSocketUpgrade;
use axum::extract::ws::{Message, WebSocket};
use axum::routing::get;
use loggia_xrpc_client::{
    ClientError, ClientSettings, Found, GuardedClient, Lookup, Names, Url, UrlRefusal,
    WebSocketError, WebSocketMessage, WebSocketSettings,
};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::server::{client, serve, serve_bytes, serve_raw, settings};

/// Pings come fast, and the deadline is one that no healthy machine misses.
const QUICK: WebSocketSettings = WebSocketSettings {
    deadline: Duration::from_secs(10),
    message: 1000,
    passed_over: 0,
    ping: Duration::from_millis(20),
    unanswered: 2,
};

/// So many pings that one who is not heard would be given up.
const MANY: WebSocketSettings = WebSocketSettings {
    unanswered: 10_000,
    ..QUICK
};

/// Serves what this does with every WebSocket.
async fn serve_sockets<F>(each: impl Fn(WebSocket) -> F + Clone + Send + Sync + 'static) -> Url
where
    F: Future<Output = ()> + Send + 'static,
{
    let upgrade = move |upgrade: WebSocketUpgrade| {
        let each = each.clone();
        async move { upgrade.on_upgrade(each) }
    };
    as_ws(serve(Router::new().route("/", get(upgrade))).await)
}

fn as_ws(mut url: Url) -> Url {
    url.set_scheme("ws").expect("a scheme");
    url
}

#[tokio::test]
async fn messages_arrive_as_they_were_sent() {
    let url = serve_sockets(|mut socket| async move {
        for message in [
            Message::Text("é".into()),
            Message::Binary(vec![0, 255].into()),
            Message::Close(None),
        ] {
            socket.send(message).await.expect("sent");
        }
    })
    .await;
    let mut socket = client().web_socket(&url, QUICK).await.expect("a socket");
    let next = socket.next().await.expect("a message");
    assert_eq!(next, Some(WebSocketMessage::Text("é".into())));
    let next = socket.next().await.expect("a message");
    assert_eq!(next, Some(WebSocketMessage::Binary(vec![0, 255].into())));
    assert_eq!(socket.next().await.expect("an end"), None);
    socket.close().await;
}

#[tokio::test]
async fn an_idle_server_that_answers_pings_is_healthy() {
    let url = serve_sockets(|mut socket| async move {
        let mut pings = 0;
        while pings < 5 {
            if let Some(Ok(Message::Ping(_))) = socket.recv().await {
                pings += 1;
            }
        }
        socket
            .send(Message::Text("at last".into()))
            .await
            .expect("sent");
    })
    .await;
    let mut socket = client().web_socket(&url, QUICK).await.expect("a socket");
    let next = socket.next().await.expect("a message");
    assert_eq!(next, Some(WebSocketMessage::Text("at last".into())));
}

#[tokio::test]
async fn a_server_that_answers_no_pings_is_dead() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        let socket = tokio_tungstenite::accept_async(stream).await;
        // Whoever reads answers pings.
        std::future::pending::<()>().await;
        drop(socket);
    });
    let url = Url::parse(&format!("ws://{address}/")).expect("a URL");
    let mut socket = client().web_socket(&url, QUICK).await.expect("a socket");
    let error = socket.next().await.expect_err("dead");
    assert!(matches!(error, WebSocketError::Silent { .. }), "{error}");
    server.abort();
}

#[tokio::test]
async fn a_message_that_is_too_long_is_not_read() {
    let url = serve_sockets(|mut socket| async move {
        let message = Message::Binary(vec![7; 1001].into());
        socket.send(message).await.expect("sent");
        std::future::pending::<()>().await;
    })
    .await;
    let mut socket = client().web_socket(&url, MANY).await.expect("a socket");
    let error = socket.next().await.expect_err("too long");
    assert!(
        matches!(error, WebSocketError::TooLong { limit: 1000, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_message_that_is_too_long_is_passed_over_where_that_is_wanted() {
    let url = serve_sockets(|mut socket| async move {
        for length in [1000, 100_000, 100_001, 3] {
            let message = Message::Binary(vec![7; length].into());
            // Whoever was refused is gone.
            if socket.send(message).await.is_err() {
                return;
            }
        }
        std::future::pending::<()>().await;
    })
    .await;
    let lenient = WebSocketSettings {
        passed_over: 200_000,
        ..MANY
    };
    let mut socket = client().web_socket(&url, lenient).await.expect("a socket");
    let mut lengths = Vec::new();
    for _ in 0..4 {
        match socket.next().await.expect("a message").expect("no end") {
            WebSocketMessage::TooLong { bytes, .. } => lengths.push(("too long", bytes)),
            WebSocketMessage::Binary(bytes) => lengths.push(("read", bytes.len() as u64)),
            WebSocketMessage::Text(text) => panic!("{text:?}"),
        }
    }
    let expected = [
        ("read", 1000),
        ("too long", 100_000),
        ("too long", 100_001),
        ("read", 3),
    ];
    assert_eq!(lengths, expected);
}

#[tokio::test]
async fn other_answers_are_refusals_with_their_bodies() {
    let refusal =
        b"HTTP/1.1 400 Bad Request\r\ncontent-length: 24\r\n\r\n{\"error\":\"CursorTooOld\"}";
    let url = as_ws(serve_bytes(refusal).await);
    let error = client().web_socket(&url, QUICK).await.expect_err("refused");
    let WebSocketError::Refused { status, body, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(
        (status, &body[..]),
        (400, &br#"{"error":"CursorTooOld"}"#[..])
    );

    let away = b"HTTP/1.1 302 Found\r\nlocation: ws://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    let url = as_ws(serve_bytes(away).await);
    let error = client().web_socket(&url, QUICK).await.expect_err("refused");
    assert!(
        matches!(error, WebSocketError::Refused { status: 302, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_not_encrypted_is_not_trusted() {
    let mut url = serve_bytes(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").await;
    url.set_scheme("wss").expect("a scheme");
    let error = client().web_socket(&url, QUICK).await.expect_err("refused");
    assert!(
        matches!(error, WebSocketError::Client(ClientError::Tls { .. })),
        "{error}"
    );
}

#[tokio::test]
async fn who_does_not_shake_hands_is_not_waited_for() {
    let url = serve_raw(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 101 ").await?;
        std::future::pending().await
    })
    .await;
    let hasty = WebSocketSettings {
        deadline: Duration::from_millis(50),
        ..QUICK
    };
    let error = client()
        .web_socket(&as_ws(url), hasty)
        .await
        .expect_err("too late");
    assert!(
        matches!(error, WebSocketError::Client(ClientError::Timeout { .. })),
        "{error}"
    );
}

/// Says that every name is here.
struct Here;

impl Lookup for Here {
    fn lookup<'a>(&'a self, _: &'a str) -> Found<'a> {
        Box::pin(async { Ok(vec![Ipv4Addr::LOCALHOST.into()]) })
    }
}

#[tokio::test]
async fn the_guard_stands_before_sockets_too() {
    let strict = GuardedClient::new(ClientSettings {
        names: Names::by(Here),
        ..ClientSettings::default()
    });
    let strict = strict.expect("a client");
    let lax = GuardedClient::new(ClientSettings {
        names: Names::by(Here),
        ..settings()
    });
    let lax = lax.expect("a client");
    let refusal = |client: GuardedClient, url: &'static str| async move {
        let url = Url::parse(url).expect("a URL");
        match client.web_socket(&url, QUICK).await.expect_err("refused") {
            WebSocketError::Client(error) => error,
            error => panic!("{error}"),
        }
    };
    for (url, kind) in [
        ("ws://example.com/", "invalid_url"),
        ("https://example.com/", "invalid_url"),
        ("wss://user@example.com/", "invalid_url"),
        ("wss://127.0.0.1/", "invalid_url"),
        ("wss://localhost/", "invalid_url"),
        ("wss://169.254.169.254/", "invalid_url"),
        ("wss://10.0.0.1/", "invalid_url"),
        ("wss://example.com/", "blocked_address"),
    ] {
        assert_eq!(refusal(strict.clone(), url).await.kind(), kind, "{url}");
    }
    // In development, too, plain sockets go to this machine alone.
    let error = refusal(lax.clone(), "ws://example.com/").await;
    assert!(
        matches!(error, ClientError::Url(UrlRefusal::Plain)),
        "{error}"
    );
    assert_eq!(
        refusal(lax, "wss://example.com/").await.kind(),
        "blocked_address"
    );
}
