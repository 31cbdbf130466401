//! What may be used once.

use loggia_storage::{Replays, Storage, Used, UsedUp};

use crate::fixture::{Folder, Place, START, on_both, seconds};

on_both!(
    a_key_is_used_up_within_its_scope,
    of_many_at_once_one_wins,
    of_many_keys_at_once_each_is_used_up_once,
    however_many_come_at_once_no_more_are_kept_than_may_be,
    keys_are_forgotten_after_their_time_and_not_before,
    a_full_store_keeps_what_it_has_and_takes_no_more,
    what_one_process_used_up_no_other_can_use,
    what_is_not_kept_yet_is_used_up_all_the_same,
    one_who_used_what_another_process_kept_meanwhile_is_told,
    what_was_not_kept_is_when_the_store_is_closed,
);

/// Whether the key is fresh.
async fn is_fresh(replays: &Replays, scope: &str, key: &str, until: i64) -> bool {
    let used = replays.consume(scope, key, seconds(until)).await;
    used.expect("runs") == Used::First
}

async fn a_key_is_used_up_within_its_scope(place: Place) {
    let storage = place.open().await;
    let replays = storage.replays();
    assert!(is_fresh(&replays, "jti", "a", 60).await);
    assert!(!is_fresh(&replays, "jti", "a", 60).await);
    assert!(is_fresh(&replays, "dpop", "a", 60).await);
    assert!(is_fresh(&replays, "jti", "b", 60).await);
}

async fn of_many_at_once_one_wins(place: Place) {
    let storage = place.open().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let replays = storage.replays();
        tasks.spawn(async move { replays.consume("jti", "a", seconds(60)).await });
    }
    let fresh = tasks
        .join_all()
        .await
        .into_iter()
        .filter(|fresh| matches!(fresh, Ok(Used::First)));
    assert_eq!(fresh.count(), 1);
}

/// Forty at once use twenty keys; what became of each.
async fn forty_uses(replays: &Replays) -> Vec<(String, Used)> {
    let uses = (0..40).map(|number| {
        let (replays, key) = (replays.clone(), format!("key {}", number % 20));
        tokio::spawn(async move {
            let used = replays.consume("jti", &key, seconds(60)).await;
            (key, used.expect("runs"))
        })
    });
    let uses: Vec<_> = uses.collect();
    let mut used = Vec::new();
    for task in uses {
        used.push(task.await.expect("no panic"));
    }
    used
}

fn keys_of(all: &[(String, Used)], what: Used) -> Vec<&str> {
    let all = all.iter().filter(|(_, used)| *used == what);
    let mut keys: Vec<_> = all.map(|(key, _)| key.as_str()).collect();
    keys.sort_unstable();
    keys
}

async fn of_many_keys_at_once_each_is_used_up_once(place: Place) {
    let storage = place.open().await;
    let used = forty_uses(&storage.replays()).await;
    let mut first = keys_of(&used, Used::First);
    assert_eq!(first, keys_of(&used, Used::Before));
    first.dedup();
    assert_eq!(first.len(), 20);
}

async fn however_many_come_at_once_no_more_are_kept_than_may_be(place: Place) {
    let storage = place.open().await;
    let replays = storage.replays().with_most(10);
    let used = forty_uses(&replays).await;
    let first = keys_of(&used, Used::First).len();
    // PostgreSQL has several writers, who do not see each other's.
    let most = match place {
        Place::Sqlite(_) => 10,
        Place::Postgres(_) => 20,
    };
    assert!((1..=most).contains(&first), "{first}");
    assert_eq!(first == 20, keys_of(&used, Used::Full).is_empty());
}

async fn keys_are_forgotten_after_their_time_and_not_before(place: Place) {
    let storage = place.open().await;
    let replays = storage.replays();
    for key in ["a", "b", "c"] {
        assert!(is_fresh(&replays, "jti", key, 60).await);
    }
    assert_eq!(replays.sweep(seconds(60), 10).await.expect("runs"), 0);
    assert_eq!(replays.sweep(seconds(61), 2).await.expect("runs"), 2);
    assert_eq!(replays.sweep(seconds(61), 2).await.expect("runs"), 1);
    assert!(is_fresh(&replays, "jti", "a", 90).await);
}

async fn a_full_store_keeps_what_it_has_and_takes_no_more(place: Place) {
    let storage = place.open().await;
    let replays = storage.replays().with_most(2);
    assert_eq!(replays.most(), 2);
    let use_up = async |key| {
        replays
            .consume("jti", key, seconds(60))
            .await
            .expect("runs")
    };
    let mut used = Vec::new();
    for key in ["a", "a", "b", "c", "a", "b"] {
        used.push(use_up(key).await);
    }
    use Used::{Before, First, Full};
    assert_eq!(used, [First, Before, First, Full, Before, Before]);
    // Only time makes room.
    assert_eq!(replays.sweep(seconds(61), 1).await.expect("runs"), 1);
    assert_eq!(use_up("c").await, First);
    assert_eq!(use_up("d").await, Full);
}

