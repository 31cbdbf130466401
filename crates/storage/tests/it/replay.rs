//! What may be used once.

use crate::fixture::{Folder, seconds};

#[tokio::test]
async fn a_key_is_used_up_within_its_scope() {
    let folder = Folder::new();
    let storage = folder.open().await;
    let replays = storage.replays();
    assert!(
        replays
            .consume("jti", "a", seconds(60))
            .await
            .expect("runs")
    );
    assert!(
        !replays
            .consume("jti", "a", seconds(60))
            .await
            .expect("runs")
    );
    assert!(
        replays
            .consume("dpop", "a", seconds(60))
            .await
            .expect("runs")
    );
    assert!(
        replays
            .consume("jti", "b", seconds(60))
            .await
            .expect("runs")
    );
}

#[tokio::test]
async fn of_many_at_once_one_wins() {
    let folder = Folder::new();
    let storage = folder.open().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let replays = storage.replays();
        tasks.spawn(async move { replays.consume("jti", "a", seconds(60)).await });
    }
    let fresh = tasks
        .join_all()
        .await
        .into_iter()
        .filter(|fresh| matches!(fresh, Ok(true)));
    assert_eq!(fresh.count(), 1);
}

#[tokio::test]
async fn keys_are_forgotten_after_their_time_and_not_before() {
    let folder = Folder::new();
    let storage = folder.open().await;
    let replays = storage.replays();
    for key in ["a", "b", "c"] {
        assert!(
            replays
                .consume("jti", key, seconds(60))
                .await
                .expect("runs")
        );
    }
    assert_eq!(replays.sweep(seconds(60), 10).await.expect("runs"), 0);
    assert_eq!(replays.sweep(seconds(61), 2).await.expect("runs"), 2);
    assert_eq!(replays.sweep(seconds(61), 2).await.expect("runs"), 1);
    assert!(
        replays
            .consume("jti", "a", seconds(90))
            .await
            .expect("runs")
    );
}
