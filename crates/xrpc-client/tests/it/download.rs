//! Large answers, taken as they come in.

use std::time::Duration;

use loggia_syntax::check::Report;
use loggia_xrpc::{Body, BodyError, BodyKind, DeclaredError, Kind, Method, NoBody, Payload, shape};
use loggia_xrpc_client::{CallError, ClientError, Credentials, Pace};
use tokio::io::AsyncWriteExt as _;

use crate::server::{client, serve_bytes, serve_raw};

/// `com.example.file`
struct File;

struct Bytes;

#[derive(Debug)]
struct Never;

impl Body for Bytes {
    const ENCODING: &'static str = "*/*";
    const KIND: BodyKind = BodyKind::Raw;
    fn decode(_: Payload) -> Result<Self, BodyError> {
        Ok(Self)
    }
    fn encode(self) -> Result<Payload, BodyError> {
        Ok(Payload::Nothing)
    }
    fn check(&self, _: &mut Report) {}
}

impl DeclaredError for Never {
    fn name(&self) -> &'static str {
        "Never"
    }
    fn description(&self) -> Option<&'static str> {
        None
    }
}

impl Method for File {
    const NSID: &'static str = "com.example.file";
    const KIND: Kind = Kind::Query;
    type Params = ();
    type Input = NoBody;
    type Output = Bytes;
    type Error = Never;
    type Shape = shape::Nothing;
}

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";

/// Fetches it; how much came before it was over, and why it was.
async fn fetch(
    base: loggia_xrpc_client::Url,
    limit: usize,
    pace: Pace,
) -> (usize, Option<ClientError>) {
    let client = client();
    let begun = client
        .download::<File>(&base, &(), NoBody, Credentials::Anonymous, (limit, pace))
        .await;
    let mut download = begun.expect("it begins");
    let mut come = 0;
    loop {
        match download.next().await {
            Ok(Some(chunk)) => come += chunk.len(),
            Ok(None) => return (come, None),
            Err(error) => return (come, Some(error)),
        }
    }
}

fn pace(bytes: usize, millis: u64) -> Pace {
    Pace {
        bytes,
        within: Duration::from_millis(millis),
    }
}

#[tokio::test]
async fn a_large_answer_comes_whole_and_not_beyond_the_limit() {
    const SIZE: usize = 8 << 20;
    let large = || {
        serve_raw(|mut stream| async move {
            stream.write_all(HEAD).await?;
            stream.write_all(&vec![7; SIZE]).await?;
            stream.shutdown().await
        })
    };
    let (come, error) = fetch(large().await, SIZE, pace(1, 10_000)).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(come, SIZE);
    let (come, error) = fetch(large().await, SIZE - 1, pace(1, 10_000)).await;
    assert!(come < SIZE);
    let is_too_large = matches!(error, Some(ClientError::TooLarge { .. }));
    assert!(is_too_large, "{error:?}");
}

#[tokio::test]
async fn who_sends_on_is_waited_for_and_who_sends_a_byte_now_and_then_is_not() {
    // Longer in all than each span, and enough in each of them.
    let steady = serve_raw(|mut stream| async move {
        stream.write_all(HEAD).await?;
        for _ in 0..40 {
            stream.write_all(&[7; 1000]).await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stream.shutdown().await
    });
    let (come, error) = fetch(steady.await, 1 << 20, pace(1000, 400)).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(come, 40_000);

    let trickle = serve_raw(|mut stream| async move {
        stream.write_all(HEAD).await?;
        loop {
            stream.write_all(&[7]).await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let (come, error) = fetch(trickle.await, 1 << 20, pace(1000, 400)).await;
    assert!(matches!(error, Some(ClientError::Slow { .. })), "{error:?}");
    assert!(come < 1000);
}

#[tokio::test]
async fn a_refusal_is_read_as_one() {
    let base =
        serve_bytes(b"HTTP/1.1 401 Unauthorized\r\nconnection: close\r\n\r\n{\"error\":\"Never\"}")
            .await;
    let begun = client()
        .download::<File>(
            &base,
            &(),
            NoBody,
            Credentials::Anonymous,
            (99, pace(1, 9_000)),
        )
        .await;
    let Err(CallError::Refused { source, .. }) = begun else {
        panic!("not refused");
    };
    assert_eq!((source.status, source.is(&Never)), (401, true));
}
