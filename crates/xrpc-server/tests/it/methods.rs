//! Queries and procedures that succeed, and what handlers say no with.

use loggia_xrpc::{Rejection, Reply, declared};
use loggia_xrpc_server::{Service, Settings};

use crate::support::lexicons::{
    Greet, GreetError, GreetParams, Greeting, Put, PutInput, PutOutput, Touch,
};
use crate::support::{Server, answer, error, error_with, whole};

pub async fn greet(params: GreetParams) -> Reply<Greet> {
    match params.name.as_str() {
        "taken" => Err(declared(GreetError::NameTaken).into()),
        "gone" => Err(declared(GreetError::NameTaken)
            .status(409)
            .message("gone")
            .into()),
        "odd" => Err(declared(GreetError::NameTaken).status(200).into()),
        "nope" => Err(Rejection::forbidden("not you")
            .header("WWW-Authenticate", "Bearer")
            .into()),
        "io" => Err(std::io::Error::other(
            "the secret path /etc/secret is not readable",
        ))?,
        "panic" => panic!("the secret of the panic"),
        name => Ok(Greeting {
            text: vec![name; usize::try_from(params.times)?].join(" "),
        }),
    }
}

pub async fn put(input: PutInput) -> Reply<Put> {
    Ok(PutOutput {
        items: input.items.len(),
    })
}

pub async fn touch() -> Reply<Touch> {
    Ok(loggia_xrpc::NoBody)
}

pub fn service() -> Service {
    Service::new()
        .method::<Greet, _, _>(greet)
        .method::<Put, _, _>(put)
        .method::<Touch, _, _>(touch)
}

#[tokio::test]
async fn a_query_answers() {
    let server = Server::start(service().into_router()).await;
    assert_eq!(
        whole(server.get("/xrpc/dev.test.greet?name=Ada&times=2&unknown=1")).await,
        "200\n\
         access-control-allow-origin: *\n\
         access-control-expose-headers: atproto-repo-rev, atproto-content-labelers, \
         content-encoding, dpop-nonce, ratelimit-limit, ratelimit-policy, ratelimit-remaining, \
         ratelimit-reset, retry-after, www-authenticate, x-request-id\n\
         content-length: 18\n\
         content-type: application/json\n\
         x-request-id: r1\n\
         \n\
         {\"text\":\"Ada Ada\"}"
    );
}

#[tokio::test]
async fn head_answers_a_query_without_its_body() {
    let server = Server::start(service().into_router()).await;
    assert_eq!(
        answer(server.request("HEAD", "/xrpc/dev.test.greet?name=Ada")).await,
        "200\ncontent-length: 14\ncontent-type: application/json\n\n"
    );
    let wrong = answer(server.request("HEAD", "/xrpc/dev.test.put")).await;
    assert!(wrong.starts_with("405\nallow: POST\n"), "{wrong}");
}

#[tokio::test]
async fn procedures_answer() {
    let server = Server::start(service().into_router()).await;
    assert_eq!(
        answer(server.post_json(
            "dev.test.put",
            r#"{"title":"a","items":[{"count":1}],"more":{}}"#
        ))
        .await,
        "200\ncontent-length: 11\ncontent-type: application/json\n\n{\"items\":1}"
    );
    assert_eq!(
        answer(server.post("dev.test.touch")).await,
        "200\ncontent-length: 0\n\n"
    );
}

#[tokio::test]
async fn an_outage_is_to_be_tried_again() {
    let settings = Settings {
        is_outage: |error| error.to_string().contains("not readable"),
        ..Settings::default()
    };
    let server = Server::start(service().settings(settings).into_router()).await;
    let away = "something that this service needs is away; try again soon";
    assert_eq!(
        answer(server.get("/xrpc/dev.test.greet?name=io")).await,
        error_with(503, &["retry-after: 1"], "NotEnoughResources", away)
    );
    let other = answer(server.get("/xrpc/dev.test.greet?name=panic")).await;
    assert!(other.starts_with("500\n"), "{other}");
}

#[tokio::test]
async fn a_handler_says_no_in_three_ways() {
    let server = Server::start(service().into_router()).await;
    let greet =
        async |name: &str| answer(server.get(&format!("/xrpc/dev.test.greet?name={name}"))).await;

    let description = "Somebody else has that name.";
    assert_eq!(greet("taken").await, error(400, "NameTaken", description));
    assert_eq!(greet("gone").await, error(409, "NameTaken", "gone"));
    assert_eq!(
        greet("odd").await,
        error(400, "NameTaken", description),
        "200 is no error"
    );
    assert_eq!(
        greet("nope").await,
        error_with(403, &["www-authenticate: Bearer"], "Forbidden", "not you")
    );
    let internal = error(500, "InternalServerError", "Internal Server Error");
    assert_eq!(greet("io").await, internal);
    assert_eq!(greet("panic").await, internal);
    assert!(
        greet("Ada").await.starts_with("200\n"),
        "the server lives on"
    );
}

#[tokio::test]
async fn params_are_read_and_checked() {
    let server = Server::start(service().into_router()).await;
    let greet =
        async |query: &str| answer(server.get(&format!("/xrpc/dev.test.greet?{query}"))).await;
    let bad = |message: &str| error(400, "InvalidRequest", message);

    assert_eq!(greet("").await, bad("parameter `name` is required"));
    assert_eq!(
        greet("name=a&times=x").await,
        bad("parameter `times` must be an integer")
    );
    assert_eq!(
        greet("name=too+long&times=10").await,
        bad("params do not hold: $.name: longer than 5 bytes; $.times: more than 9")
    );
    let long = greet(&format!("name={}", "a".repeat(20_000))).await;
    assert_eq!(
        long,
        error(
            414,
            "UriTooLong",
            "the query string is longer than 16384 bytes"
        )
    );

    let settings = Settings {
        validate_input: false,
        ..Settings::default()
    };
    let server = Server::start(service().settings(settings).into_router()).await;
    let unchecked = answer(server.get("/xrpc/dev.test.greet?name=too+long")).await;
    assert!(unchecked.starts_with("200\n"), "{unchecked}");
}

#[tokio::test]
async fn output_is_checked_where_that_is_set() {
    let server = Server::start(service().into_router()).await;
    let unchecked = answer(server.get("/xrpc/dev.test.greet?name=bad")).await;
    assert!(unchecked.ends_with(r#"{"text":"bad"}"#), "{unchecked}");

    let settings = Settings {
        validate_output: true,
        ..Settings::default()
    };
    let server = Server::start(service().settings(settings).into_router()).await;
    let checked = answer(server.get("/xrpc/dev.test.greet?name=bad")).await;
    assert_eq!(
        checked,
        error(500, "InternalServerError", "Internal Server Error")
    );
}

#[test]
#[should_panic(expected = "dev.test.greet has two handlers")]
fn a_method_has_one_handler() {
    let twice = service().method::<Greet, _, _>(greet);
    drop(twice);
}
