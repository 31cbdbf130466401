//! Setting webhooks up and changing them.

use std::time::Duration;

use serde_json::{Value, json};

use super::{answer, call, is_refused};
use crate::support::community::{ALL_EVENTS, Community, Manner, UPDATE_WEBHOOK};
use crate::support::spaces::{CREATE_SPACE, UPDATE_SPACE, forum_of_members, open_forum, rule};
use crate::support::{Account, TestServer};

const GET: &str = "dev.loggia.community.getWebhook";
const LIST: &str = "dev.loggia.community.listWebhooks";

async fn shown(owner: &Account<'_>, id: &str) -> Value {
    owner.query(GET, &[("id", id)]).await.output()["webhook"].clone()
}

#[tokio::test]
async fn a_webhook_is_made_shown_and_deleted() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let mut receiver = Community::start().await;
    let (id, secret) = receiver
        .hook(&alice, &["space.created", "space.created"])
        .await;
    assert!(secret.starts_with("whsec_"), "{secret}");
    let webhook = shown(&alice, &id).await;
    let expected = json!({
        "id": id,
        "url": receiver.url,
        "events": ["space.created"],
        "state": { "status": "active" },
        "inOrder": false,
        "createdAt": webhook["createdAt"],
        "consecutiveFailures": 0,
    });
    assert_eq!(webhook, expected);
    let all = alice.query(LIST, &[]).await.output();
    assert_eq!(all, json!({ "webhooks": [webhook] }));

    // It is an endpoint like any other, which is changed here.
    let endpoint = [("id", id.as_str())];
    let endpoint = alice
        .query("dev.loggia.endpoint.get", &endpoint)
        .await
        .output();
    let endpoint = &endpoint["endpoint"];
    assert_eq!(
        (&endpoint["profile"], &endpoint["managed"]),
        (&json!("bettermode"), &json!(false))
    );
    let input = json!({ "id": id });
    let refused = alice.procedure("dev.loggia.endpoint.delete", &input).await;
    is_refused(&refused, "NotManaged");

    answer(&alice, "deleteWebhook", &id)
        .await
        .is(200, json!({}));
    is_refused(&answer(&alice, "deleteWebhook", &id).await, "NotFound");
    is_refused(&alice.query(GET, &[("id", &id)]).await, "NotFound");
    open_forum(&alice).await;
    receiver.has_no_more();
}

#[tokio::test]
async fn a_webhook_is_stopped_and_told_again() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let mut receiver = Community::start().await;
    let (id, secret) = receiver.hook(&alice, &["space.created"]).await;
    is_refused(
        &answer(&alice, "updateWebhook", &id).await,
        "InvalidRequest",
    );
    let input = json!({ "id": id, "inOrder": true, "active": false });
    let changed = alice.procedure(UPDATE_WEBHOOK, &input).await.output();
    let changed = &changed["webhook"];
    assert_eq!(
        (&changed["inOrder"], &changed["state"]["reason"]),
        (&json!(true), &json!("owner"))
    );
    open_forum(&alice).await;
    let input = json!({ "id": id, "active": true });
    let changed = alice.procedure(UPDATE_WEBHOOK, &input).await.output();
    assert_eq!(changed["webhook"]["state"], json!({ "status": "active" }));
    let mut another = forum_of_members();
    another["skey"] = json!("another");
    alice.procedure(CREATE_SPACE, &another).await.output();
    let told = receiver.next().await.verified(&secret);
    assert_eq!(
        told["data"]["object"]["slug"], "another",
        "the first one was missed"
    );
    receiver.has_no_more();
}

#[tokio::test]
async fn another_url_has_to_answer_as_well() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let (mut old, mut new) = (Community::start().await, Community::start().await);
    let (id, secret) = old.hook(&alice, &["space.created"]).await;
    new.answers([Manner::Status(503)]);
    let input = json!({ "id": id, "url": new.url });
    let refused = alice.procedure(UPDATE_WEBHOOK, &input).await;
    is_refused(&refused, "ChallengeFailed");
    let message = refused.body["message"].as_str().expect("a text");
    assert!(message.contains("503"), "{message}");
    new.next().await.verified(&secret);
    assert_eq!(shown(&alice, &id).await["url"], json!(old.url));
    let moved = alice.procedure(UPDATE_WEBHOOK, &input).await.output();
    assert_eq!(moved["webhook"]["url"], json!(new.url));
    new.next().await.verified(&secret);
    // The same URL once more is no other one.
    alice.procedure(UPDATE_WEBHOOK, &input).await.output();
    open_forum(&alice).await;
    assert_eq!(new.next().await.verified(&secret)["type"], "SUBSCRIPTION");
    new.has_no_more();
    old.has_no_more();
}

