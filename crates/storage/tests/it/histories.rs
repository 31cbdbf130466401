//! Histories of events.

use std::collections::BTreeMap;

use loggia_storage::{
    Appended, EventId, Fold, Folded, NewEvent, Parked, Projection, ProjectionId, Storage,
    StoredEvent,
};

use crate::fixture::{Place, START, did, on_both, seconds};
use crate::projections::{find, new};

on_both!(
    positions_and_versions_have_no_gaps,
    a_version_that_is_not_expected_undoes_the_batch,
    a_source_makes_an_event_once,
    many_histories_are_appended_to_at_once,
    what_came_from_a_source_goes_once_it_is_old_and_folded,
    versions_never_go_back_whatever_has_gone,
);

pub fn event(number: u8, aggregate: &str) -> NewEvent {
    NewEvent {
        id: EventId::new(START, [number; 10]),
        aggregate: aggregate.to_owned(),
        aggregate_type: "order".to_owned(),
        kind: "placed".to_owned(),
        data: r#"{"n":1.5}"#.to_owned(),
        metadata: None,
        correlation: None,
        causation: None,
        source: None,
        origin: None,
        expected: None,
    }
}

pub async fn append(storage: &Storage, owner: &str, events: Vec<NewEvent>) -> Appended {
    let mut tx = storage.begin().await.expect("begins");
    let appended = storage
        .events()
        .append(&mut tx, &did(owner), events, seconds(1))
        .await;
    let appended = appended.expect("runs");
    if matches!(appended, Appended::Done(_)) {
        tx.commit().await.expect("commits");
    }
    appended
}

#[track_caller]
pub fn stored(appended: Appended) -> Vec<StoredEvent> {
    match appended {
        Appended::Done(stored) => stored,
        conflict => panic!("{conflict:?}"),
    }
}

async fn positions_and_versions_have_no_gaps(place: Place) {
    let storage = place.open().await;
    let first = vec![
        event(1, "order_1"),
        event(2, "order_2"),
        event(3, "order_1"),
    ];
    let first = stored(append(&storage, "a", first).await);
    let second = stored(append(&storage, "a", vec![event(4, "order_1")]).await);
    let places = |events: &[StoredEvent]| -> Vec<(i64, i64)> {
        events
            .iter()
            .map(|event| (event.position, event.version))
            .collect()
    };
    assert_eq!(places(&first), [(1, 1), (2, 1), (3, 2)]);
    assert_eq!(places(&second), [(4, 3)]);
    let events = storage.events();
    let read = events.after(&did("a"), 1, 2).await.expect("reads");
    assert_eq!(read, first[1..]);
    let read = events
        .list(&did("a"), "order_1", 1, 9)
        .await
        .expect("lists");
    assert_eq!(places(&read), [(3, 2), (4, 3)]);
}

async fn a_version_that_is_not_expected_undoes_the_batch(place: Place) {
    let storage = place.open().await;
    let expecting = |number, expected| NewEvent {
        expected: Some(expected),
        ..event(number, "order_1")
    };
    let all = vec![expecting(1, 0), expecting(2, 1), expecting(3, 1)];
    let conflict = Appended::Conflict {
        place: 2,
        version: 2,
    };
    assert_eq!(append(&storage, "a", all).await, conflict);
    let read = storage.events().after(&did("a"), 0, 9).await;
    assert_eq!(read.expect("reads"), []);
    let all = vec![expecting(1, 0), expecting(2, 1)];
    assert_eq!(stored(append(&storage, "a", all).await).len(), 2);
}

async fn a_source_makes_an_event_once(place: Place) {
    let storage = place.open().await;
    let of = |number, source: &str| NewEvent {
        source: Some(source.to_owned()),
        ..event(number, "order_1")
    };
    let first = vec![of(1, "x"), of(2, "x"), of(3, "y")];
    assert_eq!(stored(append(&storage, "a", first).await).len(), 2);
    let second = vec![of(4, "y"), of(5, "z"), event(6, "order_1")];
    let second = stored(append(&storage, "a", second).await);
    assert_eq!(
        second.iter().map(|event| event.version).collect::<Vec<_>>(),
        [3, 4]
    );
    assert_eq!(
        stored(append(&storage, "b", vec![of(7, "x")]).await).len(),
        1
    );
}

async fn many_histories_are_appended_to_at_once(place: Place) {
    let storage = place.open().await;
    let of = |number, source: &str| NewEvent {
        source: Some(source.to_owned()),
        ..event(number, "order_1")
    };
    stored(append(&storage, "b", vec![of(1, "x"), event(2, "order_2")]).await);
    let histories = BTreeMap::from([
        (did("a"), vec![of(3, "x"), of(4, "y")]),
        (did("b"), vec![of(5, "x"), of(6, "y")]),
        (did("c"), vec![]),
    ]);
    let mut tx = storage.begin().await.expect("begins");
    let appended = storage
        .events()
        .append_all(&mut tx, histories, seconds(2))
        .await;
    tx.commit().await.expect("commits");
    assert_eq!(stored(appended.expect("runs")).len(), 3);
    for (owner, expected) in [
        ("a", vec![(1, 1), (2, 2)]),
        ("b", vec![(1, 1), (2, 1), (3, 2)]),
    ] {
        let read = storage.events().after(&did(owner), 0, 9).await;
        let read = read.expect("reads");
        let places = read.iter().map(|event| (event.position, event.version));
        assert_eq!(places.collect::<Vec<_>>(), expected, "{owner}");
        let end = storage.events().end(&did(owner)).await;
        assert_eq!(end.expect("reads"), expected.len() as i64);
    }
}

