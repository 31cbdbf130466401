//! Subscriptions.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, Stream, StreamExt, stream};
use ipld_core::ipld::Ipld;
use loggia_xrpc::{Failure, Rejection, declared};
use loggia_xrpc_server::{EventStream, Service, Settings, StreamSettings};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::support::lexicons::{GreetError, GreetParams, Watch, WatchMessage};
use crate::support::{Server, answer, error, error_with, soon};

type Item = Result<WatchMessage, Failure<GreetError>>;

fn tick(seq: i64, text: &str) -> Item {
    Ok(WatchMessage::Tick {
        seq,
        text: text.to_owned(),
    })
}

/// What the stream does is in its `name`.
async fn watch(
    params: GreetParams,
) -> Result<impl Stream<Item = Item> + Send + 'static, Failure<GreetError>> {
    let stream: EventStream<Watch> = match params.name.as_str() {
        "taken" => return Err(declared(GreetError::NameTaken).into()),
        "nope" => return Err(Rejection::forbidden("not you").into()),
        "late" => stream::iter([
            tick(1, "a"),
            Err(declared(GreetError::NameTaken).message("late").into()),
        ])
        .boxed(),
        "io" => stream::iter([Err(std::io::Error::other("secret").into())]).boxed(),
        "panic" => stream::iter([1])
            .map(|_| panic!("the secret of the panic"))
            .boxed(),
        "wait" => stream::iter([tick(1, "a")])
            .chain(stream::pending())
            .boxed(),
        "flood" => stream::repeat_with(|| tick(1, &"x".repeat(1 << 20))).boxed(),
        name => {
            let ticks: Vec<_> = (1..=params.times).map(|seq| tick(seq, name)).collect();
            stream::iter(ticks).boxed()
        }
    };
    Ok(stream)
}

async fn start() -> Server {
    let streams = StreamSettings {
        stall_timeout: Duration::from_millis(100),
        close_timeout: Duration::from_secs(5),
        ..StreamSettings::default()
    };
    let settings = Settings {
        streams,
        ..Settings::default()
    };
    let service = Service::new()
        .subscription::<Watch, _, _>(watch)
        .settings(settings);
    Server::start(service.into_router()).await
}

async fn open(address: SocketAddr, query: &str) -> WebSocketStream<TcpStream> {
    let url = format!("ws://{address}/xrpc/dev.test.watch?{query}");
    let mut request = url.into_client_request().expect("a URL");
    request.headers_mut().insert(
        "connection",
        "keep-alive, Upgrade".parse().expect("a header"),
    );
    let stream = TcpStream::connect(address)
        .await
        .expect("the server listens");
    client_async(request, stream)
        .await
        .expect("the server upgrades")
        .0
}

/// Every frame as its two objects, then the close code.
async fn frames(socket: &mut WebSocketStream<TcpStream>) -> (Vec<String>, Option<CloseCode>) {
    let mut frames = Vec::new();
    while let Some(message) = soon(socket.next()).await {
        match message.expect("a whole frame") {
            Message::Binary(bytes) => frames.push(print(&bytes)),
            Message::Close(frame) => return (frames, frame.map(|frame| frame.code)),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("unexpected {other:?}"),
        }
    }
    (frames, None)
}

fn print(frame: &[u8]) -> String {
    let mut objects = Vec::new();
    let mut rest = std::io::Cursor::new(frame);
    while rest.position() < frame.len() as u64 {
        let object: Ipld = serde_ipld_dagcbor::de::from_reader_once(&mut rest).expect("DAG-CBOR");
        objects.push(show(&object));
    }
    objects.join(" ")
}

