//! What a service that speaks the older system's shape can rely on, line by line.
//!
//! Beside these: each method that writes gives one notification for each changed record
//! (`space_host/telling.rs`), and a registration for one author or for everybody (`protocol.rs`).

use std::time::{Duration, Instant};

use loggia_delivery::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::support::notices::{CID, DELETED, REGISTER, WRITE, post, registration, space_id_of};
use crate::support::rows::Database;
use crate::support::spaces::{DELETE_SPACE, let_in, open_forum, write_post};
use crate::support::{Account, Closed, Receiver, TestServer};

/// Registers a webhook; its secret.
async fn hook(by: &Account<'_>, space: &str, url: &str) -> String {
    let output = by
        .procedure(REGISTER, &registration(space, url))
        .await
        .output();
    output["secret"].as_str().expect("a secret").to_owned()
}

#[tokio::test]
async fn feature_off_is_404_on_all_three() {
    let server = TestServer::start_with(|config| config.spaces = false).await;
    let alice = server.account("alice");
    let space = format!("at://{}/space/com.example.forum/main", alice.did);
    let end = json!({ "space": space });
    for (nsid, input) in [
        (REGISTER, registration(&space, "https://feed.example.com/")),
        (WRITE, post(&space, &alice)),
        (DELETED, end),
    ] {
        let message = "there are no spaces on this server";
        let answer = alice.procedure(nsid, &input).await;
        answer.fails(404, "FeatureDisabled", message);
        let answer = server.procedure(nsid, None, &input).await;
        answer.fails(404, "FeatureDisabled", message);
    }
    let described = server.get("/xrpc/dev.loggia.server.describeServer").await;
    assert_eq!(described.status, 200);
}

#[tokio::test]
async fn register_notify_is_for_those_who_may_read_and_knows_both_spellings() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let space = open_forum(&alice).await;
    let mut receiver = Receiver::start();
    let old = format!("ats://{}/com.example.forum/main", alice.did);
    let input = registration(&old, &receiver.url);

    let answer = server.procedure(REGISTER, None, &input).await;
    answer.fails(401, "AuthMissing", "authentication is required");
    let message = "the space does not let you read it";
    bob.procedure(REGISTER, &input)
        .await
        .fails(403, "Forbidden", message);
    let_in(&alice, &space, &bob.did, (true, false)).await;
    let first = bob.procedure(REGISTER, &input).await.output();
    let secret = first["secret"].as_str().expect("a secret");

    // What was registered in the older spelling is told in it, under the same id.
    let made = write_post(&alice, &space, "a", "one").await;
    let told = receiver.next().await.verified(secret);
    let expected = json!({
        "space": space_id_of(&space),
        "spaceUri": old,
        "did": alice.did,
        "collection": "com.example.forum.post",
        "rkey": "a",
        "cid": made["cid"],
    });
    assert_eq!(told, expected);
    // The other spelling is the same space, and the same registration.
    let again = registration(&space, &receiver.url);
    let again = bob.procedure(REGISTER, &again).await.output();
    assert_eq!(again["id"], first["id"]);
    write_post(&alice, &space, "b", "two").await;
    assert_eq!(
        receiver.next().await.verified(secret)["spaceUri"],
        json!(space)
    );

    for malformed in [
        "at://did:web:x.example/com.example.forum/main",
        "ats://",
        "forum",
    ] {
        let answer = bob
            .procedure(REGISTER, &registration(malformed, &receiver.url))
            .await;
        assert_eq!(
            (answer.status, &answer.body["error"]),
            (400, &json!("InvalidRequest"))
        );
    }
    let unknown = registration(&format!("{space}2"), &receiver.url);
    let message = "This host knows no such space.";
    bob.procedure(REGISTER, &unknown)
        .await
        .fails(404, "SpaceNotFound", message);
}

