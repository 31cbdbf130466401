//! Extractors come first, and whatever they reject with has the envelope.

use axum::extract::{FromRequestParts, State};
use axum::response::IntoResponse;
use http::StatusCode;
use http::request::Parts;
use loggia_xrpc::{Rejection, Reply};
use loggia_xrpc_server::{MethodInfo, Refusal, RequestId, Service, TraceContext};

use crate::support::lexicons::{Put, PutInput, PutOutput, Touch};
use crate::support::{Server, answer, error, error_with};

/// Says who calls and what was called.
struct Caller(String);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let info = parts
            .extensions
            .get::<MethodInfo>()
            .expect("known before extractors run");
        let id = parts
            .extensions
            .get::<RequestId>()
            .expect("known before extractors run");
        parts
            .extensions
            .get::<TraceContext>()
            .expect("known before extractors run");
        match parts.headers.get("authorization") {
            None => Err(
                Rejection::new(401, "AuthenticationRequired", "who are you?")
                    .header("www-authenticate", "Bearer")
                    .into(),
            ),
            Some(value) if value == "broken" => Err(Refusal::internal(&std::io::Error::other(
                "the secret database is gone",
            ))),
            Some(value) if value == "panic" => panic!("the secret of an extractor"),
            Some(_) => Ok(Self(format!(
                "{} {:?} {}",
                info.nsid,
                info.kind,
                id.as_str()
            ))),
        }
    }
}

/// An extractor that knows nothing of XRPC.
struct Foreign;

impl<S: Sync> FromRequestParts<S> for Foreign {
    type Rejection = axum::response::Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        match parts.headers.get("foreign").map(|value| value.as_bytes()) {
            Some(b"no") => {
                Err((StatusCode::CONFLICT, [("x-why", "because")], "not now").into_response())
            }
            Some(b"silent") => Err(StatusCode::NOT_FOUND.into_response()),
            Some(b"broken") => Err((StatusCode::BAD_GATEWAY, "secret.internal").into_response()),
            Some(b"redirect") => Err(axum::response::Redirect::to("/").into_response()),
            _ => Ok(Self),
        }
    }
}

async fn put(
    Caller(caller): Caller,
    State(state): State<&'static str>,
    _: Foreign,
    input: PutInput,
) -> Reply<Put> {
    if input.title == "who" {
        return Err(Rejection::invalid_request(format!("{caller} {state}")).into());
    }
    Ok(PutOutput { items: 0 })
}

#[expect(
    clippy::too_many_arguments,
    reason = "eight extractors are what is tried"
)]
async fn eight(
    _: Caller,
    _: State<&'static str>,
    _: Foreign,
    _: Foreign,
    _: Foreign,
    _: Foreign,
    _: Foreign,
    _: Foreign,
) -> Reply<Touch> {
    Ok(loggia_xrpc::NoBody)
}

async fn start() -> Server {
    let service = Service::new()
        .method::<Put, _, _>(put)
        .method::<Touch, _, _>(eight)
        .with_state("stateful");
    Server::start(service).await
}

#[tokio::test]
async fn extractors_run_before_the_body_is_looked_at() {
    let server = start().await;
    assert_eq!(
        answer(server.post_json("dev.test.put", "no JSON")).await,
        error_with(
            401,
            &["www-authenticate: Bearer"],
            "AuthenticationRequired",
            "who are you?"
        )
    );
    let called = server
        .post_json("dev.test.put", r#"{"title":"who"}"#)
        .header("authorization", "x");
    assert_eq!(
        answer(called).await,
        error(400, "InvalidRequest", "dev.test.put Procedure r1 stateful")
    );
    let eight = server.post("dev.test.touch").header("authorization", "x");
    assert!(answer(eight).await.starts_with("200\n"));
}

#[tokio::test]
async fn every_rejection_has_the_envelope() {
    let server = start().await;
    let put = |name: &str, value: &str| {
        let put = server
            .post_json("dev.test.put", r#"{"title":"a"}"#)
            .header(name, value);
        if name == "foreign" {
            put.header("authorization", "x")
        } else {
            put
        }
    };
    let internal = error(500, "InternalServerError", "Internal Server Error");
    assert_eq!(answer(put("authorization", "broken")).await, internal);
    assert_eq!(answer(put("authorization", "panic")).await, internal);
    assert_eq!(
        answer(put("foreign", "no")).await,
        error_with(409, &["x-why: because"], "Conflict", "not now")
    );
    assert_eq!(
        answer(put("foreign", "silent")).await,
        error(404, "NotFound", "Not Found")
    );
    assert_eq!(answer(put("foreign", "broken")).await, internal);
    assert_eq!(answer(put("foreign", "redirect")).await, internal);
}
