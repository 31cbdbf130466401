//! What webhooks at the host of a space hear of authors whose repositories are elsewhere.

use loggia_delivery::{Clock as _, SystemClock};
use loggia_storage::{LogPlace, RepoName, Storage};
use loggia_syntax::{Did, SpaceRef};
use serde_json::{Value, json};

use super::scene::{beside, free_port, until};
use super::servers::{converges, next, register};
use crate::support::notices::space_id_of;
use crate::support::spaces::{
    DELETE, POSTS, PUT, REMOVE_MEMBER, let_in, open_forum, post_of, write_post,
};
use crate::support::{Account, Receiver, TestServer};

/// Waits until the host of a space has heard that an author is at a revision after this one.
async fn heard(storage: &Storage, space: &str, author: &Did, after: Option<&str>) -> String {
    let space = SpaceRef::new(space).expect("a space");
    until("the host hears of it", async || {
        let writers = storage.space_chains().list(&space, "", 9).await;
        let mut writers = writers.expect("runs").into_iter();
        let rev = writers.find(|one| one.did == *author)?.repo_rev.to_string();
        after.is_none_or(|after| *after < *rev).then_some(rev)
    })
    .await
}

fn deletion(author: &Account<'_>, space: &str, rkey: &str) -> Value {
    json!({ "space": space, "repo": author.did, "collection": POSTS, "rkey": rkey })
}

#[tokio::test]
async fn webhooks_where_a_space_is_hear_of_each_record_of_authors_elsewhere() {
    let port = free_port();
    let at_port = |config: &mut loggia_server::config::Config| config.bind.set_port(port);
    let home = TestServer::start_with(at_port).await;
    let away = TestServer::start().await;
    let (alice, bob) = (home.account("alice"), away.account("bob"));
    let space = open_forum(&alice).await;
    let_in(&alice, &space, &bob.did, (true, true)).await;
    let storage = beside(&home).await;
    // What was there before anybody asked is told to nobody.
    write_post(&bob, &space, "old", "there already").await;
    heard(&storage, &space, &bob.did, None).await;
    let mut receiver = Receiver::start();
    let secret = register(&alice, &home, &space, &receiver.url).await;

    let made = write_post(&bob, &space, "a", "one").await;
    let told = receiver.next().await.verified(&secret);
    let expected = json!({
        "space": space_id_of(&space),
        "spaceUri": space,
        "did": bob.did,
        "collection": POSTS,
        "rkey": "a",
        "cid": made["cid"],
    });
    assert_eq!(told, expected);
    converges(&storage, &bob, &space).await;
    bob.procedure(PUT, &post_of(&bob, &space, "a", "two"))
        .await
        .output();
    let told = next(&mut receiver, &secret).await;
    assert_eq!(told, (bob.did.to_string(), "a".to_owned(), true));
    bob.procedure(DELETE, &deletion(&bob, &space, "old"))
        .await
        .output();
    let told = next(&mut receiver, &secret).await;
    assert_eq!(told, (bob.did.to_string(), "old".to_owned(), false));
    // An author who is here is not copied, and told of once.
    write_post(&alice, &space, "a", "hers").await;
    let told = next(&mut receiver, &secret).await;
    assert_eq!(told, (alice.did.to_string(), "a".to_owned(), true));
    receiver.has_no_more();

    // A partition: what is written while the space's host is away.
    storage.close().await;
    let folder = home.stop().await;
    write_post(&bob, &space, "b", "three").await;
    write_post(&bob, &space, "c", "four").await;
    bob.procedure(DELETE, &deletion(&bob, &space, "a"))
        .await
        .output();
    let home = TestServer::start_in(folder, at_port).await;
    let alice = home.account("alice");
    let storage = beside(&home).await;
    converges(&storage, &bob, &space).await;
    let mut arrived = Vec::new();
    for _ in 0..3 {
        let (_, rkey, is_there) = next(&mut receiver, &secret).await;
        arrived.push((rkey, is_there));
    }
    arrived.sort();
    let expected = [("a", false), ("b", true), ("c", true)];
    assert_eq!(arrived, expected.map(|(rkey, is)| (rkey.to_owned(), is)));

    // Who is put out is not listened to any more.
    let input = json!({ "space": space, "did": bob.did });
    assert_eq!(alice.procedure(REMOVE_MEMBER, &input).await.status, 200);
    write_post(&bob, &space, "d", "five").await;
    write_post(&alice, &space, "b", "hers").await;
    let told = next(&mut receiver, &secret).await;
    assert_eq!(told, (alice.did.to_string(), "b".to_owned(), true));
    receiver.has_no_more();
}

#[tokio::test]
async fn where_the_log_was_shortened_what_is_new_is_told_all_the_same() {
    let (home, away) = (TestServer::start().await, TestServer::start().await);
    let (alice, bob) = (home.account("alice"), away.account("bob"));
    let space = open_forum(&alice).await;
    let_in(&alice, &space, &bob.did, (true, true)).await;
    let (storage, theirs) = (beside(&home).await, beside(&away).await);
    let shorten = async || {
        let repos = theirs.space_repos();
        let shortened = repos.shorten_logs(SystemClock.now(), LogPlace::default(), 99);
        assert!(shortened.await.expect("runs").0 > 0);
    };
    for rkey in ["a", "b"] {
        write_post(&bob, &space, rkey, "there already").await;
    }
    let name = RepoName {
        author: bob.did.clone(),
        space: SpaceRef::new(space.as_str()).expect("a space"),
    };
    let state = theirs.space_repos().state(&name).await.expect("runs");
    let rev = state.expect("has written").rev;
    until("the host hears of it", async || {
        let known = heard(&storage, &space, &bob.did, None).await;
        (known == rev.as_str()).then_some(())
    })
    .await;
    shorten().await;
    let mut receiver = Receiver::start();
    let secret = register(&alice, &home, &space, &receiver.url).await;

    // The log does not begin where the copy does; the whole does not say what is new.
    write_post(&bob, &space, "c", "new").await;
    let told = next(&mut receiver, &secret).await;
    assert_eq!(told, (bob.did.to_string(), "c".to_owned(), true));
    converges(&storage, &bob, &space).await;

    let copy = storage.space_copies().find(&name).await.expect("runs");
    assert_eq!(copy.expect("is there").records, 3);
    bob.procedure(DELETE, &deletion(&bob, &space, "a"))
        .await
        .output();
    let told = next(&mut receiver, &secret).await;
    assert_eq!(told, (bob.did.to_string(), "a".to_owned(), false));
    converges(&storage, &bob, &space).await;
    receiver.has_no_more();
}
