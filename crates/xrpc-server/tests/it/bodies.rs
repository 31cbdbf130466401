//! What request bodies may be, and how answers are written.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use futures_util::StreamExt;
use loggia_xrpc::syntax::check::{At, Code, Report, Violation};
use loggia_xrpc::{Binary, Content, Reply};
use loggia_xrpc_server::{Explain, MethodLimits, Service, Settings};

use crate::methods::service;
use crate::support::lexicons::{GreetParams, Image, Upload};
use crate::support::{Server, answer, error, error_with, send};

/// Sends the image back, turned around, piece by piece.
async fn upload(params: GreetParams, input: Image) -> Reply<Upload> {
    let Content::Stream(mut chunks) = input.0.content else {
        return Err(std::io::Error::other("input comes as a stream"))?;
    };
    let mut all = Vec::new();
    while let Some(chunk) = chunks.next().await {
        all.extend_from_slice(&chunk?);
    }
    all.reverse();
    let content_type = match params.name.as_str() {
        "wrong" => "text/plain".to_owned(),
        _ => input.0.content_type,
    };
    let pieces: Vec<_> = all
        .chunks(3)
        .map(|piece| Ok(piece.to_vec().into()))
        .collect();
    let content = Content::Stream(futures_util::stream::iter(pieces).boxed());
    Ok(Image(Binary {
        content_type,
        content,
    }))
}

