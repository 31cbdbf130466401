//! Webhooks of `place.stream.server.*` that are told: by `dev.loggia.stream.notifyReceived`, which needs
//! no stream.

use serde_json::{Value, json};

use crate::deliveries::LIST as DELIVERIES;
use crate::endpoints::shown;
use crate::support::{Account, Arrival, Closed, Receiver, TestServer};
use crate::webhooks::{DELETE, GET, UPDATE, create, id};

pub const RECEIVED: &str = "dev.loggia.stream.notifyReceived";
pub const SET_FORM: &str = "dev.loggia.stream.setForm";
pub const GET_FORM: &str = "dev.loggia.stream.getForm";

const NOT_FOUND: (u16, &str, &str) = (404, "NotFound", "The caller owns no webhook with this id.");

/// An active webhook that hears of video.
async fn webhook(account: &Account<'_>, url: &str) -> String {
    let input = json!({ "url": url, "events": ["stream.received"], "active": true });
    id(&create(account, input).await).to_owned()
}

/// Says that video of the caller has come in; whether anybody wanted to hear it.
async fn received(account: &Account<'_>, segment: &str) -> bool {
    let input = json!({ "segment": segment });
    let output = account.procedure(RECEIVED, &input).await.output();
    output["wanted"].as_bool().expect("a truth")
}

#[track_caller]
fn content(arrival: &Arrival) -> Value {
    assert_eq!(arrival.header("content-type"), "application/json");
    serde_json::from_slice(&arrival.body).expect("JSON")
}

/// The webhook, once it is as it should be.
async fn until(account: &Account<'_>, id: &str, fits: impl Fn(&Value) -> bool) -> Value {
    loop {
        let found = account.query(GET, &[("id", id)]).await.output();
        if fits(&found["webhook"]) {
            return found["webhook"].clone();
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn video_is_told_once_for_each_segment_to_who_wants_it() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let mut receiver = Receiver::start();
    assert!(!received(&alice, "none yet").await);
    webhook(&alice, &receiver.url).await;
    for segment in ["one", "one", "two"] {
        assert!(received(&alice, segment).await);
    }
    let expected = json!({ "content": format!("stream.received {}", alice.did) });
    for _ in 0..2 {
        let arrival = receiver.next().await;
        assert_eq!(content(&arrival), expected);
        let unsigned = arrival.headers.get("webhook-signature").is_none();
        assert!(unsigned, "Discord has no use for it");
    }
    assert!(!received(&bob, "one").await);
    let of_alice = json!({ "streamer": alice.did.as_str(), "segment": "three" });
    let message = "The caller is neither the streamer nor a node that this server trusts.";
    let answer = bob.procedure(RECEIVED, &of_alice).await;
    answer.fails(403, "NotAllowed", message);
    receiver.has_no_more();
}

#[tokio::test]
async fn a_node_of_the_settings_tells_of_others() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = TestServer::start_in(folder, |_| {}).await;
    let (port, node) = (server.port(), server.account("node").did);
    let folder = server.stop().await;
    let server = TestServer::start_in(folder, |config| {
        config.bind.set_port(port);
        config.stream_nodes = [node].into();
    })
    .await;
    let (alice, node) = (server.account("alice"), server.account("node"));
    let mut receiver = Receiver::start();
    webhook(&alice, &receiver.url).await;
    let input = json!({ "streamer": alice.did.as_str(), "segment": "one", "title": "Live!" });
    node.procedure(RECEIVED, &input)
        .await
        .is(200, json!({ "wanted": true }));
    let expected = json!({ "content": format!("stream.received {}", alice.did) });
    assert_eq!(content(&receiver.next().await), expected);
}

#[tokio::test]
async fn receiver_answering_500_raises_error_count_and_204_clears_it() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let mut receiver = Receiver::answering(&[500, 500]);
    let id = webhook(&alice, &receiver.url).await;
    received(&alice, "one").await;
    let mut first = None;
    for count in 1..=2 {
        let arrival = receiver.next().await;
        let body = arrival.body.clone();
        assert_eq!(
            *first.get_or_insert(body.clone()),
            body,
            "a retry says the same"
        );
        let failed = until(&alice, &id, |webhook| webhook["errorCount"] == count).await;
        assert_eq!(failed.get("lastTriggered"), None);
    }
    receiver.next().await;
    let well = until(&alice, &id, |webhook| {
        webhook.get("lastTriggered").is_some()
    })
    .await;
    assert_eq!(well.get("errorCount"), None);
    assert_eq!(well["active"], true);
}

