//! What the client does with servers of every kind.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap as Headers, StatusCode};
use axum::response::{IntoResponse as _, Redirect};
use axum::routing::{get, post};
use loggia_xrpc_client::{
    ClientError, ClientSettings, GuardedClient, HeaderMap, HeaderName, HeaderValue, Method, Url,
    UrlRefusal,
};
use tokio::io::AsyncWriteExt as _;

use crate::server::{client, serve, serve_bytes, serve_raw};

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(200);

fn at(base: &Url, path: &str) -> Url {
    base.join(path).expect("a path")
}

/// The same server under the name `localhost`.
fn localhost(base: &Url) -> Url {
    let mut url = base.clone();
    url.set_host(Some("anything.localhost")).expect("a host");
    url
}

#[tokio::test]
async fn gets_an_answer_of_any_status() {
    let base = serve(
        Router::new()
            .route("/ok", get(|| async { "hello" }))
            .route("/gone", get(|| async { (StatusCode::GONE, "gone") })),
    )
    .await;
    for base in [&base, &localhost(&base)] {
        let answer = client().get(&at(base, "ok"), 100).await.expect("an answer");
        assert_eq!(
            (answer.status, &answer.body[..], answer.cut),
            (200, &b"hello"[..], false)
        );
        assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
        let answer = client()
            .get(&at(base, "gone"), 100)
            .await
            .expect("an answer");
        assert_eq!(answer.status, 410);
    }
}