pub fn uploads() -> Service {
    service().method::<Upload, _, _>(upload)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

#[tokio::test]
async fn json_that_does_not_fit_is_told_where() {
    let server = Server::start(service().into_router()).await;
    let put = async |json: &str| answer(server.post_json("dev.test.put", json)).await;
    let bad = |message: &str| error(400, "InvalidRequest", message);

    assert_eq!(
        put("").await,
        bad("input is not JSON: EOF while parsing a value at line 1 column 0")
    );
    assert_eq!(
        put("{\"title\":\n\"a\",}").await,
        bad("input is not JSON: trailing comma at line 2 column 5")
    );
    assert_eq!(
        put("{\"title\":\"a\",\n\"items\":[{\"count\":1},{\"count\":\"x\"}]}").await,
        bad(
            "input does not fit: $.items[1].count: invalid type: string \"x\", expected i64 at \
             line 2 column 33"
        )
    );
    assert_eq!(
        put(r#"{"items":[]}"#).await,
        bad("input does not fit: $: missing field `title` at line 1 column 12")
    );
    assert_eq!(
        put(r#"{"title":"","items":[{"count":-1}]}"#).await,
        bad("input does not hold: $.title: shorter than 1 byte; $.items[0].count: less than 0")
    );
    let long = put(&format!(
        r#"{{"title":"a","items":["{}"]}}"#,
        "x".repeat(100_000)
    ))
    .await;
    assert!(long.len() < 4000, "what is quoted is cut");
    let many = format!(
        r#"{{"title":"a","items":[{}]}}"#,
        vec![r#"{"count":-1}"#; 15].join(",")
    );
    assert!(put(&many).await.ends_with("; and 5 more\"}"));
}

struct Lexicons;

impl Explain for Lexicons {
    fn input(&self, nsid: &str, _: &[u8]) -> Vec<Violation> {
        let mut report = Report::new();
        report.push(
            &At::ROOT.field("title"),
            Code::RequiredKey,
            format!("is required by {nsid}"),
        );
        report.push(
            &At::ROOT.field("items"),
            Code::InvalidType,
            "is not an array",
        );
        report.finish().err().unwrap_or_default()
    }
}

#[tokio::test]
async fn lexicons_tell_everything_that_does_not_fit() {
    let server = Server::start(service().catalog(Lexicons).into_router()).await;
    assert_eq!(
        answer(server.post_json("dev.test.put", r#"{"items":5}"#)).await,
        error(
            400,
            "InvalidRequest",
            "input does not fit: $.title: is required by dev.test.put; $.items: is not an array"
        )
    );
}

#[tokio::test]
async fn bytes_go_in_and_out_as_streams() {
    let server = Server::start(uploads().into_router()).await;
    let upload = |name: &str| server.post(&format!("dev.test.upload?name={name}"));
    assert_eq!(
        answer(
            upload("a")
                .header("content-type", "image/png")
                .body("12345678")
        )
        .await,
        "200\ncontent-type: image/png\ntransfer-encoding: chunked\n\n87654321"
    );
    assert_eq!(
        answer(upload("a").header("content-type", "video/mp4").body("1")).await,
        error(
            400,
            "InvalidRequest",
            "Content-Type \"video/mp4\" does not fit; this method takes image/*"
        )
    );
    assert_eq!(
        answer(
            upload("wrong")
                .header("content-type", "image/png")
                .body("1")
        )
        .await,
        error(500, "InternalServerError", "Internal Server Error")
    );
}

#[tokio::test]
async fn limits_hold_for_every_way_to_send() {
    let limits = || MethodLimits {
        body_limit: Some(1000),
        ..MethodLimits::default()
    };
    let service = uploads()
        .limits("dev.test.put", limits())
        .limits("dev.test.upload", limits());
    let server = Server::start(service.into_router()).await;
    let large = error_with(
        413,
        &["connection: close"],
        "PayloadTooLarge",
        "the body is longer than 1000 bytes",
    );
    let text = format!(r#"{{"title":"{}"}}"#, "a".repeat(1000));
    let chunked = |text: &str| {
        let pieces: Vec<_> = text
            .as_bytes()
            .chunks(100)
            .map(|piece| Ok::<_, std::io::Error>(piece.to_vec()))
            .collect();
        axum::body::Body::from_stream(futures_util::stream::iter(pieces))
    };
    let put = || {
        server
            .post("dev.test.put")
            .header("content-type", "application/json")
    };
    assert_eq!(
        answer(put().body(text.clone())).await,
        large,
        "by Content-Length"
    );
    assert_eq!(
        answer(put().body(chunked(&text))).await,
        large,
        "by counting"
    );
    let coded = put()
        .header("content-encoding", "gzip")
        .body(gzip(text.as_bytes()));
    assert_eq!(answer(coded).await, large, "after decoding");

    let upload = || {
        server
            .post("dev.test.upload?name=a")
            .header("content-type", "image/png")
    };
    assert_eq!(
        answer(upload().body(text.clone())).await,
        large,
        "by Content-Length"
    );
    assert_eq!(
        answer(upload().body(chunked(&text))).await,
        large,
        "while the handler reads"
    );
    let coded = upload()
        .header("content-encoding", "gzip")
        .body(gzip(text.as_bytes()));
    assert_eq!(
        answer(coded).await,
        large,
        "after decoding, while the handler reads"
    );
    let fits = put().body(chunked(r#"{"title":"a"}"#));
    assert!(answer(fits).await.starts_with("200\n"));
}

#[tokio::test]
async fn coded_bodies_are_decoded() {
    let server = Server::start(service().into_router()).await;
    let put = |coding: &str, body: Vec<u8>| {
        server
            .post("dev.test.put")
            .header("content-type", "application/json")
            .header("content-encoding", coding)
            .body(body)
    };
    let json = br#"{"title":"a","items":[{"count":1}]}"#;
    let one = "200\ncontent-length: 11\ncontent-type: application/json\n\n{\"items\":1}";
    assert_eq!(answer(put("gzip", gzip(json))).await, one);
    assert_eq!(answer(put("identity", json.to_vec())).await, one);
    // One stored block each, as `brotli` and `zstd` write what is too short to compress.
    let brotli = [&[0x0b, 0x06, 0x80][..], br#"{"title":"a"}"#, &[0x03]].concat();
    let zstd = [
        &[0x28, 0xb5, 0x2f, 0xfd, 0x20, 13, 105, 0, 0][..],
        br#"{"title":"a"}"#,
    ]
    .concat();
    let none = "200\ncontent-length: 11\ncontent-type: application/json\n\n{\"items\":0}";
    assert_eq!(answer(put("br", brotli)).await, none);
    assert_eq!(answer(put("zstd", zstd)).await, none);

    let broken = error_with(
        400,
        &["connection: close"],
        "InvalidRequest",
        "the body could not be read to its end: it broke off, or is not of its Content-Encoding",
    );
    assert_eq!(answer(put("gzip", json.to_vec())).await, broken);
    assert_eq!(answer(put("gzip", gzip(json)[..20].to_vec())).await, broken);
    for coding in ["deflate", "gzip, gzip", "aes128gcm"] {
        assert_eq!(
            answer(put(coding, json.to_vec())).await,
            error_with(
                415,
                &["accept-encoding: gzip, br, zstd"],
                "UnsupportedMediaType",
                &format!(
                    "Content-Encoding {coding:?} is not understood; send one of gzip, br, zstd"
                )
            )
        );
    }
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_take_it() {
    let settings = Settings {
        compress_from: Some(10),
        ..Settings::default()
    };
    let server = Server::start(service().settings(settings).into_router()).await;
    let greet = || server.get("/xrpc/dev.test.greet?name=Ada&times=9");
    let text = r#"{"text":"Ada Ada Ada Ada Ada Ada Ada Ada Ada"}"#;

    let plain = send(greet()).await;
    assert_eq!(plain.headers()["vary"], "accept-encoding");
    assert_eq!(plain.text().await.expect("a body"), text);

    let coded = send(greet().header("accept-encoding", "gzip")).await;
    assert_eq!(coded.headers()["content-encoding"], "gzip");
    assert_eq!(coded.headers()["vary"], "accept-encoding");
    let bytes = coded.bytes().await.expect("a body");
    let mut decoded = String::new();
    GzDecoder::new(&bytes[..])
        .read_to_string(&mut decoded)
        .expect("gzip");
    assert_eq!(decoded, text);

    for coding in ["br", "zstd"] {
        let coded = send(greet().header("accept-encoding", format!("gzip;q=0.5, {coding}"))).await;
        assert_eq!(coded.headers()["content-encoding"], coding);
        let bytes = coded.bytes().await.expect("a body").to_vec();
        // What we write we can read: it comes back through a request.
        let put = server
            .post("dev.test.put")
            .header("content-type", "application/json")
            .header("content-encoding", coding)
            .body(bytes);
        let answer = answer(put).await;
        assert!(
            answer.contains("missing field `title` at line 1 column 46"),
            "{answer}"
        );
    }
}