#[tokio::test]
async fn a_secret_is_rotated_and_given_once() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let mut receiver = Community::start().await;
    let (id, old) = receiver.hook(&alice, &["space.created"]).await;
    let rotated = answer(&alice, "rotateWebhookSecret", &id).await.output();
    let new = rotated["secret"].as_str().expect("a secret");
    assert_ne!(new, old);
    assert!(rotated["webhook"]["overlapUntil"].is_string(), "{rotated}");
    open_forum(&alice).await;
    let event = receiver.next().await;
    event.verified(new);
    // The headers of Standard Webhooks have room for both.
    let codes = event.header("webhook-signature");
    assert_eq!(codes.split(' ').count(), 2, "{codes}");
    let input = json!({ "id": id, "secret": "a secret of my own", "overlapSeconds": 0 });
    let rotated = call(&alice, "rotateWebhookSecret", input).await.output();
    assert_eq!(rotated["secret"], "a secret of my own");
}

#[tokio::test]
async fn what_cannot_be_told_is_not_made() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let mut receiver = Community::start().await;
    let input = |url: &str| json!({ "url": url, "events": ["space.created"] });
    let make = async |input: Value| call(&alice, "createWebhook", input).await;
    for url in [
        "http://10.0.0.1/hook",
        "http://example.com/",
        "ftp://127.0.0.1/",
    ] {
        is_refused(&make(input(url)).await, "InvalidUrl");
    }
    // Nobody listens there.
    let closed = crate::support::Closed::new();
    is_refused(&make(input(&closed.url)).await, "ChallengeFailed");
    for events in [json!([]), json!(["space"]), json!([7])] {
        let mut input = input(&receiver.url);
        input["events"] = events;
        is_refused(&make(input).await, "InvalidRequest");
    }
    let mut empty = input(&receiver.url);
    empty["secret"] = json!("");
    is_refused(&make(empty).await, "InvalidRequest");
    receiver.has_no_more();
    for _ in 0..20 {
        receiver.hook(&alice, &["space.created"]).await;
    }
    is_refused(&make(input(&receiver.url)).await, "TooManyWebhooks");
    receiver.has_no_more();
}

#[tokio::test]
async fn webhooks_of_others_are_as_good_as_none() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let mut receiver = Community::start().await;
    let (id, _) = receiver.hook(&alice, &ALL_EVENTS).await;
    is_refused(&bob.query(GET, &[("id", &id)]).await, "NotFound");
    let input = json!({ "id": id, "active": false });
    is_refused(&bob.procedure(UPDATE_WEBHOOK, &input).await, "NotFound");
    for method in ["deleteWebhook", "rotateWebhookSecret"] {
        is_refused(&answer(&bob, method, &id).await, "NotFound");
        is_refused(&answer(&bob, method, "nonsense").await, "NotFound");
    }
    assert_eq!(
        bob.query(LIST, &[]).await.output(),
        json!({ "webhooks": [] })
    );
    open_forum(&bob).await;
    receiver.has_no_more();
}

#[tokio::test]
async fn several_webhooks_hear_the_same_event_under_one_id_and_failures_of_one_keep_no_other_back()
{
    let server = TestServer::start_with(|config| {
        config.attempt_timeout = Duration::from_millis(500);
    })
    .await;
    let alice = server.account("alice");
    let (mut one, mut two) = (Community::start().await, Community::start().await);
    let (_, first) = one.hook(&alice, &["space.created", "space.updated"]).await;
    let (_, second) = two.hook(&alice, &["space.created"]).await;
    one.answers([Manner::Hangs]);
    let space = open_forum(&alice).await;
    let told = two.next().await.verified(&second);
    assert_eq!(one.next().await.verified(&first), told);
    assert_eq!(one.next().await.verified(&first), told);
    let input = json!({ "space": space, "readPolicy": rule("publicPolicy") });
    assert_eq!(alice.procedure(UPDATE_SPACE, &input).await.status, 200);
    let told = one.next().await.verified(&first);
    assert_eq!(told["data"]["name"], "space.updated");
    two.has_no_more();
}
