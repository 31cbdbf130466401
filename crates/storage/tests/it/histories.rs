//! Histories of events.

use loggia_storage::{Appended, EventId, NewEvent, Storage, StoredEvent};

use crate::fixture::{Place, START, did, on_both, seconds};

on_both!(
    positions_and_versions_have_no_gaps,
    a_version_that_is_not_expected_undoes_the_batch,
    a_source_makes_an_event_once,
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
