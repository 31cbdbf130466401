//! What a server tells others of its own accounts: news to the hosts of spaces, revocations to the hosts
//! of authors.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::spaces::{
    COMMIT, NOTIFY, REGISTER, REMOVE_MEMBER, SpaceReader, let_in, open_forum, write_post,
};
use crate::support::{Account, Syncer, TestServer};

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
    let message = "the space credential has been revoked";
    read().await.fails(401, "CredentialRevoked", message);
    // The owner's credential is another one.
    let params = [("space", space.as_str())];
    let owners = owner.query(&elsewhere, COMMIT, &bob.did, &params).await;
    assert_eq!(owners.status, 200, "{owners:#?}");
}
