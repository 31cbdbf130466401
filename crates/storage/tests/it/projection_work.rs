//! Which projections have something to do, and whom a source concerns.

use loggia_storage::{ProjectionId, ProjectionStatus, ReaderCaps, ReaderRoom};

use crate::fixture::{Place, START, did, on_both, seconds};
use crate::histories::{append, event, stored};
use crate::projections::{find, new, projection};

on_both!(
    who_reads_a_source_is_found,
    sources_have_as_many_readers_as_they_may,
    a_projection_that_cannot_be_read_is_parked_and_keeps_no_other_back,
);

async fn who_reads_a_source_is_found(place: Place) {
    let storage = place.open().await;
    let projections = storage.projections();
    let mut tx = storage.begin().await.expect("begins");
    for (number, owner, reads) in [
        (1, "b", Some("x")),
        (2, "a", Some("x")),
        (3, "a", Some("x")),
        (4, "c", Some("y")),
        (5, "d", None),
    ] {
        let id = ProjectionId::new(START, [number; 10]);
        let inserted = projections
            .insert(&mut tx, (id, &did(owner)), &new(reads), 2, START)
            .await;
        assert!(inserted.expect("inserts"));
    }
    let id = ProjectionId::new(START, [6; 10]);
    let full = projections
        .insert(&mut tx, (id, &did("a")), &new(None), 2, START)
        .await;
    assert!(!full.expect("runs"));
    assert!(projections.any_reads(&mut tx).await.expect("looks"));
    let sources = ["x", "y", "z"].map(str::to_owned).into();
    let readers = projections.readers_of(&mut tx, &sources).await;
    let readers: Vec<_> = readers.expect("finds").into_iter().collect();
    let of = |owner, source: &str| (did(owner), [source.to_owned()].into());
    assert_eq!(readers, [of("a", "x"), of("b", "x"), of("c", "y")]);
    tx.commit().await.expect("commits");
}

async fn sources_have_as_many_readers_as_they_may(place: Place) {
    let storage = place.open().await;
    let projections = storage.projections();
    let mut tx = storage.begin().await.expect("begins");
    for (number, owner, reads) in [
        (1, "a", Some("records x")),
        (2, "a", Some("space one")),
        (3, "b", Some("records y did")),
        (4, "b", None),
        (5, "c", Some("space one a.b.c")),
        (6, "d", Some("space ones")),
    ] {
        let id = ProjectionId::new(START, [number; 10]);
        let inserted = projections
            .insert(&mut tx, (id, &did(owner)), &new(reads), 9, START)
            .await;
        assert!(inserted.expect("inserts"));
    }
    for (number, owner, source, of_owner, of_source, room) in [
        (7, "a", "records", 2, 9, ReaderRoom::OwnerFull),
        (7, "a", "records", 3, 2, ReaderRoom::SourceFull),
        (7, "a", "records", 3, 3, ReaderRoom::Free),
        (1, "a", "records", 2, 2, ReaderRoom::Free),
        (7, "b", "space one", 2, 2, ReaderRoom::SourceFull),
        (7, "b", "space one", 2, 3, ReaderRoom::Free),
    ] {
        let which = (ProjectionId::new(START, [number; 10]), &did(owner));
        let caps = ReaderCaps {
            of_owner,
            of_source,
        };
        let found = projections.room_to_read(&mut tx, which, source, caps).await;
        assert_eq!(
            found.expect("looks"),
            room,
            "{number} {owner} {source} {caps:?}"
        );
    }
    tx.commit().await.expect("commits");
}

async fn a_projection_that_cannot_be_read_is_parked_and_keeps_no_other_back(place: Place) {
    let storage = place.open().await;
    let damaged = projection(&storage, 1, "a").await;
    let damage = "UPDATE projection SET updated_at = 9223372036854775807";
    place.damage(damage).await;
    let well = projection(&storage, 2, "a").await;
    stored(append(&storage, "a", vec![event(1, "order_1")]).await);
    let projections = storage.projections();
    let behind = projections.behind(None, 1).await.expect("looks");
    assert!(behind.projections.is_empty());
    let last = behind.last.clone().expect("one was read");
    let next = projections.behind(Some(&last), 1).await.expect("looks");
    assert_eq!(next.projections, [well]);
    let mut tx = storage.begin().await.expect("begins");
    let [unreadable] = &behind.unreadable[..] else {
        panic!("one: {behind:?}")
    };
    let parked = projections.park_unreadable(&mut tx, unreadable, seconds(5));
    parked.await.expect("parks");
    tx.commit().await.expect("commits");
    assert_eq!(
        projections
            .behind(None, 9)
            .await
            .expect("looks")
            .unreadable
            .len(),
        0
    );

    let shown = find(&storage, damaged.id, "a").await;
    let ProjectionStatus::Parked(parked) = shown.status else {
        panic!("{shown:?}")
    };
    assert_eq!((parked.event, parked.at), (None, seconds(5)));
    assert!(
        parked.error.contains("unusable updated_at"),
        "{}",
        parked.error
    );
    let listed = projections.list(&did("a"), None, 9).await.expect("lists");
    assert_eq!(listed.len(), 2);
}
