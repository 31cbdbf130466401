//! Streamplace from end to end: accounts of the reference PDS write, the server consumes that PDS's own
//! stream, and receivers get what Discord would.

use axum::extract::Query;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::deliveries::LIST as DELIVERIES;
use crate::support::pds::PdsAccount;
use crate::support::webhook_world::WebhookWorld;
use crate::support::{Arrival, Receiver, TestServer};
use crate::webhooks::{CREATE, GET};

const MESSAGE: &str = "place.stream.chat.message";
const LIVESTREAM: &str = "place.stream.livestream";
const FOLLOW: &str = "app.bsky.graph.follow";
const POST: &str = "app.bsky.feed.post";
const AT: &str = "2026-01-15T10:30:00.000Z";
const AVATAR: &str = "https://cdn.example/avatar.jpg";

/// A profile service: everybody has the same picture, and handles that hold nowhere.
async fn profiles() -> String {
    let answer = async |Query(query): Query<Vec<(String, String)>>| {
        let [(_, actor)] = &query[..] else {
            panic!("one actor: {query:?}");
        };
        Json(json!({ "did": actor, "handle": "handle.invalid", "avatar": AVATAR }))
    };
    let routes = Router::new().route("/xrpc/app.bsky.actor.getProfile", get(answer));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    format!("http://127.0.0.1:{port}")
}

/// A server that consumes the stream of the PDS.
async fn server(world: &WebhookWorld) -> TestServer {
    let folder = tempfile::tempdir().expect("a temporary folder");
    server_in(world, folder).await
}

async fn server_in(world: &WebhookWorld, folder: tempfile::TempDir) -> TestServer {
    let profiles = profiles().await.parse().expect("a URL");
    let handles = world.servers.pds.parse().expect("a URL");
    let change = |config: &mut loggia_server::config::Config| {
        config.profile_service = profiles;
        config.handle_service = Some(handles);
    };
    world.server_in(folder, change).await
}

/// Makes a webhook of the account; its id.
async fn hook(server: &TestServer, owner: &PdsAccount, url: &str, fields: Value) -> String {
    let mut input = json!({ "url": url, "active": true });
    for (name, value) in fields.as_object().expect("an object") {
        input[name] = value.clone();
    }
    let token = owner.service_auth(&server.did, CREATE).await;
    let made = server
        .procedure(CREATE, Some(&token), &input)
        .await
        .output();
    made["webhook"]["id"].as_str().expect("an id").to_owned()
}

/// Calls a query of the server as the account.
async fn ask(
    server: &TestServer,
    owner: &PdsAccount,
    nsid: &str,
    params: &[(&str, &str)],
) -> Value {
    let token = owner.service_auth(&server.did, nsid).await;
    let request = server.call(nsid, params, None).bearer_auth(token);
    server.send(request).await.output()
}

fn message(streamer: &PdsAccount, text: &str) -> Value {
    json!({ "$type": MESSAGE, "text": text, "createdAt": AT, "streamer": streamer.did })
}

fn naming(mut record: Value, account: &PdsAccount) -> Value {
    record["facets"] = json!([{
        "index": { "byteStart": 0, "byteEnd": 1 },
        "features": [{ "$type": "app.bsky.richtext.facet#mention", "did": account.did }],
    }]);
    record
}

#[track_caller]
fn is(arrival: &Arrival, expected: &Value) {
    assert_eq!(arrival.method, "POST");
    assert_eq!(arrival.header("content-type"), "application/json");
    let body: Value = serde_json::from_slice(&arrival.body).expect("JSON");
    assert_eq!(&body, expected);
}

