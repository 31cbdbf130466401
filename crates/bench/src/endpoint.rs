//! A typed and validated endpoint, against axum written by hand with serde and no validation.
//!
//! Both run in this process without sockets: CPU per request, from the request that hyper would
//! hand over to the last byte of the answer.

use axum::body::Body;
use axum::extract::{Query, Request};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use http_body_util::BodyExt;
use loggia_api::place::stream::server::create_webhook::{self, CreateWebhook};
use loggia_api::place::stream::server::list_webhooks::{self, ListWebhooks};
use loggia_xrpc::Reply;
use loggia_xrpc_server::Service;
use tokio::runtime::Runtime;
use tower::Service as _;

use crate::contest::Contest;
use crate::samples::CREATE_WEBHOOK;
use crate::{cpu, plain};

/// A query costs at most this much of what it costs without validation,
const QUERY: f64 = 1.05;
/// and a procedure with a body this much.
const PROCEDURE: f64 = 1.00;

const LIST: &str = "/xrpc/place.stream.server.listWebhooks?limit=25&cursor=01J7ZK3Q4V5W6X7Y8Z9A0B1C2D&active=true&event=chat";
const CREATE: &str = "/xrpc/place.stream.server.createWebhook";
/// What the query answers.
const PAGE: &str = include_str!("../samples/webhooks.json");

pub fn run() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be started");
    let (by_hand, ours) = (by_hand(), ours());
    contest(
        &runtime,
        "query with four params",
        [&by_hand, &ours],
        QUERY,
        list,
    );
    let title = format!(
        "procedure with a body of {} bytes",
        CREATE_WEBHOOK.text.len()
    );
    contest(&runtime, &title, [&by_hand, &ours], PROCEDURE, create);
}

fn contest(
    runtime: &Runtime,
    title: &str,
    [by_hand, ours]: [&Router; 2],
    goal: f64,
    request: fn() -> Request,
) {
    let answers = [by_hand, ours].map(|router| runtime.block_on(answer(router.clone(), request())));
    let [by_hand_says, ours_says] = answers.map(|answer| {
        serde_json::from_slice::<serde_json::Value>(&answer).expect("both answer in JSON")
    });
    assert_eq!(by_hand_says, ours_says, "both do the same");

    Contest::against_timed(title, "axum by hand, no validation", |times| {
        serve(runtime, by_hand, request, times)
    })
    .timed("loggia, typed and validated", Some(goal), |times| {
        serve(runtime, ours, request, times)
    })
    .run();
}

/// Serves so many requests; making them is not counted.
fn serve(runtime: &Runtime, router: &Router, request: fn() -> Request, times: u32) -> u64 {
    let requests: Vec<Request> = (0..times).map(|_| request()).collect();
    let ((), taken) = cpu::time(|| {
        runtime.block_on(async {
            for request in requests {
                std::hint::black_box(answer(router.clone(), request).await);
            }
        });
    });
    taken
}

async fn answer(mut router: Router, request: Request) -> bytes::Bytes {
    let response: Response = router
        .call(request)
        .await
        .unwrap_or_else(|never| match never {});
    assert!(response.status().is_success(), "{}", response.status());
    let body = response.into_body().collect().await;
    body.expect("the body is whole").to_bytes()
}

fn list() -> Request {
    Request::get(LIST).body(Body::empty()).expect("a request")
}

fn create() -> Request {
    Request::post(CREATE)
        .header("content-type", "application/json")
        .header("content-length", CREATE_WEBHOOK.text.len())
        .body(Body::from(CREATE_WEBHOOK.text))
        .expect("a request")
}

/// The webhook that both answer with, wrapped as `createWebhook` does.
fn one_webhook() -> serde_json::Value {
    let mut page: serde_json::Value = serde_json::from_str(PAGE).expect("the page is JSON");
    serde_json::json!({ "webhook": page["webhooks"][0].take() })
}

fn ours() -> Router {
    let page: list_webhooks::Output = serde_json::from_str(PAGE).expect("a page");
    let one: create_webhook::Output = serde_json::from_value(one_webhook()).expect("a webhook");
    let list = move |params: list_webhooks::Params| {
        std::hint::black_box(params);
        let page = page.clone();
        async move { Reply::<ListWebhooks>::Ok(page) }
    };
    let create = move |input: create_webhook::Input| {
        std::hint::black_box(input);
        let one = one.clone();
        async move { Reply::<CreateWebhook>::Ok(one) }
    };
    Service::new()
        .method::<ListWebhooks, _, _>(list)
        .method::<CreateWebhook, _, _>(create)
        .into_router()
}

fn by_hand() -> Router {
    let page: plain::Webhooks = serde_json::from_str(PAGE).expect("a page");
    let one: plain::OneWebhook = serde_json::from_value(one_webhook()).expect("a webhook");
    let list = move |Query(params): Query<plain::ListWebhooks>| {
        std::hint::black_box(params);
        let page = page.clone();
        async move { Json(page) }
    };
    let create = move |Json(input): Json<plain::CreateWebhook>| {
        std::hint::black_box(input);
        let one = one.clone();
        async move { Json(one) }
    };
    Router::new()
        .route("/xrpc/place.stream.server.listWebhooks", get(list))
        .route("/xrpc/place.stream.server.createWebhook", post(create))
}
