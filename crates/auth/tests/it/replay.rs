//! The replay store of a single process.

use jiff::{SignedDuration, Timestamp};
use loggia_auth::replay::ReplayScope::{Delegation, ServiceAuth};
use loggia_auth::{MemoryReplayStore, Replay, ReplayError, ReplayStore};

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

#[tokio::test]
async fn a_key_is_fresh_once_in_its_scope() {
    let store = MemoryReplayStore::new(10);
    let consume = async |scope, key| store.consume(scope, key, at(60), at(0)).await.ok();
    assert_eq!(consume(ServiceAuth, "a").await, Some(Replay::Fresh));
    assert_eq!(consume(ServiceAuth, "a").await, Some(Replay::Seen));
    assert_eq!(consume(ServiceAuth, "b").await, Some(Replay::Fresh));
    assert_eq!(consume(Delegation, "a").await, Some(Replay::Fresh));
}

#[tokio::test]
async fn a_key_is_kept_to_the_last_second() {
    let store = MemoryReplayStore::new(10);
    let consume = async |now| store.consume(ServiceAuth, "a", at(60), at(now)).await.ok();
    assert_eq!(consume(0).await, Some(Replay::Fresh));
    assert_eq!(consume(60).await, Some(Replay::Seen));
    assert_eq!(consume(61).await, Some(Replay::Fresh));
}

#[tokio::test]
async fn a_full_store_refuses_and_forgets_nothing() {
    let store = MemoryReplayStore::new(2);
    let consume = async |key, now| store.consume(ServiceAuth, key, at(60), at(now)).await;
    for key in ["a", "b"] {
        assert!(matches!(consume(key, 0).await, Ok(Replay::Fresh)));
    }
    assert!(matches!(consume("c", 60).await, Err(ReplayError::Full(2))));
    for key in ["a", "b"] {
        assert!(matches!(consume(key, 60).await, Ok(Replay::Seen)));
    }
    assert!(matches!(consume("c", 61).await, Ok(Replay::Fresh)));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_callers_one_is_first() {
    let store = std::sync::Arc::new(MemoryReplayStore::new(10));
    let callers: Vec<_> = (0..32)
        .map(|_| {
            let store = std::sync::Arc::clone(&store);
            tokio::spawn(async move { store.consume(ServiceAuth, "a", at(60), at(0)).await.ok() })
        })
        .collect();
    let mut fresh = 0;
    for caller in callers {
        fresh += usize::from(caller.await.expect("the caller ends") == Some(Replay::Fresh));
    }
    assert_eq!(fresh, 1);
}
