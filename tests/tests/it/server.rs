//! The server itself: what it says about itself, and what it is not.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use loggia_server::config::Config;
use loggia_server::{ServeError, Server};
use serde_json::{Value, json};

use crate::support::{Answer, TestServer};

/// What the server serves, sorted.
const METHODS: [&str; 88] = [
    "com.atproto.repo.uploadBlob",
    "com.atproto.simplespace.createSpace",
    "com.atproto.simplespace.deleteSpace",
    "com.atproto.simplespace.getSpace",
    "com.atproto.simplespace.listMembers",
    "com.atproto.simplespace.putMember",
    "com.atproto.simplespace.removeMember",
    "com.atproto.simplespace.updateSpace",
    "com.atproto.space.applyWrites",
    "com.atproto.space.createRecord",
    "com.atproto.space.deleteRecord",
    "com.atproto.space.getBlob",
    "com.atproto.space.getDelegationToken",
    "com.atproto.space.getLatestCommit",
    "com.atproto.space.getRecord",
    "com.atproto.space.getRepo",
    "com.atproto.space.getSpaceCredential",
    "com.atproto.space.listBlobs",
    "com.atproto.space.listRecords",
    "com.atproto.space.listRepoOps",
    "com.atproto.space.listRepos",
    "com.atproto.space.listSpaces",
    "com.atproto.space.notifyCredentialRevoked",
    "com.atproto.space.notifySpaceDeleted",
    "com.atproto.space.notifyWrite",
    "com.atproto.space.putRecord",
    "com.atproto.space.registerNotify",
    "com.atproto.space.unregisterNotify",
    "dev.loggia.community.acceptInvite",
    "dev.loggia.community.acceptJoinRequest",
    "dev.loggia.community.cancelJoinRequest",
    "dev.loggia.community.createInvite",
    "dev.loggia.community.createWebhook",
    "dev.loggia.community.declineInvite",
    "dev.loggia.community.deleteWebhook",
    "dev.loggia.community.getWebhook",
    "dev.loggia.community.leave",
    "dev.loggia.community.listInvites",
    "dev.loggia.community.listJoinRequests",
    "dev.loggia.community.listWebhooks",
    "dev.loggia.community.rejectJoinRequest",
    "dev.loggia.community.requestToJoin",
    "dev.loggia.community.revokeInvite",
    "dev.loggia.community.rotateWebhookSecret",
    "dev.loggia.community.updateWebhook",
    "dev.loggia.delivery.cancel",
    "dev.loggia.delivery.get",
    "dev.loggia.delivery.getReplay",
    "dev.loggia.delivery.list",
    "dev.loggia.delivery.replay",
    "dev.loggia.delivery.replayAll",
    "dev.loggia.delivery.send",
    "dev.loggia.delivery.tail",
    "dev.loggia.endpoint.create",
    "dev.loggia.endpoint.delete",
    "dev.loggia.endpoint.disable",
    "dev.loggia.endpoint.enable",
    "dev.loggia.endpoint.get",
    "dev.loggia.endpoint.getStats",
    "dev.loggia.endpoint.list",
    "dev.loggia.endpoint.rotateSecret",
    "dev.loggia.endpoint.test",
    "dev.loggia.endpoint.update",
    "dev.loggia.event.append",
    "dev.loggia.event.appendBatch",
    "dev.loggia.event.list",
    "dev.loggia.lexicon.validateRecord",
    "dev.loggia.projection.delete",
    "dev.loggia.projection.get",
    "dev.loggia.projection.list",
    "dev.loggia.projection.listNotifications",
    "dev.loggia.projection.put",
    "dev.loggia.projection.reactivate",
    "dev.loggia.projection.rotateSecret",
    "dev.loggia.projection.subscribe",
    "dev.loggia.server.describeServer",
    "dev.loggia.stream.getForm",
    "dev.loggia.stream.notifyReceived",
    "dev.loggia.stream.setForm",
    "place.stream.server.createWebhook",
    "place.stream.server.deleteWebhook",
    "place.stream.server.getWebhook",
    "place.stream.server.listWebhooks",
    "place.stream.server.updateWebhook",
    "place.wisp.v2.secret.create",
    "place.wisp.v2.secret.delete",
    "place.wisp.v2.secret.list",
    "place.wisp.v2.secret.rotate",
];

#[tokio::test]
async fn a_server_describes_itself_to_everybody() {
    let server = TestServer::start().await;
    let answer = server.get("/xrpc/dev.loggia.server.describeServer").await;
    let expected = json!({
        "name": "loggia",
        "version": env!("CARGO_PKG_VERSION"),
        "did": server.did,
        "methods": &METHODS[..],
    });
    answer.is(200, expected);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
}

