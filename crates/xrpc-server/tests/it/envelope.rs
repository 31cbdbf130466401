//! Every failure has the envelope.

use crate::methods::service;
use crate::support::{Server, answer, error, error_with};

#[tokio::test]
async fn what_is_not_a_method() {
    let server = Server::start(service().into_router()).await;
    let nowhere = error(
        404,
        "NotFound",
        "there is nothing here; methods are at /xrpc/",
    );
    for path in [
        "/",
        "/favicon.ico",
        "/xrpc",
        "/xrpcs/dev.test.greet",
        "/metrics",
    ] {
        assert_eq!(answer(server.get(path)).await, nowhere, "{path}");
    }
    assert_eq!(
        answer(server.get("/xrpc/dev.test.unknown")).await,
        error(
            501,
            "MethodNotImplemented",
            "dev.test.unknown is not served here"
        )
    );
    assert_eq!(
        answer(server.post("dev.test.unknown")).await,
        error(
            501,
            "MethodNotImplemented",
            "dev.test.unknown is not served here"
        )
    );
    for name in [
        "",
        "greet",
        "dev.test.greet/",
        "dev.test.greet/more",
        "dev..test",
        "%2e",
    ] {
        assert_eq!(
            answer(server.get(&format!("/xrpc/{name}"))).await,
            error(
                400,
                "InvalidRequest",
                &format!("{name:?} after /xrpc/ is not an NSID")
            ),
            "{name}"
        );
    }
}

#[tokio::test]
async fn the_wrong_verb() {
    let server = Server::start(service().into_router()).await;
    for (verb, path, allow) in [
        ("POST", "/xrpc/dev.test.greet", "GET, HEAD"),
        ("DELETE", "/xrpc/dev.test.greet", "GET, HEAD"),
        ("GET", "/xrpc/dev.test.put", "POST"),
        ("POST", "/xrpc/_health", "GET, HEAD"),
        ("BREW", "/xrpc/dev.test.put", "POST"),
    ] {
        assert_eq!(
            answer(server.request(verb, path)).await,
            error_with(
                405,
                &[&format!("allow: {allow}")],
                "InvalidRequest",
                &format!("{verb} is not the verb of this; use {allow}")
            ),
            "{verb} {path}"
        );
    }
    assert_eq!(
        answer(server.request("OPTIONS", "/xrpc/dev.test.put")).await,
        "204\nallow: POST\n\n"
    );
}

#[tokio::test]
async fn accept_that_takes_nothing_we_make() {
    let server = Server::start(service().into_router()).await;
    let greet = server.get("/xrpc/dev.test.greet?name=Ada");
    assert_eq!(
        answer(greet.header("accept", "text/html, application/json;q=0")).await,
        error(
            406,
            "NotAcceptable",
            "this method answers application/json, which Accept excludes"
        )
    );
    for accept in ["application/json", "text/html, */*;q=0.1", "application/*"] {
        let greet = server
            .get("/xrpc/dev.test.greet?name=Ada")
            .header("accept", accept);
        assert!(answer(greet).await.starts_with("200\n"), "{accept}");
    }
    let touch = server.post("dev.test.touch").header("accept", "text/html");
    assert!(
        answer(touch).await.starts_with("200\n"),
        "no body fits every Accept"
    );
}

#[tokio::test]
async fn a_web_page_may_call() {
    let server = Server::start(service().into_router()).await;
    let preflight = server
        .request("OPTIONS", "/xrpc/dev.test.put")
        .header("origin", "https://app.example")
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization,content-type",
        );
    assert_eq!(
        answer(preflight).await,
        "204\n\
         access-control-allow-headers: authorization,content-type\n\
         access-control-allow-methods: POST\n\
         access-control-max-age: 86400\n\
         vary: access-control-request-headers\n\n"
    );
}