#[tokio::test]
async fn any_2xx_is_success_and_failed_posts_are_retried() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let mut receiver = Receiver::answering(&[200, 202]);
    let id = webhook(&alice, &receiver.url).await;
    for segment in ["one", "two"] {
        received(&alice, segment).await;
        receiver.next().await;
        until(&alice, &id, |webhook| {
            webhook.get("lastTriggered").is_some()
        })
        .await;
    }
    let found = until(&alice, &id, |_| true).await;
    assert_eq!(found.get("errorCount"), None);
    receiver.has_no_more();
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_told_again_when_its_webhook_is_changed() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let mut receiver = Receiver::answering(&[410]);
    let id = webhook(&alice, &receiver.url).await;
    received(&alice, "one").await;
    receiver.next().await;
    let gone = loop {
        let endpoint = shown(&alice, &id).await;
        if endpoint["state"]["status"] == "disabled" {
            break endpoint;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(
        (&gone["state"]["reason"], &gone["managed"]),
        (&json!("gone"), &json!(false))
    );
    let still = until(&alice, &id, |_| true).await;
    assert_eq!(still["active"], true, "which is the owner's word");
    // What it misses is on record.
    received(&alice, "two").await;
    let missed = loop {
        let listed = alice.query(DELIVERIES, &[("endpoint", &id)]).await.output();
        if listed["deliveries"]
            .as_array()
            .is_some_and(|all| all.len() == 2)
        {
            break listed["deliveries"][0].clone();
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(
        (&missed["state"], &missed["reason"]),
        (&json!("cancelled"), &json!("disabled"))
    );
    let change = json!({ "id": id, "name": "again" });
    alice.procedure(UPDATE, &change).await.output();
    received(&alice, "three").await;
    receiver.next().await;
    receiver.has_no_more();
}

#[tokio::test]
async fn a_webhook_that_is_changed_off_or_deleted_hears_nothing_of_before() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    // Nobody listens there yet, so that what is sent waits.
    let closed = Closed::new();
    let id = webhook(&alice, &closed.url).await;
    received(&alice, "one").await;
    until(&alice, &id, |webhook| webhook["errorCount"] == 1).await;
    let mut other = Receiver::start();
    let change = json!({ "id": id, "url": other.url });
    let changed = alice.procedure(UPDATE, &change).await.output();
    assert_eq!(changed["webhook"].get("errorCount"), None);
    received(&alice, "two").await;
    other.next().await;

    let off = json!({ "id": id, "active": false });
    alice.procedure(UPDATE, &off).await.output();
    assert!(!received(&alice, "three").await);
    let gone = json!({ "id": id });
    alice
        .procedure(DELETE, &gone)
        .await
        .is(200, json!({ "success": true }));
    assert!(!received(&alice, "four").await);
    let answer = alice.query("dev.loggia.endpoint.get", &[("id", &id)]).await;
    answer.fails(404, "NotFound", "The caller has no endpoint with this id.");
    closed.open(&[]).has_no_more();
    other.has_no_more();
}

#[tokio::test]
async fn a_form_is_chosen_by_the_owner_and_signed_for_who_asks() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let mut receiver = Receiver::start();
    let id = webhook(&alice, &receiver.url).await;
    let form = |format: &str, by_host: bool, signed: bool| json!({ "webhook": id, "format": format, "byHost": by_host, "signed": signed });
    let params = [("webhook", id.as_str())];
    let answer = alice.query(GET_FORM, &params).await;
    answer.is(200, json!({ "form": form("discord", true, false) }));

    let input = json!({ "webhook": id, "format": "json", "signed": true });
    let set = alice.procedure(SET_FORM, &input).await.output();
    assert_eq!(set["form"], form("json", false, true));
    let secret = set["secret"].as_str().expect("a secret");
    let answer = alice.query(GET_FORM, &params).await;
    answer.is(200, json!({ "form": form("json", false, true) }));
    let told = json!({ "segment": "one", "title": "Live!" });
    alice.procedure(RECEIVED, &told).await.output();
    let facts = receiver.next().await.verified(secret);
    let expected = json!({
        "event": "stream.received",
        "subject": format!("{}::one", alice.did),
        "at": facts["at"],
        "webhook": id,
        "streamer": alice.did.as_str(),
        "actor": { "did": alice.did.as_str() },
        "title": "Live!",
    });
    assert_eq!(facts, expected);

    let input = json!({ "webhook": id, "format": "host", "signed": false });
    let answer = alice.procedure(SET_FORM, &input).await;
    answer.is(200, json!({ "form": form("discord", true, false) }));
    let (status, error, message) = NOT_FOUND;
    for id in [id.as_str(), "no id"] {
        let input = json!({ "webhook": id, "format": "json" });
        let answer = bob.procedure(SET_FORM, &input).await;
        answer.fails(status, error, message);
        let answer = bob.query(GET_FORM, &[("webhook", id)]).await;
        answer.fails(status, error, message);
    }
    let nothing = alice.procedure(SET_FORM, &json!({ "webhook": id })).await;
    let message = "nothing to change: give `format` or `signed`";
    nothing.fails(400, "InvalidRequest", message);
}
