//! Clients that mean harm, or that are broken.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use loggia_xrpc_server::{ServeSettings, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::methods::service;
use crate::support::{Server, answer, error, error_with, soon};

/// Sends raw bytes and reads until the server closes.
async fn raw(server: &Server, sent: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address)
        .await
        .expect("the server listens");
    stream.write_all(sent).await.expect("the server reads");
    let mut answer = Vec::new();
    match soon(stream.read_to_end(&mut answer)).await {
        Ok(_) => {}
        // Closed with bytes of ours unread: what came before is the answer.
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
    }
    String::from_utf8_lossy(&answer).into_owned()
}

async fn lives(server: &Server) {
    let greeted = answer(server.get("/xrpc/dev.test.greet?name=Ada")).await;
    assert!(greeted.starts_with("200\n"), "{greeted}");
}

#[tokio::test]
async fn a_body_that_drips_is_given_up() {
    let settings = Settings {
        body_timeout: Duration::from_millis(50),
        ..Settings::default()
    };
    let server = Server::start(service().settings(settings).into_router()).await;
    let answer = raw(
        &server,
        b"POST /xrpc/dev.test.put HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
          content-length: 100\r\n\r\n{\"title\"",
    )
    .await;
    assert!(
        answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"),
        "{answer}"
    );
    assert!(
        answer.ends_with(
            "{\"error\":\"RequestTimeout\",\"message\":\"the body took too long to arrive\"}"
        ),
        "{answer}"
    );
    lives(&server).await;
}

#[tokio::test]
async fn a_head_that_drips_is_given_up() {
    let settings = ServeSettings {
        header_timeout: Duration::from_millis(50),
        ..ServeSettings::default()
    };
    let server = Server::start_with(service().into_router(), settings).await;
    let answer = raw(&server, b"GET /xrpc/dev.test.greet HTTP/1.1\r\nhost:").await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 408"),
        "{answer}"
    );
    lives(&server).await;
}

#[tokio::test]
async fn a_bomb_does_not_unfold() {
    let server = Server::start(service().into_router()).await;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..512 {
        encoder
            .write_all(&[b' '; 1 << 20])
            .expect("memory takes everything");
    }
    let bomb = encoder.finish().expect("memory takes everything");
    assert!(bomb.len() < 1 << 20, "512 MiB in less than one");
    let put = server
        .post("dev.test.put")
        .header("content-type", "application/json")
        .header("content-encoding", "gzip")
        .body(bomb);
    assert_eq!(
        soon(answer(put)).await,
        error_with(
            413,
            &["connection: close"],
            "PayloadTooLarge",
            "the body is longer than 1048576 bytes"
        )
    );
}

#[tokio::test]
async fn a_window_that_claims_too_much_memory_is_refused() {
    let server = Server::start(service().into_router()).await;
    // A Zstandard frame whose header asks for a window of 128 MiB, then one stored block.
    let frame = [&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88, 0x11, 0, 0][..], b"{}"].concat();
    let put = server
        .post("dev.test.put")
        .header("content-type", "application/json")
        .header("content-encoding", "zstd")
        .body(frame);
    assert_eq!(
        answer(put).await,
        error_with(
            400,
            &["connection: close"],
            "InvalidRequest",
            "the body could not be read to its end: it broke off, or is not of its Content-Encoding"
        )
    );
}

#[tokio::test]
async fn a_client_that_promises_more_than_it_sends() {
    let server = Server::start(service().into_router()).await;
    let mut stream = TcpStream::connect(server.address)
        .await
        .expect("the server listens");
    let head = b"POST /xrpc/dev.test.put HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                 content-length: 100\r\n\r\n{\"title\"";
    stream.write_all(head).await.expect("the server reads");
    stream
        .shutdown()
        .await
        .expect("half of a connection can be closed");
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer))
        .await
        .expect("the server closes");
    assert!(
        answer.is_empty() || answer.contains("the body could not be read to its end"),
        "{answer}"
    );
    lives(&server).await;
}

#[tokio::test]
async fn what_is_not_http_is_turned_away() {
    let server = Server::start(service().into_router()).await;
    for sent in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..],
        b"GET /xrpc/dev.test.greet?name=Ada HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n",
        b"GET /xrpc/dev.test.greet?name=Ada HTTP/1.1\r\nhost: x\r\na\0b: c\r\n\r\n",
        b"POST /xrpc/dev.test.put HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\
          content-length: 6\r\n\r\n",
        b"POST /xrpc/dev.test.put HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
    ] {
        let answer = raw(&server, sent).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
    lives(&server).await;
}

#[tokio::test]
async fn a_head_that_is_too_long_is_told_so() {
    let server = Server::start(service().into_router()).await;
    let greet = |bytes: usize| {
        server
            .get("/xrpc/dev.test.greet?name=Ada")
            .header("cookie", "a".repeat(bytes))
    };
    let fits = answer(greet(30_000)).await;
    assert!(fits.starts_with("200\n"), "{fits}");
    assert_eq!(
        answer(greet(40_000)).await,
        error(
            431,
            "RequestHeaderFieldsTooLarge",
            "the request's head is longer than 32768 bytes"
        )
    );
    // What is longer still need not be read to its end.
    let head = format!(
        "GET /xrpc/dev.test.greet HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncookie: {}\r\n\r\n",
        "a".repeat(70_000)
    );
    let answer = raw(&server, head.as_bytes()).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431 "),
        "{answer}"
    );
    lives(&server).await;
}

#[tokio::test]
async fn headers_full_of_garbage_are_survived() {
    let server = Server::start(service().into_router()).await;
    for (name, value) in [
        ("accept", &b"\xff\xfe"[..]),
        ("accept-encoding", b"\xff;q=\xff,,,;;;=gzip;q=nan"),
        ("traceparent", b"00-zz-\xff"),
        ("x-forwarded-for", b",,,,\xff"),
    ] {
        let greeted = server
            .get("/xrpc/dev.test.greet?name=Ada")
            .header(name, value);
        let text = answer(greeted).await;
        let refused = name == "accept" && text.starts_with("406\n");
        assert!(refused || text.starts_with("200\n"), "{name}: {text}");
    }
    let put = |name: &str, value: &[u8]| server.post("dev.test.put").header(name, value).body("{}");
    assert!(
        answer(put("content-type", b"\xff/\xff"))
            .await
            .starts_with("400\n")
    );
    let coded = put("content-type", b"application/json").header("content-encoding", &b"\xff"[..]);
    assert!(answer(coded).await.starts_with("415\n"));
}

#[tokio::test]
async fn json_nested_deep_is_refused() {
    let server = Server::start(service().into_router()).await;
    let deep = format!(
        r#"{{"title":"a","more":{}1{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let text = soon(answer(server.post_json("dev.test.put", &deep))).await;
    assert!(
        text.contains("input is not JSON: recursion limit exceeded at line 1 column"),
        "{text}"
    );
    lives(&server).await;
}

#[tokio::test]
async fn a_request_id_that_could_forge_a_log_is_replaced() {
    let server = Server::start(service().into_router()).await;
    let response = raw(
        &server,
        b"GET /xrpc/_health HTTP/1.1\r\nhost: x\r\nx-request-id: a\"b c\r\nconnection: close\r\n\r\n",
    )
    .await;
    let id = response
        .lines()
        .find_map(|line| line.strip_prefix("x-request-id: "))
        .expect("every answer has an id");
    assert_eq!(id.len(), 32, "{id}");
    assert!(id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
}
