//! Three servers of ours: the authority and members on one, members on another, and one that copies.

use loggia_storage::{RepoName, Storage};
use loggia_syntax::SpaceRef;
use serde_json::json;

use super::scene::{beside, free_port, reading, until};
use crate::space_host::verifier::Commit;
use crate::support::notices::{REGISTER, registration, space_id_of};
use crate::support::spaces::{
    APPLY, COMMIT, DELETE, DELETE_SPACE, POSTS, PUT, REMOVE_MEMBER, let_in, open_forum, post_of,
    write_post,
};
use crate::support::{Account, Receiver, TestServer};

/// Waits until the copy of a repository is what its own host says of it now.
pub(super) async fn converges(storage: &Storage, author: &Account<'_>, space: &str) {
    let latest = author
        .query(COMMIT, &[("space", space), ("repo", author.did.as_str())])
        .await;
    let latest = Commit::of_json(&latest.output()["commit"]);
    let name = RepoName {
        author: author.did.clone(),
        space: SpaceRef::new(space).expect("a space"),
    };
    until(
        &format!("the copy of {} converges", author.did),
        async || {
            let copy = storage.space_copies().find(&name).await.expect("runs")?;
            let is_same = copy.hash.digest()[..] == latest.hash[..];
            let is_same = is_same && copy.rev.as_ref()?.as_str() == latest.rev;
            (is_same && copy.trouble.is_none()).then_some(())
        },
    )
    .await;
}

/// Registers an endpoint at another server than the authority's own; the secret.
pub(super) async fn register(
    authority: &Account<'_>,
    at: &TestServer,
    space: &str,
    endpoint: &str,
) -> String {
    use loggia_delivery::{Clock, SystemClock};
    let token = authority.token_for(&at.did, REGISTER, SystemClock.now());
    let input = registration(space, endpoint);
    let output = at.procedure(REGISTER, Some(&token), &input).await.output();
    let secret = output["secret"].as_str().map(str::to_owned);
    secret.unwrap_or_else(|| panic!("no secret: {output}"))
}

/// Waits until a server has read the space's list.
async fn is_listed(storage: &Storage, space: &str) {
    let space = SpaceRef::new(space).expect("a space");
    until("the list is read", async || {
        let found = storage.space_copies().find_space(&space).await;
        found.expect("runs").filter(|space| space.is_listed)
    })
    .await;
}

/// The next that is told: whose, which record, and whether it is still there.
pub(super) async fn next(receiver: &mut Receiver, secret: &str) -> (String, String, bool) {
    let body = receiver.next().await.verified(secret);
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    (text("did"), text("rkey"), !body["cid"].is_null())
}

#[tokio::test]
async fn servers_converge_through_writes_deletions_a_partition_and_a_revocation() {
    let (home, away) = (TestServer::start().await, TestServer::start().await);
    let port = free_port();
    // An hour between visits: what arrives was announced.
    let syncer = TestServer::start_with(|config| reading(config, port, 3600)).await;
    let (alice, carol) = (home.account("alice"), home.account("carol"));
    let (bob, dave) = (away.account("bob"), away.account("dave"));
    let reader_did = syncer.account("reader").did;
    let space = open_forum(&alice).await;
    for member in [&carol, &bob, &dave] {
        let_in(&alice, &space, &member.did, (true, true)).await;
    }
    let_in(&alice, &space, &reader_did, (true, false)).await;
    let mut receiver = Receiver::start();
    let secret = register(&alice, &syncer, &space, &receiver.url).await;
    let storage = beside(&syncer).await;
    is_listed(&storage, &space).await;

    // Writes, on either server.
    let authors = [&alice, &carol, &bob, &dave];
    for author in authors {
        write_post(author, &space, "a", "one").await;
        let told = next(&mut receiver, &secret).await;
        assert_eq!(told, (author.did.to_string(), "a".to_owned(), true));
        converges(&storage, author, &space).await;
    }
    // Deletions, and a change.
    for author in [&carol, &bob] {
        let gone = json!({ "space": space, "repo": author.did, "collection": POSTS, "rkey": "a" });
        author.procedure(DELETE, &gone).await.output();
        let told = next(&mut receiver, &secret).await;
        assert_eq!(told, (author.did.to_string(), "a".to_owned(), false));
        converges(&storage, author, &space).await;
    }
    receiver.has_no_more();

    // A partition: what is written while nobody copies.
    storage.close().await;
    let folder = syncer.stop().await;
    let create = |rkey: &str| {
        json!({
            "$type": "com.atproto.space.applyWrites#create",
            "collection": POSTS,
            "rkey": rkey,
            "value": { "text": rkey },
        })
    };
    for author in authors {
        let writes = [create("b"), create("c")];
        let input = json!({ "space": space, "repo": author.did, "writes": writes });
        author.procedure(APPLY, &input).await.output();
    }
    let syncer = TestServer::start_in(folder, |config| reading(config, port, 1)).await;
    let storage = beside(&syncer).await;
    for author in authors {
        converges(&storage, author, &space).await;
    }
    let mut arrived = Vec::new();
    for _ in 0..8 {
        arrived.push(next(&mut receiver, &secret).await);
    }
    arrived.sort();
    let mut expected: Vec<_> = authors
        .iter()
        .flat_map(|author| ["b", "c"].map(|rkey| (author.did.to_string(), rkey.to_owned(), true)))
        .collect();
    expected.sort();
    assert_eq!(arrived, expected);
    receiver.has_no_more();

    // Who is put out hears nothing more, and catches up when let in again.
    let input = json!({ "space": space, "did": reader_did });
    let removed = alice.procedure(REMOVE_MEMBER, &input).await;
    assert_eq!(removed.status, 200, "{removed:#?}");
    let put = post_of(&bob, &space, "b", "changed");
    bob.procedure(PUT, &put).await.output();
    until("the syncer is refused", async || {
        let error = storage.errands().last_error("space-visit", &space).await;
        let error = error.expect("runs")?;
        error.contains("UserNotAuthorized").then_some(())
    })
    .await;
    receiver.has_no_more();
    let_in(&alice, &space, &reader_did, (true, false)).await;
    let told = next(&mut receiver, &secret).await;
    assert_eq!(told, (bob.did.to_string(), "b".to_owned(), true));
    converges(&storage, &bob, &space).await;

    // The end.
    let input = json!({ "space": space });
    let closed = alice.procedure(DELETE_SPACE, &input).await;
    assert_eq!(closed.status, 200, "{closed:#?}");
    let end = json!({ "space": space_id_of(&space), "spaceUri": space });
    assert_eq!(receiver.next().await.verified(&secret), end);
    let name = SpaceRef::new(space.as_str()).expect("a space");
    until("nothing is kept", async || {
        let found = storage.space_copies().find_space(&name).await;
        found.expect("runs").is_none().then_some(())
    })
    .await;
    receiver.has_no_more();
}