#[tokio::test]
async fn sends_any_method_and_takes_no_more_than_asked_for() {
    let echo = |method: Method, headers: Headers, body: Bytes| async move {
        let name = headers.get("dpop").cloned();
        let name = name.unwrap_or(HeaderValue::from_static(""));
        ([("dpop-nonce", name)], format!("{method} {}", body.len()))
    };
    let base = serve(Router::new().route("/any", axum::routing::any(echo))).await;
    let (url, client) = (at(&base, "any"), client());
    let headers = HeaderMap::from_iter([(
        HeaderName::from_static("dpop"),
        HeaderValue::from_static("proof"),
    )]);
    for (method, body, expected) in [
        (Method::PUT, &b"abc"[..], "PUT 3"),
        (Method::GET, b"", "GET 0"),
        (Method::DELETE, b"", "DELETE 0"),
    ] {
        let sent = client.request(method, &url, headers.clone(), body.into(), 10);
        let answer = sent.await.expect("an answer");
        assert_eq!(
            (answer.status, &answer.body[..]),
            (200, expected.as_bytes())
        );
        assert_eq!(answer.headers["dpop-nonce"], "proof");
    }
    let body = Bytes::from_static(b"abc");
    let sent = client.request(Method::POST, &url, headers, body, 5);
    let error = sent.await.expect_err("six bytes");
    assert!(
        matches!(error, ClientError::TooLarge { limit: 5, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn posts_exactly_these_bytes_and_headers() {
    let echo = |headers: Headers, body: Bytes| async move {
        let signature = headers.get("webhook-signature").cloned();
        let agent = headers.get("user-agent").cloned();
        (
            signature.map(|value| [("x-signature", value)]),
            agent.map(|value| [("x-agent", value)]),
            body,
        )
    };
    let base = serve(Router::new().route("/", post(echo))).await;
    let mut headers = HeaderMap::new();
    headers.insert("webhook-signature", HeaderValue::from_static("v1,abc"));
    let body = Bytes::from_static(b"{\"a\":  1}");
    let answer = client()
        .post(&base, headers, body.clone(), LONG)
        .await
        .expect("an answer");
    assert_eq!((answer.status, &answer.body), (200, &body));
    assert_eq!(answer.headers["x-signature"], "v1,abc");
    assert!(
        answer.headers["x-agent"]
            .to_str()
            .expect("text")
            .starts_with("Loggia/")
    );
}

#[tokio::test]
async fn does_not_follow_redirects() {
    let base = serve(
        Router::new()
            .route("/", get(|| async { Redirect::temporary("/other") }))
            .route("/other", get(|| async { "secret" })),
    )
    .await;
    let answer = client().get(&base, 100).await.expect("an answer");
    assert_eq!((answer.status, answer.body.is_empty()), (307, true));
}

#[tokio::test]
async fn bounds_what_it_reads() {
    let endless = || async {
        let chunk = || Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 1024]));
        axum::body::Body::from_stream(futures_util::stream::repeat_with(chunk)).into_response()
    };
    let base = serve(Router::new().route("/", get(endless).post(endless))).await;
    let error = client().get(&base, 10_000).await.expect_err("too large");
    assert!(
        matches!(error, ClientError::TooLarge { limit: 10_000, .. }),
        "{error:?}"
    );

    let answer = client()
        .post(&base, HeaderMap::new(), Bytes::new(), LONG)
        .await;
    let answer = answer.expect("the beginning of an answer");
    assert_eq!((answer.body.len(), answer.cut), (64 * 1024, true));
}

/// 1 MiB of zeros in a gzip stream of about 1 KiB: stored by a server that sends it as it is.
#[tokio::test]
async fn bounds_what_it_unpacks() {
    let base = serve(Router::new().route(
        "/",
        get(|| async {
            (
                [("content-encoding", "gzip")],
                Bytes::from(zeros_in_gzip(1 << 20)),
            )
        }),
    ))
    .await;
    let error = client().get(&base, 4096).await.expect_err("too large");
    assert!(
        matches!(error, ClientError::TooLarge { limit: 4096, .. }),
        "{error:?}"
    );
    let answer = client().get(&base, 1 << 20).await.expect("all of it");
    assert_eq!((answer.body.len(), answer.cut), (1 << 20, false));
}

/// Gzip by hand: one deflate block with fixed codes, a zero and then copies of it, 258 at a time.
fn zeros_in_gzip(length: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(0b011, 3); // last block, fixed codes
    bits.put_code(0x30, 8); // the literal 0
    let (copies, rest) = ((length - 1) / 258, (length - 1) % 258);
    for _ in 0..copies {
        bits.put_code(0b1100_0101, 8); // length 258
        bits.put_code(0, 5); // distance 1
    }
    for _ in 0..rest {
        bits.put_code(0x30, 8);
    }
    bits.put_code(0, 7); // end of block
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    bytes.extend(bits.finish());
    bytes.extend(crc32(length).to_le_bytes());
    bytes.extend((length as u32).to_le_bytes());
    bytes
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u8,
}

impl Bits {
    fn put(&mut self, value: u32, count: u8) {
        for bit in 0..count {
            if self.used == 0 {
                self.bytes.push(0);
            }
            if value >> bit & 1 == 1
                && let Some(last) = self.bytes.last_mut()
            {
                *last |= 1 << self.used;
            }
            self.used = (self.used + 1) % 8;
        }
    }

    /// Codes come with their highest bit first.
    fn put_code(&mut self, code: u32, count: u8) {
        for bit in (0..count).rev() {
            self.put(code >> bit & 1, 1);
        }
    }

    fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// The CRC-32 of so many zeros.
fn crc32(length: usize) -> u32 {
    let step = |crc: u32| {
        if crc & 1 == 1 {
            crc >> 1 ^ 0xedb8_8320
        } else {
            crc >> 1
        }
    };
    !(0..length * 8).fold(u32::MAX, |crc, _| step(crc))
}

#[tokio::test]
async fn waits_no_longer_than_the_deadline() {
    let silent = serve_raw(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
        Ok(())
    })
    .await;
    // The head comes at once, then a byte whenever the reader might give up on silence.
    let dripping = serve_raw(|mut stream| async move {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
            .await?;
        loop {
            stream.write_all(b"x").await?;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    for base in [silent, dripping] {
        let error = client()
            .post(&base, HeaderMap::new(), Bytes::new(), SHORT)
            .await;
        let error = error.expect_err("no answer in time");
        assert!(
            matches!(
                error,
                ClientError::Timeout {
                    deadline: SHORT,
                    ..
                }
            ),
            "{error:?}"
        );
        assert_eq!(error.kind(), "timeout");
        assert_eq!(
            error.to_string(),
            "`127.0.0.1` did not answer completely within 200 ms"
        );
    }
}

/// A refusal is one as soon as its head is there, for deliveries; whoever needs the body has an error.
#[tokio::test]
async fn a_refusal_whose_body_breaks_off_is_a_refusal() {
    let head = b"HTTP/1.1 429 Wait\r\nretry-after: 60\r\ncontent-length: 50\r\n\r\nshort";
    let closing = serve_bytes(head).await;
    let hanging = serve_raw(move |mut stream| async move {
        stream.write_all(head).await?;
        std::future::pending().await
    })
    .await;
    for base in [&closing, &hanging] {
        let answer = client()
            .post(base, HeaderMap::new(), Bytes::new(), SHORT)
            .await;
        let answer = answer.expect("a refusal");
        assert_eq!(
            (answer.status, &answer.body[..], answer.cut),
            (429, &b"short"[..], true)
        );
        assert_eq!(answer.headers["retry-after"], "60");
    }
    let error = client().get(&closing, 1000).await.expect_err("no body");
    assert_eq!(error.kind(), "exchange");
}

#[tokio::test]
async fn says_what_failed() {
    let kind = async |url: &Url| {
        let error = client().get(url, 1000).await.expect_err("no answer");
        assert!(!error.to_string().contains("secret"), "{error}");
        error.kind()
    };
    let rude = serve_bytes(b"220 ready\r\n").await;
    assert_eq!(kind(&rude).await, "exchange");
    let short = serve_bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nshort").await;
    assert_eq!(kind(&short).await, "exchange");
    let mut plain = short.clone();
    plain.set_scheme("https").expect("a scheme");
    plain.set_query(Some("key=secret"));
    assert_eq!(kind(&plain).await, "tls");

    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let closed = format!(
        "http://{}/?key=secret",
        free.local_addr().expect("an address")
    );
    drop(free);
    assert_eq!(kind(&Url::parse(&closed).expect("a URL")).await, "connect");

    let unknown = Url::parse("https://does-not-exist.invalid/").expect("a URL");
    assert_eq!(kind(&unknown).await, "dns");
}

#[tokio::test]
async fn reaches_this_machine_in_development_only() {
    let base = serve(Router::new().route("/", get(|| async { "hello" }))).await;
    let outside = GuardedClient::new(ClientSettings::default()).expect("a client");
    for url in [base.clone(), localhost(&base)] {
        let error = outside.get(&url, 100).await.expect_err("refused");
        assert!(
            matches!(error, ClientError::Url(UrlRefusal::Plain)),
            "{error:?}"
        );
        let mut url = url;
        url.set_scheme("https").expect("a scheme");
        let error = outside.get(&url, 100).await.expect_err("refused");
        assert!(error.is_refused(), "{error:?}");
    }
    for text in [
        "https://10.0.0.1/",
        "https://[fd00:ec2::254]/",
        "https://user@example.com/",
    ] {
        let url = Url::parse(text).expect("a URL");
        let error = client().get(&url, 100).await.expect_err("refused");
        assert!(error.is_refused(), "{text}: {error:?}");
    }
}
