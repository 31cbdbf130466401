//! Registrations that end while something is on its way.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use loggia_delivery::{Clock, SystemClock};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};

use crate::support::notices::registration;
use crate::support::spaces::{
    REGISTER, REMOVE_MEMBER, REVOKED, SpaceReader, UNREGISTER, let_in, open_forum, write_post,
};
use crate::support::{Receiver, TestServer};

/// Takes what is posted to it, and answers when it is let.
struct Slow {
    url: String,
    arrived: mpsc::UnboundedReceiver<Bytes>,
    answers: Arc<Semaphore>,
}

type Shared = (mpsc::UnboundedSender<Bytes>, Arc<Semaphore>);

impl Slow {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (sender, arrived) = mpsc::unbounded_channel();
        let answers = Arc::new(Semaphore::new(0));
        let shared = (sender, Arc::clone(&answers));
        let router = Router::new().fallback(take).with_state(shared);
        tokio::spawn(async { axum::serve(listener, router).await.expect("it serves") });
        Self {
            url: format!("http://127.0.0.1:{port}/hook"),
            arrived,
            answers,
        }
    }
}

async fn take(State((sender, answers)): State<Shared>, body: Bytes) -> StatusCode {
    // The test may have ended, which is no concern of the sender's.
    sender.send(body).unwrap_or_default();
    let answer = answers.acquire().await.expect("it is never closed");
    answer.forget();
    StatusCode::NO_CONTENT
}

/// Posts, of which most wait while a few are on their way.
const POSTS: usize = 120;

#[tokio::test]
async fn what_waits_for_a_slow_receiver_ends_with_its_credential() {
    let (server, elsewhere) = (TestServer::start().await, TestServer::start().await);
    let (alice, bob) = (elsewhere.account("alice"), server.account("bob"));
    let space = open_forum(&alice).await;
    let mut slow = Slow::start().await;
    let reader = SpaceReader::of(&elsewhere, &alice, &space).await;
    let input = registration(&space, &slow.url);
    reader.procedure(&server, REGISTER, &input).await.output();
    for number in 0..POSTS {
        write_post(&bob, &space, &format!("a{number}"), "one").await;
    }
    slow.arrived.recv().await.expect("it serves");

    let claims = reader.credential.split('.').nth(1).expect("three parts");
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).expect("base64url");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    let revocation = json!({ "space": space, "credentials": [claims["jti"]] });
    let token = alice.token_for(bob.did.as_str(), REVOKED, SystemClock.now());
    let done = server.procedure(REVOKED, Some(&token), &revocation).await;
    assert_eq!(done.status, 200, "{done:#?}");

    // What was on its way is answered; whoever is told after it is told at once.
    let mut under_way = 1;
    while slow.arrived.try_recv().is_ok() {
        under_way += 1;
    }
    assert!(under_way < POSTS, "some wait");
    slow.answers.add_permits(POSTS);
    let mut receiver = Receiver::start();
    let token = alice.token_for(&server.did, REGISTER, SystemClock.now());
    let input = registration(&space, &receiver.url);
    let output = server.procedure(REGISTER, Some(&token), &input).await;
    let secret = output.output()["secret"].as_str().expect("one").to_owned();
    write_post(&bob, &space, "last", "two").await;
    let told = receiver.next().await.verified(&secret);
    assert_eq!(told["rkey"], "last");
    assert!(slow.arrived.try_recv().is_err(), "nothing more arrives");
}

