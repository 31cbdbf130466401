//! The server's own keys, beside a running server and over restarts.

use std::time::{Duration, Instant};

use loggia_server::keys::KeyRole;
use loggia_server::operator::Operator;
use serde_json::Value;

use crate::support::TestServer;

/// Longer than it takes a server to read its keys again, so that only what never comes fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// The multikeys that the server's document publishes.
async fn published(server: &TestServer) -> Vec<String> {
    let host = format!("localhost:{}", server.port());
    let document = server.get_as(&host, "/.well-known/did.json").await.output();
    let methods = document["verificationMethod"].as_array().expect("keys");
    let key = |method: &Value| method["publicKeyMultibase"].as_str().map(str::to_owned);
    methods.iter().filter_map(key).collect()
}

async fn current(operator: &Operator, role: KeyRole) -> String {
    let keys = operator.keys().await.expect("the keys are there");
    let mut current = keys
        .into_iter()
        .filter(|key| key.role == role && key.retired_at.is_none());
    let key = current.next().expect("a role has a current key");
    assert_eq!(current.next(), None, "a role has one current key");
    key.did_key
}

#[tokio::test]
async fn keys_are_made_at_the_first_start_and_stay() {
    let server = TestServer::start().await;
    let before = published(&server).await;
    assert_eq!(before.len(), 2);
    let folder = server.stop().await;
    let server = TestServer::start_in(folder, |_| {}).await;
    assert_eq!(published(&server).await, before);
    let made = server.operator().await.make_missing_keys().await;
    assert_eq!(made.expect("the keys are there"), []);
}

#[tokio::test]
async fn a_rotated_key_is_published_without_a_restart_and_its_predecessor_is_not() {
    let server = TestServer::start().await;
    let before = published(&server).await;
    let operator = server.operator().await;
    let old = current(&operator, KeyRole::AtprotoSpace).await;
    let new = operator.rotate_key(KeyRole::AtprotoSpace).await;
    let new = new.expect("rotated");
    assert_ne!(old, new);
    assert_eq!(current(&operator, KeyRole::AtprotoSpace).await, new);

    let expected = [before[0].clone(), new.replace("did:key:", "")];
    let deadline = Instant::now() + PATIENCE;
    while published(&server).await != expected {
        assert!(Instant::now() < deadline, "{:?}", published(&server).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