/// A projection that reads, and where it stands.
async fn reader(storage: &Storage, number: u8, cursor: i64, parked: Option<i64>) -> Projection {
    let id = ProjectionId::new(START, [number; 10]);
    let owner = did("a");
    let mut tx = storage.begin().await.expect("begins");
    let projections = storage.projections();
    let inserted = projections
        .insert(&mut tx, (id, &owner), &new(Some("x")), 9, START)
        .await;
    assert!(inserted.expect("inserts"));
    let made = projections.find_within(&mut tx, (id, &owner)).await;
    let fold = Fold {
        cursor,
        states: Vec::new(),
        notices: Vec::new(),
        parked: parked.map(|at| Parked {
            event: None,
            error: "broken".to_owned(),
            at: seconds(at),
        }),
    };
    let made = made.expect("finds").expect("is there");
    let folded = projections.fold(&mut tx, &made, &fold, START).await;
    assert_eq!(folded.expect("folds"), Folded::Done);
    tx.commit().await.expect("commits");
    find(storage, id, "a").await
}

async fn what_came_from_a_source_goes_once_it_is_old_and_folded(place: Place) {
    let storage = place.open().await;
    let of = |number| NewEvent {
        origin: Some("x".to_owned()),
        ..event(number, "order_1")
    };
    // All at second 1, the second one by the owner.
    stored(
        append(
            &storage,
            "a",
            vec![of(1), event(2, "order_1"), of(3), of(4)],
        )
        .await,
    );
    let events = storage.events();
    let left = async || {
        let left = events.after(&did("a"), 0, 9).await.expect("reads");
        left.iter().map(|event| event.position).collect::<Vec<_>>()
    };
    let sweep = async |before| {
        let owner = did("a");
        let swept = events.sweep_sourced(owner.as_str(), seconds(before)).await;
        swept.expect("sweeps")
    };
    reader(&storage, 1, 4, None).await;
    let behind = reader(&storage, 2, 2, Some(5)).await;
    assert_eq!(
        events.sourced_before(seconds(1), "").await.expect("lists"),
        [""; 0]
    );
    assert_eq!(sweep(1).await, 0, "not old");
    let owners = events.sourced_before(seconds(2), "").await.expect("lists");
    assert_eq!(owners, [did("a").to_string()]);
    let after = events.sourced_before(seconds(2), did("a").as_str()).await;
    assert_eq!(after.expect("lists"), [""; 0]);
    assert_eq!(sweep(2).await, 1);
    assert_eq!(left().await, [2, 3, 4], "one projection stands before them");
    assert_eq!(
        events.sourced_from(&did("a")).await.expect("reads"),
        Some(seconds(2))
    );
    // It stands there for too long.
    assert_eq!(sweep(6).await, 2);
    assert_eq!(left().await, [2]);
    assert_eq!(sweep(6).await, 0);
    assert_eq!(events.end(&did("a")).await.expect("reads"), 4);
    // What comes next has the next position, and projections that stand before it see that.
    stored(append(&storage, "a", vec![of(5)]).await);
    assert_eq!(left().await, [2, 5]);
    let next = events.after(&did("a"), behind.cursor, 9).await;
    assert_eq!(next.expect("reads").len(), 1);
}

async fn versions_never_go_back_whatever_has_gone(place: Place) {
    let storage = place.open().await;
    let of = |number, aggregate: &str| NewEvent {
        origin: Some("x".to_owned()),
        ..event(number, aggregate)
    };
    let versions = async |events| {
        let stored = stored(append(&storage, "a", events).await);
        stored.iter().map(|one| one.version).collect::<Vec<_>>()
    };
    let sweep = async || {
        let (owner, events) = (did("a"), storage.events());
        let swept = events.sweep_sourced(owner.as_str(), seconds(9)).await;
        swept.expect("sweeps")
    };
    assert_eq!(
        versions(vec![of(1, "one"), of(2, "one"), of(3, "two")]).await,
        [1, 2, 1]
    );
    assert_eq!(sweep().await, 3);
    let all = vec![of(4, "one"), event(5, "two"), of(6, "three")];
    assert_eq!(versions(all).await, [3, 2, 1]);
    // What its owner appended stays, and counts.
    assert_eq!(sweep().await, 2);
    let expecting = NewEvent {
        expected: Some(3),
        ..of(7, "one")
    };
    assert_eq!(versions(vec![expecting, of(8, "two")]).await, [4, 3]);
    let again = NewEvent {
        expected: Some(0),
        ..of(9, "three")
    };
    let conflict = Appended::Conflict {
        place: 0,
        version: 1,
    };
    assert_eq!(append(&storage, "a", vec![again]).await, conflict);
    // Another's aggregate of that name is another one.
    assert_eq!(
        stored(append(&storage, "b", vec![of(10, "one")]).await)[0].version,
        1
    );
}
