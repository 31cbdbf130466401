//! What a server tells others of its own accounts: news to the hosts of spaces, revocations to the hosts
//! of authors.

use std::sync::atomic::Ordering;
use std::time::Duration;

use loggia_auth::SigningKey;
use serde_json::{Value, json};

use crate::space_copies::scene::until;
use crate::support::notices::registration;
use crate::support::rows::Database;
use crate::support::silent::Silent;
use crate::support::spaces::{
    COMMIT, NOTIFY, REGISTER, REMOVE_MEMBER, REVOKED, SpaceReader, delegation, exchange, let_in,
    open_forum, write_post,
};
use crate::support::{Account, Receiver, Syncer, TestServer};

/// Longer than the longest pause before the third attempt.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a space's list says of an author, once that is their newest revision.
async fn listed(
    server: &TestServer,
    reader: &SpaceReader,
    space: &str,
    author: &Account<'_>,
) -> Value {
    let params = [("space", space), ("repo", author.did.as_str())];
    let commit = author.query(COMMIT, &params).await.output();
    let newest = &commit["commit"]["rev"];
    let waiting = async {
        loop {
            let repos = reader.repos(server, space, None).await;
            let repos = repos["repos"].as_array().cloned().expect("a list");
            let found = repos.into_iter().find(|one| one["repoRev"] == *newest);
            if let Some(found) = found {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("the host hears of it");
    assert_eq!(found["hash"], commit["commit"]["hash"]);
    assert_eq!(found["did"], json!(author.did));
    found
}

#[tokio::test]
async fn the_host_of_a_space_hears_of_writes_at_another_host() {
    let (host, elsewhere) = (TestServer::start().await, TestServer::start().await);
    let (alice, bob) = (host.account("alice"), elsewhere.account("bob"));
    let space = open_forum(&alice).await;
    let_in(&alice, &space, &bob.did, (true, true)).await;
    let reader = SpaceReader::of(&host, &alice, &space).await;
    let mut syncer = Syncer::start().await;
    let name = syncer.service.clone();
    let input = json!({ "space": space, "service": name });
    alice.procedure(REGISTER, &input).await.output();

    write_post(&bob, &space, "a", "one").await;
    let first = listed(&host, &reader, &space, &bob).await;
    assert_eq!(
        syncer.told(NOTIFY, &alice, &name).await["spaceRev"],
        first["spaceRev"]
    );
    write_post(&bob, &space, "b", "two").await;
    let second = listed(&host, &reader, &space, &bob).await;
    assert!(second["spaceRev"].as_str() > first["spaceRev"].as_str());
    assert_eq!(
        syncer.told(NOTIFY, &alice, &name).await["prevSpaceRev"],
        first["spaceRev"]
    );
}

#[tokio::test]
async fn a_host_that_was_away_hears_the_newest_state_after_a_restart_of_the_writers() {
    let host = TestServer::start().await;
    let elsewhere = TestServer::start().await;
    let alice = host.account("alice");
    let space = open_forum(&alice).await;
    let bob = elsewhere.account("bob");
    let_in(&alice, &space, &bob.did, (true, true)).await;
    let (at, port) = (elsewhere.port(), host.port());
    let folder = host.stop().await;
    for (rkey, text) in [("a", "one"), ("b", "two"), ("c", "three")] {
        write_post(&bob, &space, rkey, text).await;
    }
    let writers = elsewhere.stop().await;
    let elsewhere = TestServer::start_in(writers, |config| config.bind.set_port(at)).await;
    let host = TestServer::start_in(folder, |config| config.bind.set_port(port)).await;
    let (alice, bob) = (host.account("alice"), elsewhere.account("bob"));
    let reader = SpaceReader::of(&host, &alice, &space).await;
    let found = listed(&host, &reader, &space, &bob).await;
    // One place in the sequence: what came before the newest was never told.
    let repos = reader.repos(&host, &space, None).await;
    assert_eq!(
        repos,
        json!({ "repos": [found], "cursor": found["spaceRev"] })
    );
}

#[tokio::test]
async fn the_hosts_of_authors_refuse_what_a_removed_member_held() {
    let (host, elsewhere) = (TestServer::start().await, TestServer::start().await);
    let (alice, bob, carol) = (
        host.account("alice"),
        elsewhere.account("bob"),
        host.account("carol"),
    );
    let space = open_forum(&alice).await;
    for member in [&bob, &carol] {
        let_in(&alice, &space, &member.did, (true, true)).await;
    }
    write_post(&bob, &space, "a", "one").await;
    let owner = SpaceReader::of(&host, &alice, &space).await;
    listed(&host, &owner, &space, &bob).await;

    let reader = SpaceReader::of(&host, &carol, &space).await;
    let read = async || {
        let params = [("space", space.as_str())];
        reader.query(&elsewhere, COMMIT, &bob.did, &params).await
    };
    assert_eq!(read().await.status, 200);
    let gone = json!({ "space": space, "did": carol.did });
    assert_eq!(alice.procedure(REMOVE_MEMBER, &gone).await.status, 200);
    let waiting = async {
        while read().await.status != 401 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    waited.expect("the host of an author hears of the revocation");
    let message = "the space credential has been revoked: get a new one";
    read().await.fails(401, "CredentialRevoked", message);
    // The owner's credential is another one.
    let params = [("space", space.as_str())];
    let owners = owner.query(&elsewhere, COMMIT, &bob.did, &params).await;
    assert_eq!(owners.status, 200, "{owners:#?}");
}

#[tokio::test]
async fn a_removed_member_is_told_of_nothing_at_their_own_server_though_nobody_wrote_there() {
    let (host, theirs) = (TestServer::start().await, TestServer::start().await);
    let (alice, carol) = (host.account("alice"), theirs.account("carol"));
    let space = open_forum(&alice).await;
    let_in(&alice, &space, &carol.did, (true, false)).await;
    let mut syncer = Syncer::start().await;
    let service = syncer.service.clone();
    let input = json!({ "space": space, "service": service });
    alice.procedure(REGISTER, &input).await.output();

    // Carol reads with a credential of the space's host, and is told at her own server.
    let key = SigningKey::generate_p256().expect("the system has randomness");
    let token = delegation(&carol, &space).await;
    let request = exchange(&host, &key, &token, &json!({ "space": space }));
    let given = host.send(request).await.output();
    let credential = given["credential"].as_str().expect("one").to_owned();
    let reader = SpaceReader { key, credential };
    let receiver = Receiver::start();
    let hook = registration(&space, &receiver.url);
    reader.procedure(&theirs, REGISTER, &hook).await.output();

    let gone = json!({ "space": space, "did": carol.did });
    assert_eq!(alice.procedure(REMOVE_MEMBER, &gone).await.status, 200);
    let refused = until("her server hears of the revocation", async || {
        let answer = reader.procedure(&theirs, REGISTER, &hook).await;
        // Between the two it can be refused as somebody whose right ends at this moment.
        (!matches!(answer.status, 200 | 403)).then_some(answer)
    });
    let message = "the space credential has been revoked: get a new one";
    refused.await.fails(401, "CredentialRevoked", message);
    let mut rows = Database::sqlite(&theirs.data()).await;
    let left = "SELECT count(*) FROM registration";
    assert_eq!(rows.number(left).await, 0, "what she registered has ended");
    // The services of the space hear of it as well.
    let told = syncer.told(REVOKED, &alice, &service).await;
    assert_eq!(told["space"], json!(space));
    assert_eq!(told["credentials"].as_array().map(Vec::len), Some(1));
    syncer.has_no_more();
}

/// Spaces whose authorities are at a host that never answers: to wait for each would take minutes.
const SILENT: u8 = 24;

#[tokio::test]
async fn hosts_that_never_answer_leave_places_to_those_that_do() {
    let (host, theirs) = (TestServer::start().await, TestServer::start().await);
    let (alice, bob) = (host.account("alice"), theirs.account("bob"));
    let space = open_forum(&alice).await;
    let_in(&alice, &space, &bob.did, (true, true)).await;
    let reader = SpaceReader::of(&host, &alice, &space).await;
    write_post(&bob, &space, "a", "one").await;
    listed(&host, &reader, &space, &bob).await;

    let (silent, at) = Silent::start().await;
    let port = at.rsplit(':').next().expect("a port");
    for number in 0..SILENT {
        let authority = format!("did:web:silent{number}.localhost%3A{port}");
        let space = format!("at://{authority}/space/com.example.forum/main");
        write_post(&bob, &space, "a", "one").await;
    }
    until("the silent host is asked", async || {
        (silent.open.load(Ordering::SeqCst) > 0).then_some(())
    })
    .await;
    write_post(&bob, &space, "b", "two").await;
    listed(&host, &reader, &space, &bob).await;
    let most = silent.most.load(Ordering::SeqCst);
    assert!(most <= 4, "half of the places are for others: {most}");
}