/// Of two readers who register the same place neither ends what the other has.
#[tokio::test]
async fn a_reader_neither_takes_over_nor_ends_what_another_has_registered() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let (bob, mallory) = (server.account("bob"), server.account("mallory"));
    let space = open_forum(&alice).await;
    for member in [&bob, &mallory] {
        let_in(&alice, &space, &member.did, (true, false)).await;
    }
    let mut receiver = Receiver::start();
    let input = registration(&space, &receiver.url);
    let registered = bob.procedure(REGISTER, &input).await.output();
    let secret = registered["secret"].as_str().expect("a secret");
    let others = mallory.procedure(REGISTER, &input).await.output();
    assert_ne!(others["id"], registered["id"]);
    assert_ne!(others["secret"], registered["secret"]);
    let service = json!({ "space": space, "service": input["serviceDid"] });
    let ended = mallory.procedure(UNREGISTER, &service).await;
    assert_eq!(ended.status, 200, "{ended:#?}");
    write_post(&alice, &space, "a", "one").await;
    let told = receiver.next().await.verified(secret);
    assert_eq!(told["rkey"], "a");
    let again = bob.procedure(REGISTER, &input).await.output();
    assert_eq!(again["id"], registered["id"]);
    receiver.has_no_more();
}

/// As many readers as there are may register one URL, which is told once of each event.
#[tokio::test]
async fn a_url_that_several_have_registered_is_told_once_while_one_of_them_may_read() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let readers = [server.account("bob"), server.account("carol")];
    let space = open_forum(&alice).await;
    let mut receiver = Receiver::start();
    let input = registration(&space, &receiver.url);
    let older = format!("ats://{}/com.example.forum/main", alice.did);
    let mut secrets = Vec::new();
    for (reader, name) in readers.iter().zip([&space, &older]) {
        let_in(&alice, &space, &reader.did, (true, false)).await;
        let input = registration(name, &receiver.url);
        let made = reader.procedure(REGISTER, &input).await.output();
        secrets.push(made["secret"].as_str().expect("a secret").to_owned());
    }
    write_post(&alice, &space, "a", "one").await;
    let told = receiver.next().await;
    for secret in &secrets {
        assert_eq!(
            told.verified(secret)["rkey"],
            "a",
            "each verifies with their own"
        );
    }
    // Of those who may read still, the next is told.
    let gone = json!({ "space": space, "did": readers[0].did });
    assert_eq!(alice.procedure(REMOVE_MEMBER, &gone).await.status, 200);
    write_post(&alice, &space, "b", "two").await;
    assert_eq!(receiver.next().await.verified(&secrets[1])["rkey"], "b");
    // Who speaks for the space comes before all others.
    let made = alice.procedure(REGISTER, &input).await.output();
    let secret = made["secret"].as_str().expect("a secret");
    write_post(&alice, &space, "c", "three").await;
    let told = receiver.next().await;
    assert_eq!(told.verified(secret)["rkey"], "c");
    assert_eq!(told.verified(&secrets[1])["rkey"], "c");
    let codes = told.header("webhook-signature").split(' ').count();
    assert_eq!(codes, 2, "who may read no longer signs no more");
    receiver.has_no_more();
}

/// However many readers name a URL for one author alone, which is who is told of that author.
#[tokio::test]
async fn the_secret_of_the_authority_signs_whoever_else_has_registered_the_url() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let space = open_forum(&alice).await;
    let mut receiver = Receiver::start();
    let mut input = registration(&space, &receiver.url);
    let made = alice.procedure(REGISTER, &input).await.output();
    let secret = made["secret"].as_str().expect("a secret");
    input["author"] = json!(alice.did);
    let mut first = None;
    for number in 0..16 {
        let reader = server.account(&format!("reader{number}"));
        let_in(&alice, &space, &reader.did, (true, false)).await;
        let made = reader.procedure(REGISTER, &input).await.output();
        let secret = made["secret"].as_str().expect("a secret").to_owned();
        first.get_or_insert(secret);
    }
    write_post(&alice, &space, "a", "one").await;
    let told = receiver.next().await;
    assert_eq!(told.verified(secret)["rkey"], "a");
    let first = first.expect("a reader's secret");
    assert_eq!(told.verified(&first)["rkey"], "a", "who is told signs too");
    let codes = told.header("webhook-signature").split(' ').count();
    assert_eq!(codes, 15);
    receiver.has_no_more();
}
