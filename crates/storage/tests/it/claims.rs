//! What one node does at a time.

use std::time::Duration;

use jiff::SignedDuration;
use loggia_delivery::NodeId;
use loggia_storage::Storage;

use crate::fixture::{Place, on_both};

on_both!(
    what_is_claimed_is_this_nodes_until_it_is_given_up,
    a_claim_that_was_lost_lets_nothing_be_written,
);

const LONG: SignedDuration = SignedDuration::from_mins(10);

async fn take(storage: &Storage, node: &str, lasts: SignedDuration) -> bool {
    let taken = storage
        .claims()
        .take("stream", &NodeId::new(node), lasts)
        .await;
    taken.expect("answers")
}

async fn holds(storage: &Storage, node: &str) -> bool {
    let mut tx = storage.begin().await.expect("begins");
    let held = storage
        .claims()
        .hold(&mut tx, "stream", &NodeId::new(node))
        .await;
    held.expect("answers")
}

async fn what_is_claimed_is_this_nodes_until_it_is_given_up(place: Place) {
    let storage = place.open().await;
    assert!(take(&storage, "one", LONG).await);
    assert!(take(&storage, "one", LONG).await, "again is no harm");
    assert!(holds(&storage, "one").await);
    assert!(!holds(&storage, "two").await);
    let claims = storage.claims();
    let by = claims.held_by("stream").await.expect("answers");
    assert_eq!(by.as_deref(), Some("one"));
    claims
        .release("stream", &NodeId::new("one"))
        .await
        .expect("releases");
    assert!(!holds(&storage, "one").await);
    assert!(take(&storage, "two", LONG).await);
}

async fn a_claim_that_was_lost_lets_nothing_be_written(place: Place) {
    let shared = matches!(place, Place::Postgres(_));
    let storage = place.open().await;
    assert!(take(&storage, "one", SignedDuration::from_millis(1)).await);
    if shared {
        assert!(!take(&storage, "two", LONG).await || lapsed().await);
        while !take(&storage, "two", LONG).await {
            lapsed().await;
        }
        let renewed = storage
            .claims()
            .renew("stream", &NodeId::new("one"), LONG)
            .await;
        assert!(!renewed.expect("answers"), "another has it");
        assert!(!take(&storage, "one", LONG).await);
    } else {
        assert!(
            take(&storage, "two", LONG).await,
            "one process has the file"
        );
    }
    assert!(!holds(&storage, "one").await);
    assert!(holds(&storage, "two").await);
}

/// A moment of the database's clock, which nobody else can move.
async fn lapsed() -> bool {
    tokio::time::sleep(Duration::from_millis(2)).await;
    true
}