#[tokio::test]
async fn notify_write_is_for_the_author_the_authority_and_admins() {
    let admin = "admin";
    let folder = tempfile::tempdir().expect("a folder");
    let first = TestServer::start_in(folder, |_| {}).await;
    let (port, did) = (first.port(), first.account(admin).did.clone());
    let folder = first.stop().await;
    let server = TestServer::start_in(folder, |config| {
        config.bind.set_port(port);
        config.space_admins = [did].into();
    });
    let server = server.await;
    let (alice, bob, carol) = (
        server.account("alice"),
        server.account("bob"),
        server.account("carol"),
    );
    let space = open_forum(&alice).await;
    let_in(&alice, &space, &carol.did, (true, true)).await;
    // A plain member, who reads.
    let_in(&alice, &space, &bob.did, (true, false)).await;
    let mut receiver = Receiver::start();
    let secret = hook(&alice, &space, &receiver.url).await;
    let input = post(&space, &bob);
    let answer = server.procedure(WRITE, None, &input).await;
    answer.fails(401, "AuthMissing", "authentication is required");
    let message = "only the author or the authority of the space may tell of a write";
    carol
        .procedure(WRITE, &input)
        .await
        .fails(403, "Forbidden", message);
    // An author's word counts where their writes do.
    let message = "writer is not authorized";
    bob.procedure(WRITE, &input)
        .await
        .fails(403, "Forbidden", message);
    let answer = carol.procedure(WRITE, &post(&space, &carol)).await;
    answer.is(200, json!({ "success": true }));
    let told = receiver.next().await.verified(&secret);
    assert_eq!(told["did"], json!(carol.did));
    for by in [&alice, &server.account(admin)] {
        let answer = by.procedure(WRITE, &input).await;
        answer.is(200, json!({ "success": true }));
        assert_eq!(receiver.next().await.verified(&secret)["cid"], json!(CID));
    }
    let mut gone = input;
    gone.as_object_mut().expect("an object").remove("cid");
    alice.procedure(WRITE, &gone).await.output();
    let told = receiver.next().await.verified(&secret);
    assert_eq!(told.get("cid"), Some(&Value::Null));
    receiver.has_no_more();
}

#[tokio::test]
async fn the_end_reaches_every_live_registration_before_they_go() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let space = open_forum(&alice).await;
    let_in(&alice, &space, &bob.did, (true, true)).await;
    let (mut all, mut bobs) = (Receiver::start(), Receiver::start());
    let secret = hook(&alice, &space, &all.url).await;
    let mut of_bob = registration(&space, &bobs.url);
    of_bob["author"] = json!(bob.did);
    let registered = alice.procedure(REGISTER, &of_bob).await.output();
    let bobs_secret = registered["secret"].as_str().expect("a secret").to_owned();
    let end = json!({ "space": space });
    assert_eq!(alice.procedure(DELETE_SPACE, &end).await.status, 200);
    let expected = json!({ "space": space_id_of(&space), "spaceUri": space });
    assert_eq!(all.next().await.verified(&secret), expected);
    assert_eq!(bobs.next().await.verified(&bobs_secret), expected);
    let mut rows = Database::sqlite(&server.data()).await;
    assert_eq!(rows.number("SELECT count(*) FROM registration").await, 0);
}

#[tokio::test]
async fn an_unreachable_receiver_keeps_neither_caller_nor_others_waiting() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let space = open_forum(&alice).await;
    let (closed, mut receiver) = (Closed::new(), Receiver::start());
    hook(&alice, &space, &closed.url).await;
    let secret = hook(&alice, &space, &receiver.url).await;
    let began = Instant::now();
    write_post(&alice, &space, "a", "one").await;
    assert!(began.elapsed() < Duration::from_secs(5));
    receiver.next().await.verified(&secret);
}

#[tokio::test]
async fn after_24_hours_there_is_silence_unless_it_is_renewed() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let space = open_forum(&alice).await;
    let mut receiver = Receiver::start();
    let secret = hook(&alice, &space, &receiver.url).await;
    let input = registration(&space, &receiver.url);
    let before = alice.procedure(REGISTER, &input).await.output();
    // The day passes.
    let now = SystemClock.now().as_millisecond();
    let mut rows = Database::sqlite(&server.data()).await;
    let expire = format!("UPDATE registration SET expires_at = {now}");
    assert_eq!(
        rows.change(&expire).await,
        1,
        "the same wish is one registration"
    );
    write_post(&alice, &space, "a", "one").await;
    // Renewed under its id, it hears of what comes next.
    let renewed = alice.procedure(REGISTER, &input).await.output();
    assert!(renewed["expiresAt"].as_str() >= before["expiresAt"].as_str());
    write_post(&alice, &space, "b", "two").await;
    assert_eq!(receiver.next().await.verified(&secret)["rkey"], json!("b"));
    receiver.has_no_more();
}

#[tokio::test]
async fn only_the_service_itself_registers_where_consent_is_asked_for() {
    use loggia_server::space_hub::Consent;
    let server = TestServer::start_with(|config| config.registration_consent = Consent::Service);
    let server = server.await;
    let alice = server.account("alice");
    let space = open_forum(&alice).await;
    let message = "nothing shows that the service wants to be told";
    let victim = registration(&space, "https://victim.example.com/");
    alice
        .procedure(REGISTER, &victim)
        .await
        .fails(400, "NotConsented", message);
    // The host of its DID speaks for a service, and so does its own name.
    let at_host = registration(&space, "https://feed.example.com/webhooks/space-writes");
    alice.procedure(REGISTER, &at_host).await.output();
    let mut own = victim;
    own["serviceDid"] = json!(alice.did);
    alice.procedure(REGISTER, &own).await.output();
}
