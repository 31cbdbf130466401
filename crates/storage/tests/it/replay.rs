//! What may be used once.

use loggia_storage::{Replays, Used};

use crate::fixture::{Place, on_both, seconds};

on_both!(
    a_key_is_used_up_within_its_scope,
    of_many_at_once_one_wins,
    keys_are_forgotten_after_their_time_and_not_before,
    a_full_store_keeps_what_it_has_and_takes_no_more,
    a_key_that_was_not_kept_after_all_takes_no_room,
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

async fn a_key_that_was_not_kept_after_all_takes_no_room(place: Place) {
    let storage = place.open().await;
    let replays = storage.replays().with_most(1);
    let mut tx = storage.begin().await.expect("begins");
    let used = replays.consume_in(&mut tx, "jti", "a", seconds(60)).await;
    assert_eq!(used.expect("runs"), Used::First);
    drop(tx);
    assert!(is_fresh(&replays, "jti", "b", 60).await);
}
