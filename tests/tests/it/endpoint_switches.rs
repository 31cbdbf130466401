//! Endpoints that are switched off, by what they answer or by their owner, and on again.

use serde_json::json;

use crate::endpoints::{DISABLE, ENABLE, TEST, make, shown};
use crate::support::{Receiver, TestServer};

#[tokio::test]
async fn an_endpoint_that_is_gone_is_disabled_and_comes_back_when_its_owner_says_so() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let mut watcher = Receiver::start();
    let kinds = ["dev.loggia.endpoint.disabled"];
    let (_, told_with) = make(&alice, json!({ "url": watcher.url, "kinds": kinds })).await;
    let mut receiver = Receiver::answering(&[410]);
    let (id, secret) = make(&alice, json!({ "url": receiver.url })).await;
    alice.procedure(TEST, &json!({ "id": id })).await.output();
    receiver.next().await;
    let told = watcher.next().await.verified(&told_with);
    assert_eq!(
        (&told["endpoint"], &told["reason"]),
        (&json!(id), &json!("gone"))
    );
    let endpoint = shown(&alice, &id).await;
    let state = &endpoint["state"];
    assert_eq!(
        (&state["status"], &state["reason"]),
        (&json!("disabled"), &json!("gone"))
    );
    assert!(
        state["at"].is_string() && endpoint["consecutiveFailures"] == 1,
        "{endpoint}"
    );
    let refused = alice.procedure(TEST, &json!({ "id": id })).await;
    refused.fails(
        400,
        "EndpointDisabled",
        "The endpoint is not told. Enable it first.",
    );
    let enabled = alice.procedure(ENABLE, &json!({ "id": id })).await.output();
    assert_eq!(enabled["endpoint"]["state"], json!({ "status": "active" }));
    assert_eq!(enabled["endpoint"], shown(&alice, &id).await);
    alice.procedure(TEST, &json!({ "id": id })).await.output();
    receiver.next().await.verified(&secret);
}

#[tokio::test]
async fn an_endpoint_that_its_owner_switches_off_is_not_told_until_they_switch_it_on() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let mut watcher = Receiver::start();
    let kinds = ["dev.loggia.endpoint.disabled"];
    let (_, told_with) = make(&alice, json!({ "url": watcher.url, "kinds": kinds })).await;
    let mut receiver = Receiver::start();
    let (id, secret) = make(&alice, json!({ "url": receiver.url })).await;
    let this = json!({ "id": id });

    let disabled = alice.procedure(DISABLE, &this).await.output();
    let state = &disabled["endpoint"]["state"];
    assert_eq!(
        (&state["status"], &state["reason"]),
        (&json!("disabled"), &json!("owner"))
    );
    assert_eq!(disabled["endpoint"], shown(&alice, &id).await);
    let told = watcher.next().await.verified(&told_with);
    assert_eq!(
        (&told["endpoint"], &told["reason"], &told["at"]),
        (&json!(id), &json!("owner"), &state["at"])
    );
    let again = alice.procedure(DISABLE, &this).await.output();
    assert_eq!(again, disabled, "it stays as it was");
    let refused = alice.procedure(TEST, &this).await;
    refused.fails(
        400,
        "EndpointDisabled",
        "The endpoint is not told. Enable it first.",
    );

    alice.procedure(ENABLE, &this).await.output();
    alice.procedure(TEST, &this).await.output();
    receiver.next().await.verified(&secret);
    receiver.has_no_more();
    watcher.has_no_more();
}
