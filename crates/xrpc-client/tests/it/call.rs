//! Typed calls.

use axum::Router;
use axum::extract::RawQuery;
use axum::http::{HeaderMap as Headers, StatusCode};
use axum::routing::{get, post};
use loggia_syntax::check::Report;
use loggia_xrpc::{
    Body, BodyError, BodyKind, DeclaredError, Kind, Method, NoBody, ParamError, Params, Payload,
    Query, shape,
};
use loggia_xrpc_client::{CallError, Credentials};
use serde::{Deserialize, Serialize};

use crate::server::{client, serve, serve_bytes};

/// `com.example.echo`, as a generator would write it.
struct Echo;
/// `com.example.touch`: neither input nor output.
struct Touch;

struct Text {
    text: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Words {
    words: String,
}

#[derive(Debug)]
struct Unspeakable;

impl Params for Text {
    fn read(query: &Query) -> Result<Self, ParamError> {
        Ok(Self {
            text: query.required("text")?,
        })
    }
    fn write(&self, query: &mut Query) {
        query.push("text", &self.text);
    }
    fn check(&self, _: &mut Report) {}
}

impl Body for Words {
    const ENCODING: &'static str = "application/json";
    const KIND: BodyKind = BodyKind::Json;
    fn decode(payload: Payload) -> Result<Self, BodyError> {
        payload.into_json()
    }
    fn encode(self) -> Result<Payload, BodyError> {
        Payload::json(&self)
    }
    fn check(&self, _: &mut Report) {}
}

impl DeclaredError for Unspeakable {
    fn name(&self) -> &'static str {
        "Unspeakable"
    }
    fn description(&self) -> Option<&'static str> {
        None
    }
}

impl Method for Echo {
    const NSID: &'static str = "com.example.echo";
    const KIND: Kind = Kind::Procedure;
    type Params = Text;
    type Input = Words;
    type Output = Words;
    type Error = Unspeakable;
    type Shape = shape::ParamsAndInput;
}

impl Method for Touch {
    const NSID: &'static str = "com.example.touch";
    const KIND: Kind = Kind::Query;
    type Params = ();
    type Input = NoBody;
    type Output = NoBody;
    type Error = Unspeakable;
    type Shape = shape::Nothing;
}

fn words(text: &str) -> Words {
    Words { words: text.into() }
}

#[tokio::test]
async fn a_procedure_with_params_input_and_a_token() {
    let echo = |RawQuery(query): RawQuery, headers: Headers, body: String| async move {
        let header = |name: &str| headers[name].to_str().unwrap_or_default().to_owned();
        let all = [
            query.unwrap_or_default(),
            header("authorization"),
            header("content-type"),
            body,
        ];
        axum::Json(serde_json::json!({ "words": all.join(" | ") }))
    };
    let base = serve(Router::new().route("/under/xrpc/com.example.echo", post(echo))).await;
    let params = Text {
        text: "a b&c".into(),
    };
    let expected = "text=a%20b%26c | Bearer a.b.c | application/json | {\"words\":\"hello\"}";
    for path in ["under", "under/"] {
        let base = base.join(path).expect("a path");
        let output = client()
            .call::<Echo>(&base, &params, words("hello"), Credentials::Bearer("a.b.c"))
            .await;
        assert_eq!(output.expect("an output"), words(expected));
    }
}

#[tokio::test]
async fn a_query_without_anything() {
    let touch = |RawQuery(query): RawQuery, headers: Headers| async move {
        let bare = query.is_none() && !headers.contains_key("authorization");
        if bare {
            StatusCode::OK
        } else {
            StatusCode::BAD_REQUEST
        }
    };
    let base = serve(Router::new().route("/xrpc/com.example.touch", get(touch))).await;
    let output = client()
        .call::<Touch>(&base, &(), NoBody, Credentials::Anonymous)
        .await;
    assert_eq!(output.expect("an output"), NoBody);
}

#[tokio::test]
async fn a_call_that_several_fields_prove() {
    let echo = |headers: Headers| async move {
        let header = |name: &str| headers[name].to_str().unwrap_or_default().to_owned();
        let both = [header("authorization"), header("signature")];
        axum::Json(serde_json::json!({ "words": both.join(" | ") }))
    };
    let base = serve(Router::new().route("/xrpc/com.example.echo", post(echo))).await;
    let mut fields = Headers::new();
    fields.insert("authorization", "Scheme a.b.c".parse().expect("a value"));
    fields.insert("signature", "x=:y:".parse().expect("a value"));
    let params = Text { text: "a".into() };
    let call = async |limit| {
        let credentials = Credentials::Fields(&fields);
        client()
            .call_within::<Echo>(&base, &params, words("hello"), credentials, limit)
            .await
    };
    let output = call(1000).await.expect("an output");
    assert_eq!(output, words("Scheme a.b.c | x=:y:"));
    let error = call(10).await;
    assert!(matches!(error, Err(CallError::Client { .. })), "{error:?}");
}

#[tokio::test]
async fn refusals_keep_their_names() {
    let answer = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n\
        {\"error\":\"Unspeakable\",\"message\":\"not that word\"}";
    let base = serve_bytes(answer).await;
    let error = client()
        .call::<Touch>(&base, &(), NoBody, Credentials::Anonymous)
        .await;
    let Err(CallError::Refused {
        nsid: "com.example.touch",
        source,
    }) = error
    else {
        panic!("not refused: {error:?}");
    };
    assert!(source.is(&Unspeakable));
    assert_eq!(source.message.as_deref(), Some("not that word"));
    assert_eq!(
        source.to_string(),
        "the call was refused with HTTP status 400, Unspeakable"
    );

    let base = serve_bytes(b"HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\n\r\n<html>").await;
    let error = client()
        .call::<Touch>(&base, &(), NoBody, Credentials::Anonymous)
        .await;
    let Err(CallError::Refused { source, .. }) = error else {
        panic!("not refused: {error:?}")
    };
    assert_eq!((source.status, source.name), (502, None));
}

#[tokio::test]
async fn an_output_that_does_not_fit() {
    let base =
        serve_bytes(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"words\":[\"secret\"]}").await;
    let params = Text { text: "x".into() };
    let error = client()
        .call::<Echo>(&base, &params, words("x"), Credentials::Anonymous)
        .await;
    let error = error.expect_err("no output");
    assert!(matches!(error, CallError::Output { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "the output of com.example.echo does not fit its lexicon"
    );
}

#[tokio::test]
async fn a_token_that_no_header_takes_is_not_printed() {
    let base = serve(Router::new()).await;
    let credentials = Credentials::Bearer("secret\nx-more: 1");
    assert!(!format!("{credentials:?}").contains("secret"));
    let error = client()
        .call::<Touch>(&base, &(), NoBody, credentials)
        .await;
    assert!(matches!(error, Err(CallError::Credentials)));
}
