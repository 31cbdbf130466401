//! The server itself: what it says about itself, and what it is not.

use loggia_server::config::Config;
use loggia_server::{ServeError, Server};
use serde_json::{Value, json};

use crate::support::TestServer;

#[tokio::test]
async fn a_server_describes_itself_to_everybody() {
    let server = TestServer::start().await;
    let answer = server.get("/xrpc/dev.loggia.server.describeServer").await;
    let methods = [
        "com.atproto.space.notifySpaceDeleted",
        "com.atproto.space.notifyWrite",
        "com.atproto.space.registerNotify",
        "dev.loggia.lexicon.validateRecord",
        "dev.loggia.server.describeServer",
        "place.stream.server.createWebhook",
        "place.stream.server.deleteWebhook",
        "place.stream.server.getWebhook",
        "place.stream.server.listWebhooks",
        "place.stream.server.updateWebhook",
    ];
    let expected = json!({
        "name": "loggia",
        "version": env!("CARGO_PKG_VERSION"),
        "did": server.did,
        "methods": methods,
    });
    answer.is(200, expected);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
}

#[tokio::test]
async fn health_and_metrics_are_served() {
    let server = TestServer::start().await;
    let health = server.get("/xrpc/_health").await;
    health.is(200, json!({ "version": env!("CARGO_PKG_VERSION") }));
    assert_eq!(health.header("cache-control"), "no-store");

    server
        .get("/xrpc/dev.loggia.server.describeServer")
        .await
        .output();
    let metrics = server.get("/metrics").await;
    assert_eq!(metrics.status, 200);
    let text = metrics.body.as_str().expect("text");
    assert!(text.contains("dev.loggia.server.describeServer"), "{text}");
}

#[tokio::test]
async fn what_is_not_served_says_so() {
    let server = TestServer::start().await;
    for nsid in ["com.example.unknown", "com.atproto.space.getRepo"] {
        let answer = server.get(&format!("/xrpc/{nsid}")).await;
        answer.fails(
            501,
            "MethodNotImplemented",
            &format!("{nsid} is not served here"),
        );
    }
    let answer = server.get("/xrpc/place.stream.server.createWebhook").await;
    assert_eq!(
        (answer.status, answer.header("allow")),
        (405, "POST"),
        "{answer:#?}"
    );
    let answer = server.get("/nowhere").await;
    assert_eq!(
        (answer.status, &answer.body["error"]),
        (404, &json!("NotFound")),
        "{answer:#?}"
    );
}

#[tokio::test]
async fn the_documents_of_the_server_and_its_accounts_are_published() {
    let server = TestServer::start().await;
    let port = server.port();
    let alice = server.account("alice");
    let document = server
        .get_as(&format!("localhost:{port}"), "/.well-known/did.json")
        .await;
    let contexts = document.body["@context"].clone();
    let endpoint = format!("http://localhost:{port}");
    document.is(
        200,
        json!({
            "@context": contexts,
            "id": server.did,
            "alsoKnownAs": [],
            "verificationMethod": [],
            "service": [{ "id": "#loggia", "type": "LoggiaService", "serviceEndpoint": endpoint }],
        }),
    );

    let host = format!("alice.localhost:{port}");
    let document = server.get_as(&host, "/.well-known/did.json").await;
    let contexts = document.body["@context"].clone();
    document.is(200, json!({
        "@context": contexts,
        "id": alice.did.as_str(),
        "alsoKnownAs": ["at://alice.localhost"],
        "verificationMethod": [{
            "id": format!("{}#atproto", alice.did),
            "type": "Multikey",
            "controller": alice.did.as_str(),
            "publicKeyMultibase": alice.key.public().to_did_key().trim_start_matches("did:key:"),
        }],
        "service": [],
    }));
    let did = server.get_as(&host, "/.well-known/atproto-did").await;
    did.is(200, Value::String(alice.did.to_string()));

    let nobody = server
        .get_as(&format!("bob.localhost:{port}"), "/.well-known/did.json")
        .await;
    assert_eq!(nobody.status, 404);
}

#[tokio::test]
async fn a_published_server_has_no_development_accounts() {
    let server = TestServer::start_with(|config| {
        config.public_url = Some("https://hub.example".parse().expect("a URL"));
    });
    let server = server.await;
    assert_eq!(server.did, "did:web:hub.example");
    let document = server.get_as("hub.example", "/.well-known/did.json").await;
    assert_eq!(
        document.body["service"][0]["serviceEndpoint"],
        "https://hub.example"
    );

    let alice = server.account("alice");
    let host = format!("alice.localhost:{}", server.port());
    assert_eq!(
        server.get_as(&host, "/.well-known/did.json").await.status,
        404
    );
    let answer = alice.query("place.stream.server.listWebhooks", &[]).await;
    assert_eq!(
        (answer.status, &answer.body["error"]),
        (401, &json!("BadJwtIss")),
        "{answer:#?}"
    );
    assert_eq!(server.get("/metrics").await.status, 404);
}

#[tokio::test]
async fn a_data_folder_has_one_server() {
    let server = TestServer::start().await;
    let mut config = Config::defaults();
    config.bind.set_port(0);
    config.data = server.data();
    let second = Server::start(config.clone(), None).await;
    let error = second.err().expect("the folder is in use");
    assert!(matches!(error, ServeError::DataFolder(_)), "{error}");
    assert!(
        error
            .to_string()
            .contains("another loggia server uses the folder"),
        "{error}"
    );

    let folder = server.stop().await;
    Server::start(config, None)
        .await
        .expect("the folder is free again");
    drop(folder);
}
