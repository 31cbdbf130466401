//! What is kept of record streams: cursors, references, frames put aside.

use loggia_storage::{BacklinkReferences, Storage, StreamCursor};

use crate::fixture::{Place, on_both, seconds};

on_both!(
    cursors_are_kept_for_each_stream_and_source,
    a_cursor_that_cannot_be_read_is_left_out,
    references_are_found_replaced_and_forgotten,
    references_have_a_limit,
    frames_are_counted_and_their_number_is_bounded,
);

fn cursor(source: &str, position: i64) -> StreamCursor {
    StreamCursor {
        source: source.to_owned(),
        position,
        time: seconds(position),
    }
}

async fn save(storage: &Storage, stream: &str, cursor: &StreamCursor) {
    let mut tx = storage.begin().await.expect("begins");
    storage
        .stream_cursors()
        .save(&mut tx, stream, cursor, seconds(0))
        .await
        .expect("saves");
    tx.commit().await.expect("commits");
}

async fn cursors_are_kept_for_each_stream_and_source(place: Place) {
    let storage = place.open().await;
    save(&storage, "network", &cursor("wss://a.example.com/", 1)).await;
    save(&storage, "network", &cursor("wss://b.example.com/", 3)).await;
    save(&storage, "network", &cursor("wss://a.example.com/", 2)).await;
    save(&storage, "own", &cursor("wss://a.example.com/", 9)).await;
    let cursors = storage.stream_cursors();
    let found = cursors.list("network").await.expect("lists");
    assert_eq!(
        found,
        [
            cursor("wss://b.example.com/", 3),
            cursor("wss://a.example.com/", 2)
        ]
    );
    // A source may count anew.
    save(&storage, "own", &cursor("wss://a.example.com/", 4)).await;
    let own = cursors.list("own").await.expect("lists");
    assert_eq!(own, [cursor("wss://a.example.com/", 4)]);
}

async fn a_cursor_that_cannot_be_read_is_left_out(place: Place) {
    let storage = place.open().await;
    save(&storage, "network", &cursor("wss://a.example.com/", 1)).await;
    save(&storage, "network", &cursor("wss://b.example.com/", 2)).await;
    place
        .damage("UPDATE stream_cursor SET time_us = 9223372036854775807 WHERE position = 1")
        .await;
    let found = storage.stream_cursors().list("network").await;
    assert_eq!(found.expect("lists"), [cursor("wss://b.example.com/", 2)]);
}

async fn put(references: &BacklinkReferences, storage: &Storage, uri: &str, to: &str, at: i64) {
    let mut tx = storage.begin().await.expect("begins");
    let too_large = references
        .put(&mut tx, &[(uri, to)], seconds(at))
        .await
        .expect("puts");
    assert_eq!(too_large, 0);
    tx.commit().await.expect("commits");
}

async fn targets(references: &BacklinkReferences, storage: &Storage, uri: &str) -> String {
    let mut tx = storage.begin().await.expect("begins");
    let mut found = references.find(&mut tx, &[uri]).await.expect("finds");
    found.remove(uri).unwrap_or_default()
}

async fn references_are_found_replaced_and_forgotten(place: Place) {
    let storage = place.open().await;
    let references = storage.backlink_references();
    put(&references, &storage, "at://a/b/c", "at://x at://y", 0).await;
    put(&references, &storage, "at://a/b/d", "at://x", 1).await;
    put(&references, &storage, "at://a/b/c", "at://z", 2).await;
    assert_eq!(targets(&references, &storage, "at://a/b/c").await, "at://z");
    put(&references, &storage, "at://a/b/d", "", 3).await;
    assert!(
        targets(&references, &storage, "at://a/b/d")
            .await
            .is_empty()
    );
    let week = 7 * 86_400;
    let sweep = async |at| references.sweep(seconds(at), 10).await.expect("sweeps");
    assert_eq!(sweep(week + 1).await, 0);
    assert_eq!(sweep(week + 2).await, 1);
}

async fn references_have_a_limit(place: Place) {
    let storage = place.open().await;
    let references = storage.backlink_references().with_most(2);
    for (at, uri) in ["at://a", "at://b", "at://c"].into_iter().enumerate() {
        let at = i64::try_from(at).expect("is small");
        put(&references, &storage, uri, "at://x", at).await;
    }
    assert!(targets(&references, &storage, "at://a").await.is_empty());
    assert_eq!(targets(&references, &storage, "at://c").await, "at://x");
    let long = format!("at://{}", "x".repeat(BacklinkReferences::MOST_BYTES));
    let mut tx = storage.begin().await.expect("begins");
    let too_large = references
        .put(&mut tx, &[("at://c", &long)], seconds(9))
        .await;
    tx.commit().await.expect("commits");
    assert_eq!(too_large.expect("puts"), 1);
    let left = targets(&references, &storage, "at://c").await;
    assert!(left.is_empty(), "what it referred to before is old");
}

async fn frames_are_counted_and_their_number_is_bounded(place: Place) {
    let storage = place.open().await;
    let quarantine = storage.stream_quarantine().with_most(2);
    for (at, sha256) in ["aa", "bb", "aa", "cc"].into_iter().enumerate() {
        let at = seconds(i64::try_from(at).expect("is small"));
        let mut tx = storage.begin().await.expect("begins");
        quarantine
            .put(&mut tx, "network", sha256, "not JSON", Some(7), at)
            .await
            .expect("puts");
        quarantine.trim(&mut tx).await.expect("trims");
        tx.commit().await.expect("commits");
    }
    let listed = quarantine.list("network", 10).await.expect("lists");
    let seen: Vec<_> = listed.iter().map(|one| (&*one.sha256, one.seen)).collect();
    assert_eq!(seen, [("cc", 1), ("aa", 2)]);
    assert_eq!(listed[1].first_at, seconds(0));
    assert_eq!(listed[1].last_at, seconds(2));
    assert_eq!(listed[1].position, Some(7));
}
