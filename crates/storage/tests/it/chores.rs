//! Work that one node does at a time, once for each turn.

use crate::fixture::{Place, on_both, seconds};

on_both!(a_chore_is_done_once_for_each_turn_by_one_node);

async fn a_chore_is_done_once_for_each_turn_by_one_node(place: Place) {
    let chores = place.open().await.chores();
    let claim = async |due: i64, now: i64| {
        let (due, now, until) = (seconds(due), seconds(now), seconds(now + 60));
        chores
            .claim("sweep", due, now, until)
            .await
            .expect("answers")
    };
    assert!(claim(0, 1).await);
    assert!(!claim(0, 2).await, "another node is at it");
    chores.renew("sweep", seconds(100)).await.expect("renews");
    assert!(!claim(0, 99).await, "it still is");
    assert!(claim(0, 100).await, "it died");
    chores.done("sweep", seconds(0)).await.expect("is noted");
    assert!(!claim(0, 101).await, "it was done for this turn");
    assert!(claim(86_400, 86_401).await, "a new turn");
}
