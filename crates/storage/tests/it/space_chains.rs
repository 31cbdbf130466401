//! The sequence of a space: one chain, whoever writes at once.

use jiff::Timestamp;
use loggia_storage::{Advanced, Heard, RepoName, SpaceChains, SpaceWriter, Storage};
use loggia_syntax::{SpaceRef, Tid};

use crate::fixture::{Place, did, on_both, seconds};

on_both!(
    every_advance_gets_the_next_place,
    old_news_is_no_news,
    a_list_goes_on_from_any_place,
    writers_at_once_form_one_chain,
    the_sequence_of_a_space_that_is_gone_is_forgotten,
    a_space_has_as_many_writers_as_are_allowed,
);

fn repo(author: &str, skey: &str) -> RepoName {
    let space = format!("at://{}/space/com.example.forum/{skey}", did("alice"));
    RepoName {
        author: did(author),
        space: SpaceRef::new(space).expect("a space"),
    }
}

fn rev(second: i64) -> Tid {
    let micros = u64::try_from(seconds(second).as_microsecond()).expect("after 1970");
    Tid::from_micros(micros, 7).expect("a revision")
}

async fn hear(storage: &Storage, repo: &RepoName, at: i64, now: Timestamp) -> Heard {
    let mut tx = storage.begin().await.expect("begins");
    let hash = [u8::try_from(at).unwrap_or(255); 32];
    let chains = storage.space_chains();
    let heard = chains
        .advance(&mut tx, repo, (&rev(at), &hash), (now, 3))
        .await;
    tx.commit().await.expect("commits");
    heard.expect("runs")
}

#[track_caller]
fn advanced(heard: Heard) -> Advanced {
    match heard {
        Heard::Advanced(advanced) => advanced,
        other => panic!("{other:?}"),
    }
}

async fn every_advance_gets_the_next_place(place: Place) {
    let storage = place.open().await;
    let (bob, carol) = (repo("bob", "main"), repo("carol", "main"));
    let first = advanced(hear(&storage, &bob, 1, seconds(10)).await);
    assert_eq!(first.prev, None);
    assert_eq!(first.space_rev.micros(), rev(10).micros());
    // A clock that stands still or goes back gives later places all the same.
    let second = advanced(hear(&storage, &carol, 1, seconds(10)).await);
    let third = advanced(hear(&storage, &bob, 2, seconds(5)).await);
    assert_eq!(second.prev.as_ref(), Some(&first.space_rev));
    assert_eq!(third.prev.as_ref(), Some(&second.space_rev));
    assert!(first.space_rev < second.space_rev && second.space_rev < third.space_rev);
    // Another space has a chain of its own.
    let other = advanced(hear(&storage, &repo("bob", "other"), 1, seconds(5)).await);
    assert_eq!(other.prev, None);
}

async fn old_news_is_no_news(place: Place) {
    let storage = place.open().await;
    let bob = repo("bob", "main");
    let first = advanced(hear(&storage, &bob, 5, seconds(10)).await);
    for at in [5, 4] {
        assert_eq!(hear(&storage, &bob, at, seconds(11)).await, Heard::Stale);
    }
    let listed = storage.space_chains().list(&bob.space, "", 9).await;
    let writer = SpaceWriter {
        did: did("bob"),
        repo_rev: rev(5),
        hash: [5; 32],
        space_rev: first.space_rev,
    };
    assert_eq!(listed.expect("lists"), [writer]);
}

async fn a_list_goes_on_from_any_place(place: Place) {
    let storage = place.open().await;
    let names = ["a", "b", "c", "d"];
    for (at, name) in (1..).zip(names) {
        advanced(hear(&storage, &repo(name, "main"), at, seconds(at)).await);
    }
    // Who writes again moves to the end.
    advanced(hear(&storage, &repo("a", "main"), 9, seconds(9)).await);
    let space = repo("a", "main").space;
    let (mut after, mut seen) = (String::new(), Vec::new());
    loop {
        let page = storage.space_chains().list(&space, &after, 2).await;
        let page = page.expect("lists");
        let Some(last) = page.last() else { break };
        after = last.space_rev.to_string();
        seen.extend(page.into_iter().map(|writer| writer.did));
    }
    assert_eq!(seen, ["b", "c", "d", "a"].map(did));
    let chains = storage.space_chains();
    assert!(chains.list(&space, "~", 9).await.expect("lists").is_empty());
    let mut tx = storage.begin().await.expect("begins");
    let newest = chains.newest(&mut tx, &space, 2).await;
    assert_eq!(newest.expect("lists"), ["a", "d"].map(did));
}

async fn writers_at_once_form_one_chain(place: Place) {
    let storage = place.open().await;
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let storage = storage.clone();
        tasks.spawn(async move {
            let mut places = Vec::new();
            for at in 1..=5 {
                let repo = repo(&format!("w{writer}"), "main");
                places.push(advanced(hear(&storage, &repo, at, seconds(1)).await));
            }
            places
        });
    }
    let mut all: Vec<_> = tasks.join_all().await.concat();
    all.sort_by(|one, other| one.space_rev.cmp(&other.space_rev));
    assert_eq!((all.len(), &all[0].prev), (40, &None));
    for pair in all.windows(2) {
        assert_eq!(pair[1].prev.as_ref(), Some(&pair[0].space_rev));
    }
    // The list has every writer once, in the order in which their last news was given a place.
    let listed = storage
        .space_chains()
        .list(&repo("w0", "main").space, "", 99)
        .await;
    let listed = listed.expect("lists");
    assert_eq!(listed.len(), 8);
    assert!(listed.is_sorted_by(|one, other| one.space_rev < other.space_rev));
    assert_eq!(listed[7].space_rev, all[39].space_rev);
    assert!(listed.iter().all(|writer| writer.repo_rev == rev(5)));
}

async fn the_sequence_of_a_space_that_is_gone_is_forgotten(place: Place) {
    let storage = place.open().await;
    let bob = repo("bob", "main");
    advanced(hear(&storage, &bob, 1, seconds(1)).await);
    let mut tx = storage.begin().await.expect("begins");
    let buried = storage.spaces().bury(&mut tx, &bob.space, seconds(2)).await;
    buried.expect("buries");
    let chains = storage.space_chains();
    for is_gone in [false, true] {
        let forgotten = chains.delete_part(&mut tx, &bob.space, 1).await;
        assert_eq!(forgotten.expect("forgets"), is_gone);
    }
    tx.commit().await.expect("commits");
    assert!(
        chains
            .list(&bob.space, "", 9)
            .await
            .expect("lists")
            .is_empty()
    );
    assert_eq!(hear(&storage, &bob, 9, seconds(9)).await, Heard::Gone);
}

async fn a_space_has_as_many_writers_as_are_allowed(place: Place) {
    let storage = place.open().await;
    assert_eq!(SpaceChains::WRITERS, 100_000);
    advanced(hear(&storage, &repo("bob", "main"), 1, seconds(1)).await);
    place
        .damage("UPDATE space_chain SET writers = 100000")
        .await;
    let carol = hear(&storage, &repo("carol", "main"), 1, seconds(2)).await;
    assert_eq!(carol, Heard::Full);
    advanced(hear(&storage, &repo("bob", "main"), 2, seconds(3)).await);
}