async fn what_one_process_used_up_no_other_can_use(place: Place) {
    let (one, other) = (place.open().await, place.open().await);
    let (one, other) = (one.replays(), other.replays());
    for (key, until) in [("a", 60), ("b", 90)] {
        assert!(is_fresh(&one, "jti", key, until).await);
    }
    assert!(is_fresh(&other, "jti", "c", 60).await);
    for key in ["a", "b", "c"] {
        for replays in [&one, &other] {
            assert!(!is_fresh(replays, "jti", key, 60).await, "{key}");
        }
    }
    // Only one of them sweeps, all of it or a part; what comes afterwards is seen by both.
    assert_eq!(one.sweep(seconds(61), 1).await.expect("runs"), 1);
    assert_eq!(one.sweep(seconds(61), 9).await.expect("runs"), 1);
    assert!(!is_fresh(&one, "jti", "b", 90).await);
    assert!(is_fresh(&one, "jti", "d", 90).await);
    assert!(!is_fresh(&other, "jti", "d", 90).await);
    // What another has forgotten makes room once one has looked itself.
    let scant = other.with_most(3);
    assert_eq!(scant.sweep(seconds(61), 9).await.expect("runs"), 0);
    assert!(is_fresh(&scant, "jti", "a", 90).await);
    let full = scant.consume("jti", "e", seconds(90)).await;
    assert_eq!(full.expect("runs"), Used::Full);
    let later = place.open().await.replays();
    for key in ["a", "b", "d"] {
        assert!(!is_fresh(&later, "jti", key, 90).await, "{key}");
    }
}

/// Uses a key up that somebody else is to keep.
async fn use_up(storage: &Storage, key: &str) -> UsedUp {
    let used_up = storage.replays().use_up("jti", key, seconds(60)).await;
    used_up.expect("runs")
}

async fn what_is_not_kept_yet_is_used_up_all_the_same(place: Place) {
    let storage = place.open().await;
    let first = use_up(&storage, "a").await;
    assert_eq!(first.used(), Used::First);
    assert_eq!(use_up(&storage, "a").await.used(), Used::Before);
    let scant = storage.replays().with_most(1);
    let full = scant.consume("jti", "b", seconds(60)).await;
    assert_eq!(full.expect("runs"), Used::Full);
    let kept = storage.replays().keep(first).await;
    assert_eq!(kept.expect("runs"), Used::First);
}

async fn one_who_used_what_another_process_kept_meanwhile_is_told(place: Place) {
    let (storage, other) = (place.open().await, place.open().await);
    let here = use_up(&storage, "a").await;
    let other = other.replays().consume("jti", "a", seconds(60)).await;
    let here = storage.replays().keep(here).await;
    let mut both = [here.expect("runs"), other.expect("runs")];
    both.sort_by_key(|used| *used == Used::Before);
    assert_eq!(both, [Used::First, Used::Before]);
}

async fn what_was_not_kept_is_when_the_store_is_closed(place: Place) {
    let storage = place.open().await;
    drop(use_up(&storage, "a").await);
    storage.close().await;
    assert!(!is_fresh(&place.open().await.replays(), "jti", "a", 60).await);
}

#[tokio::test]
async fn a_key_is_on_the_disk_with_whatever_is_committed_next() {
    let folder = Folder::new();
    let storage = folder.open().await;
    let used_up = use_up(&storage, "a").await;
    let before = folder.copy();
    storage.check_writable(START).await.expect("is written");
    let after = folder.copy();
    for (copy, fresh) in [(before, true), (after, false)] {
        let replays = copy.open().await.replays();
        assert_eq!(is_fresh(&replays, "jti", "a", 60).await, fresh);
    }
    let kept = storage.replays().keep(used_up).await;
    assert_eq!(kept.expect("runs"), Used::First);
}

#[tokio::test]
async fn a_key_is_on_the_disk_when_it_is_kept_and_nobody_else_writes() {
    let folder = Folder::new();
    let storage = folder.open().await;
    let used_up = use_up(&storage, "a").await;
    let kept = storage.replays().keep(used_up).await;
    assert_eq!(kept.expect("runs"), Used::First);
    let replays = folder.copy().open().await.replays();
    assert!(!is_fresh(&replays, "jti", "a", 60).await);
}