fn said(who: &str, content: &str) -> Value {
    json!({ "username": format!("@{who}.test"), "avatar_url": AVATAR, "content": content })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_record_makes_exactly_one_post_to_each_active_webhook_with_event_chat() {
    let world = WebhookWorld::start();
    let server = server(&world).await;
    let alice = world.account("alice").await;
    let natalie = world.account("natalie").await;
    let [mut plain, mut framed, mut off, mut other] = [(); 4].map(|()| Receiver::start());
    hook(
        &server,
        &alice,
        &plain.url,
        json!({ "events": ["chat", "follow"] }),
    )
    .await;
    let fields = json!({
        "events": ["chat"],
        "streamplaceFormat": true,
        "prefix": "p ",
        "suffix": " s",
        "rewrite": [{ "from": "foo", "to": "bar" }],
    });
    hook(&server, &alice, &framed.url, fields).await;
    let fields = json!({ "events": ["chat"], "active": false });
    hook(&server, &alice, &off.url, fields).await;
    hook(
        &server,
        &alice,
        &other.url,
        json!({ "events": ["livestream"] }),
    )
    .await;

    let text = "foo hi @everyone and @here and <@1234>";
    let written = natalie.create(MESSAGE, &message(&alice, text)).await;
    let safe = "hi @\u{200b}everyone and @\u{200b}here and <@\u{200b}1234>";
    is(
        &plain.next().await,
        &said("natalie", &format!("foo {safe}")),
    );
    let expected = json!({
        "username": "[Streamplace]",
        "content": format!("**@natalie.test**: p bar {safe} s"),
    });
    is(&framed.next().await, &expected);

    // Mending or removing a message says nothing anew, and other chats are other people's.
    let mended = natalie.put(&written, &message(&alice, "hello")).await;
    natalie.delete(&mended).await;
    natalie
        .create(MESSAGE, &message(&natalie, "to myself"))
        .await;
    natalie.create(MESSAGE, &message(&alice, "bye")).await;
    is(&plain.next().await, &said("natalie", "bye"));
    framed.next().await;
    for receiver in [&mut plain, &mut framed, &mut off, &mut other] {
        receiver.has_no_more();
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn livestream_post_has_one_embed_and_honours_the_notification_settings() {
    let world = WebhookWorld::start();
    let server = server(&world).await;
    let alice = world.account("alice").await;
    let mut receiver = Receiver::start();
    hook(
        &server,
        &alice,
        &receiver.url,
        json!({ "events": ["livestream"] }),
    )
    .await;
    let color = json!({
        "repo": alice.did,
        "collection": "place.stream.chat.profile",
        "rkey": "self",
        "validate": false,
        "record": {
            "$type": "place.stream.chat.profile",
            "color": { "red": 1, "green": 2, "blue": 3 },
        },
    });
    alice.call("com.atproto.repo.putRecord", color).await;
    let live = |title: &str, push: Value| {
        json!({
            "$type": LIVESTREAM,
            "title": title,
            "createdAt": AT,
            "url": "https://stream.place",
            "notificationSettings": { "pushNotification": push },
        })
    };
    alice.create(LIVESTREAM, &live("Quiet", json!(false))).await;
    alice.create(LIVESTREAM, &live("Loud", json!(true))).await;
    let mut expected = said("alice", "🔴 LIVE Loud");
    expected["embeds"] = json!([{
        "title": "@alice.test is LIVE on stream.place!",
        "url": "https://stream.place/",
        "color": 0x0001_0203,
    }]);
    is(&receiver.next().await, &expected);
    receiver.has_no_more();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn follow_and_mention_really_fire() {
    let world = WebhookWorld::start();
    let server = server(&world).await;
    let alice = world.account("alice").await;
    let natalie = world.account("natalie").await;
    let mut receiver = Receiver::start();
    let fields = json!({ "events": ["follow", "mention"] });
    hook(&server, &alice, &receiver.url, fields).await;
    let follow =
        |subject: &PdsAccount| json!({ "$type": FOLLOW, "subject": subject.did, "createdAt": AT });
    alice.create(FOLLOW, &follow(&natalie)).await;
    natalie.create(FOLLOW, &follow(&alice)).await;
    is(
        &receiver.next().await,
        &said("natalie", "started following you"),
    );

    let post = |text: &str| json!({ "$type": POST, "text": text, "createdAt": AT });
    let own = alice.create(POST, &naming(post("me"), &alice)).await;
    natalie.create(POST, &post("nobody")).await;
    let written = natalie.create(POST, &naming(post("@alice"), &alice)).await;
    let rkey = written.uri.rsplit('/').next().expect("a key");
    let mut expected = said("natalie", "@alice");
    expected["embeds"] = json!([{
        "title": "@natalie.test mentioned you in a post",
        "url": format!("https://bsky.app/profile/{}/post/{rkey}", natalie.did),
        "color": 16_300_746,
    }]);
    is(&receiver.next().await, &expected);
    // An answer names by its address.
    let mut answer = post("yes");
    let link = json!({ "uri": own.uri, "cid": own.cid });
    answer["reply"] = json!({ "root": link, "parent": link });
    natalie.create(POST, &answer).await;
    let body: Value = serde_json::from_slice(&receiver.next().await.body).expect("JSON");
    assert_eq!(body["content"], "yes");
    let chat = naming(message(&natalie, "@alice look"), &alice);
    natalie.create(MESSAGE, &chat).await;
    let body: Value = serde_json::from_slice(&receiver.next().await.body).expect("JSON");
    assert_eq!(
        body["embeds"][0]["title"],
        "@natalie.test mentioned you in a chat"
    );
    receiver.has_no_more();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mute_words_suppress_case_insensitively_and_only_that_webhook_and_move_no_counter() {
    let world = WebhookWorld::start();
    let server = server(&world).await;
    let alice = world.account("alice").await;
    let natalie = world.account("natalie").await;
    let [mut muting, mut hearing] = [(); 2].map(|()| Receiver::start());
    let fields = json!({ "events": ["chat"], "muteWords": ["SPAM"] });
    let id = hook(&server, &alice, &muting.url, fields).await;
    hook(&server, &alice, &hearing.url, json!({ "events": ["chat"] })).await;
    natalie
        .create(MESSAGE, &message(&alice, "buy spam now"))
        .await;
    is(&hearing.next().await, &said("natalie", "buy spam now"));
    let listed = ask(&server, &alice, DELIVERIES, &[("endpoint", &id)]).await;
    let muted = &listed["deliveries"][0];
    assert_eq!(
        (&muted["state"], &muted["reason"]),
        (&json!("cancelled"), &json!("muted"))
    );
    let found = ask(&server, &alice, GET, &[("id", &id)]).await;
    assert_eq!(found["webhook"].get("lastTriggered"), None);
    assert_eq!(found["webhook"].get("errorCount"), None);
    natalie.create(MESSAGE, &message(&alice, "hello")).await;
    is(&muting.next().await, &said("natalie", "hello"));
    hearing.next().await;
    muting.has_no_more();
    hearing.has_no_more();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_while_the_server_is_away_is_told_once_when_it_is_back() {
    let world = WebhookWorld::start();
    let away = server(&world).await;
    let alice = world.account("alice").await;
    let natalie = world.account("natalie").await;
    let mut receiver = Receiver::start();
    hook(&away, &alice, &receiver.url, json!({ "events": ["chat"] })).await;
    natalie.create(MESSAGE, &message(&alice, "one")).await;
    is(&receiver.next().await, &said("natalie", "one"));
    let folder = away.stop().await;
    natalie.create(MESSAGE, &message(&alice, "two")).await;
    let back = server_in(&world, folder).await;
    is(&receiver.next().await, &said("natalie", "two"));
    natalie.create(MESSAGE, &message(&alice, "three")).await;
    is(&receiver.next().await, &said("natalie", "three"));
    receiver.has_no_more();
    back.stop().await;
}