#[tokio::test]
async fn health_and_metrics_are_served() {
    let server = TestServer::start().await;
    server.delivers().await;
    let health = server.get("/xrpc/_health").await;
    let delivery = json!({ "running": true, "oldestDueSeconds": 0 });
    let well = json!({ "version": env!("CARGO_PKG_VERSION"), "delivery": delivery });
    health.is(200, well);
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
    for nsid in [
        "com.example.unknown",
        "com.atproto.simplespace.checkUserAccess",
    ] {
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
async fn the_document_of_the_server_is_published() {
    let server = TestServer::start().await;
    let port = server.port();
    let document = server
        .get_as(&format!("localhost:{port}"), "/.well-known/did.json")
        .await;
    let contexts = document.body["@context"].clone();
    let endpoint = format!("http://localhost:{port}");
    let operator = server.operator().await;
    let keys = operator.keys().await.expect("the keys are there");
    let key = |fragment: &str, role: &str| {
        let key = keys.iter().find(|key| key.role.as_str() == role);
        let key = &key.expect("a key of each role").did_key;
        json!({
            "id": format!("{}{fragment}", server.did),
            "type": "Multikey",
            "controller": server.did,
            "publicKeyMultibase": key.trim_start_matches("did:key:"),
        })
    };
    document.is(200, json!({
        "@context": contexts,
        "id": server.did,
        "alsoKnownAs": [],
        "verificationMethod": [
            key("#atproto", "atproto"),
            key("#atproto_space", "atproto_space"),
        ],
        "service": [
            { "id": "#loggia", "type": "LoggiaService", "serviceEndpoint": endpoint },
            { "id": "#atproto_space_host", "type": "AtprotoSpaceHost", "serviceEndpoint": endpoint },
        ],
    }));
}

#[tokio::test]
async fn the_documents_of_development_accounts_are_published() {
    let server = TestServer::start().await;
    let port = server.port();
    let alice = server.account("alice");
    let host = format!("alice.localhost:{port}");
    let document = server.get_as(&host, "/.well-known/did.json").await;
    let contexts = document.body["@context"].clone();
    let endpoint = format!("http://localhost:{port}");
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
        "service": [
            {
                "id": "#atproto_pds",
                "type": "AtprotoPersonalDataServer",
                "serviceEndpoint": endpoint,
            },
            {
                "id": "#atproto_space_host",
                "type": "AtprotoSpaceHost",
                "serviceEndpoint": endpoint,
            },
        ],
    }));
    let did = server.get_as(&host, "/.well-known/atproto-did").await;
    did.is(200, Value::String(alice.did.to_string()));

    let shouted = format!("ALICE.Localhost:{port}");
    let same = server.get_as(&shouted, "/.well-known/atproto-did").await;
    same.is(200, Value::String(alice.did.to_string()));

    for path in ["/.well-known/did.json", "/.well-known/atproto-did"] {
        let nobody = server.get_as(&format!("bob.localhost:{port}"), path).await;
        nobody.fails(404, "NotFound", "nobody is known under this host");
        let written = server.send(server.post(path)).await;
        written.fails(405, "MethodNotAllowed", "documents are read with GET");
        assert_eq!(written.header("allow"), "GET, HEAD");
    }
}

#[tokio::test]
async fn a_published_server_shows_metrics_if_it_is_told_to() {
    let server = TestServer::start_with(|config| {
        config.public_url = Some("https://hub.example".parse().expect("a URL"));
        config.public_metrics = true;
    });
    assert_eq!(server.await.get("/metrics").await.status, 200);
}

/// How a server that lets a caller call once answers two calls that came through proxies, of which the
/// last saw these addresses.
async fn two_calls(proxies: usize, seen: [&str; 2]) -> [u16; 2] {
    let server = TestServer::start_with(|config| {
        config.requests_per_minute = 1;
        config.proxies = proxies;
    });
    let server = server.await;
    let call = async |seen| {
        let call = server.call("dev.loggia.server.describeServer", &[], None);
        let call = call.header("x-forwarded-for", format!("198.51.100.1, {seen}"));
        server.send(call).await
    };
    loop {
        let [first, second] = [call(seen[0]).await, call(seen[1]).await];
        // Counting begins anew with every minute; both calls are to fall into one.
        let minute = |answer: &Answer| answer.header("ratelimit-reset").to_owned();
        if minute(&first) == minute(&second) {
            return [first.status, second.status];
        }
    }
}

#[tokio::test]
async fn callers_behind_proxies_are_told_apart_only_if_there_are_proxies() {
    let (one, other) = ("203.0.113.1", "203.0.113.2");
    assert_eq!(two_calls(1, [one, other]).await, [200, 200]);
    assert_eq!(two_calls(1, [one, one]).await, [200, 429]);
    // Without proxies the header is only what a caller says.
    assert_eq!(two_calls(0, [one, other]).await, [200, 429]);
    // With two of them it is the one before that counts, and here it is the same.
    assert_eq!(two_calls(2, [one, other]).await, [200, 429]);
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

    // It has one document, whatever a proxy in front makes of the host, and none of an account.
    let alice = server.account("alice");
    let host = format!("alice.localhost:{}", server.port());
    let same = server.get_as(&host, "/.well-known/did.json").await;
    assert_eq!(same.body, document.body);
    assert_eq!(same.header("access-control-allow-origin"), "*");
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
            .contains("another loggia process uses the folder"),
        "{error}"
    );

    let folder = server.stop().await;
    Server::start(config, None)
        .await
        .expect("the folder is free again");
    drop(folder);
}

#[tokio::test]
async fn another_master_key_than_the_databases_is_told() {
    let folder = TestServer::start().await.stop().await;
    let mut config = Config::defaults();
    config.bind.set_port(0);
    config.data = folder.path().to_owned();
    let other = BASE64_STANDARD.encode([1; 32]);
    let refused = Server::start(config, Some(other)).await;
    let error = refused.err().expect("the secrets do not open").to_string();
    assert!(
        error.contains("loggia.db") && error.contains("LOGGIA_MASTER_KEY"),
        "{error}"
    );
}