fn show(object: &Ipld) -> String {
    match object {
        Ipld::Map(map) => {
            let fields: Vec<_> = map
                .iter()
                .map(|(name, value)| format!("{name}: {}", show(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        Ipld::String(text) if text.len() > 50 => format!("{} bytes", text.len()),
        Ipld::String(text) => text.clone(),
        Ipld::Integer(number) => number.to_string(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn frames_are_two_objects_each() {
    let server = start().await;
    let mut socket = open(server.address, "name=Ada&times=2").await;
    assert_eq!(
        frames(&mut socket).await,
        (
            vec![
                "{op: 1, t: #tick} {seq: 1, text: Ada}".to_owned(),
                "{op: 1, t: #tick} {seq: 2, text: Ada}".to_owned(),
            ],
            Some(CloseCode::Normal)
        )
    );
}

#[tokio::test]
async fn the_bytes_of_a_frame() {
    let server = start().await;
    let mut socket = open(server.address, "name=a").await;
    let message = soon(socket.next())
        .await
        .expect("a frame")
        .expect("a whole frame");
    let header = b"\xa2\x61t\x65#tick\x62op\x01";
    let payload = b"\xa2\x63seq\x01\x64text\x61a";
    assert_eq!(message.into_data(), [&header[..], payload].concat());
}

#[tokio::test]
async fn what_a_handler_says_no_with_is_the_last_frame() {
    let server = start().await;
    let ends =
        async |name: &str| frames(&mut open(server.address, &format!("name={name}")).await).await;
    let last = |frame: &str, code: CloseCode| (vec![frame.to_owned()], Some(code));

    let taken = "{op: -1} {error: NameTaken, message: Somebody else has that name.}";
    assert_eq!(ends("taken").await, last(taken, CloseCode::Policy));
    let forbidden = "{op: -1} {error: Forbidden, message: not you}";
    assert_eq!(ends("nope").await, last(forbidden, CloseCode::Policy));
    assert_eq!(
        ends("late").await,
        (
            vec![
                "{op: 1, t: #tick} {seq: 1, text: a}".to_owned(),
                "{op: -1} {error: NameTaken, message: late}".to_owned(),
            ],
            Some(CloseCode::Policy)
        )
    );
    let internal = "{op: -1} {error: InternalServerError, message: Internal Server Error}";
    assert_eq!(ends("io").await, last(internal, CloseCode::Error));
    assert_eq!(ends("panic").await, last(internal, CloseCode::Error));
}

#[tokio::test]
async fn what_is_wrong_before_the_upgrade_is_answered_over_http() {
    let server = start().await;
    let path = "/xrpc/dev.test.watch?name=Ada";
    assert_eq!(
        answer(server.get(path)).await,
        error_with(
            426,
            &["connection: upgrade", "upgrade: websocket"],
            "UpgradeRequired",
            "this method is a WebSocket"
        )
    );
    for verb in ["POST", "HEAD"] {
        let wrong = answer(server.request(verb, path)).await;
        assert!(wrong.starts_with("405\nallow: GET\n"), "{wrong}");
    }
    let upgrade = |path: &str| {
        server
            .get(path)
            .header("connection", "keep-alive, Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
    };
    assert_eq!(
        answer(upgrade("/xrpc/dev.test.watch")).await,
        error(400, "InvalidRequest", "parameter `name` is required")
    );
    let old = server
        .get(path)
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "8");
    let old = answer(old).await;
    assert!(
        old.starts_with("400\n") && old.contains(r#"{"error":"InvalidRequest""#),
        "{old}"
    );
}

#[tokio::test]
async fn what_clients_send_is_ignored_but_pings_are_answered() {
    let server = start().await;
    let mut socket = open(server.address, "name=wait").await;
    socket
        .send(Message::text("hello?"))
        .await
        .expect("the server reads");
    socket
        .send(Message::binary(vec![1, 2, 3]))
        .await
        .expect("the server reads");
    socket
        .send(Message::Ping(vec![7].into()))
        .await
        .expect("the server reads");
    let mut seen = Vec::new();
    while seen.len() < 2 {
        seen.push(
            soon(socket.next())
                .await
                .expect("open")
                .expect("a whole frame"),
        );
    }
    assert!(seen.contains(&Message::Pong(vec![7].into())), "{seen:?}");
    assert!(seen.iter().any(Message::is_binary), "{seen:?}");
}

#[tokio::test]
async fn a_huge_frame_from_a_client_ends_the_connection() {
    let server = start().await;
    let mut socket = open(server.address, "name=wait").await;
    socket
        .send(Message::binary(vec![0; 5000]))
        .await
        .expect("the server reads");
    let mut ended = false;
    while let Some(message) = soon(socket.next()).await {
        ended = matches!(message, Err(_) | Ok(Message::Close(_)));
        if ended {
            break;
        }
    }
    assert!(ended, "closed or reset");
}

#[tokio::test]
async fn a_consumer_that_does_not_keep_up_is_told_so() {
    let server = start().await;
    let mut socket = open(server.address, "name=flood").await;
    // Longer than the stall timeout without reading: the connection's buffers are full by then.
    tokio::time::sleep(Duration::from_millis(600)).await;
    let (frames, code) = frames(&mut socket).await;
    assert_eq!(
        frames.last().map(String::as_str),
        Some("{op: -1} {error: ConsumerTooSlow, message: frames were not taken in time}")
    );
    assert_eq!(code, Some(CloseCode::Policy));
    assert!(frames.len() < 200, "no more than buffers hold");
}

#[tokio::test]
async fn a_stream_is_dropped_when_its_consumer_leaves() {
    struct Tell(Arc<Notify>);
    impl Drop for Tell {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let dropped = Arc::new(Notify::new());
    let tells = Arc::clone(&dropped);
    let watch = move |_: GreetParams| {
        let tell = Tell(Arc::clone(&tells));
        async move {
            Ok::<_, Failure<GreetError>>(stream::pending::<Item>().map(move |item| {
                let _held = &tell;
                item
            }))
        }
    };
    let service = Service::new().subscription::<Watch, _, _>(watch);
    let server = Server::start(service.into_router()).await;
    let socket = open(server.address, "name=Ada").await;
    drop(socket);
    soon(dropped.notified()).await;
}

#[tokio::test]
async fn only_so_many_streams() {
    let streams = StreamSettings {
        most_connections: 1,
        ..StreamSettings::default()
    };
    let settings = Settings {
        streams,
        ..Settings::default()
    };
    let service = Service::new()
        .subscription::<Watch, _, _>(watch)
        .settings(settings);
    let server = Server::start(service.into_router()).await;
    let _first = open(server.address, "name=wait").await;
    let url = format!("ws://{}/xrpc/dev.test.watch?name=wait", server.address);
    let stream = TcpStream::connect(server.address)
        .await
        .expect("the server listens");
    let refused = client_async(url, stream)
        .await
        .expect_err("one is open")
        .to_string();
    assert!(refused.contains("503"), "{refused}");
}

#[tokio::test]
async fn a_shutdown_closes_streams() {
    let mut server = start().await;
    let mut socket = open(server.address, "name=wait").await;
    let first = soon(socket.next())
        .await
        .expect("open")
        .expect("a whole frame");
    assert!(first.is_binary());
    server.stop();
    assert_eq!(frames(&mut socket).await, (vec![], Some(CloseCode::Away)));
    drop(socket);
    soon(server.stopped()).await;
}
