//! For how long the version of an aggregate outlives its events.

use loggia_storage::{
    Fold, Folded, KeptState, NewEvent, NewProjection, ProjectionId, Storage, StoredEvent,
};

use crate::fixture::{Place, START, did, on_both, seconds};
use crate::histories::{append, event, stored};

on_both!(
    versions_go_with_the_last_reader,
    versions_go_a_while_after_their_events,
    versions_from_before_they_were_kept_are_those_of_states,
);

fn sourced(number: u8, aggregate: &str) -> NewEvent {
    NewEvent {
        origin: Some("x".to_owned()),
        ..event(number, aggregate)
    }
}

/// A projection of `a` that reads the source.
async fn reader(storage: &Storage, number: u8, definition: &str) -> ProjectionId {
    let id = ProjectionId::new(START, [number; 10]);
    let new = NewProjection {
        definition: definition.to_owned(),
        reads: Some("x".to_owned()),
    };
    let mut tx = storage.begin().await.expect("begins");
    let projections = storage.projections();
    let owner = did("a");
    let inserted = projections.insert(&mut tx, (id, &owner), &new, 9, START);
    assert!(inserted.await.expect("inserts"));
    tx.commit().await.expect("commits");
    id
}

/// Folds these states, and all events.
async fn fold(storage: &Storage, id: ProjectionId, states: &[(&str, i64)]) {
    let projections = storage.projections();
    let found = projections.find(id, &did("a")).await.expect("finds");
    let states = states.iter().map(|&(key, version)| KeptState {
        key: key.to_owned(),
        version,
        state: "{}".to_owned(),
    });
    let fold = Fold {
        cursor: storage.events().end(&did("a")).await.expect("reads"),
        states: states.collect(),
        notices: Vec::new(),
        parked: None,
    };
    let mut tx = storage.begin().await.expect("begins");
    let found = found.expect("is there");
    let folded = projections.fold(&mut tx, &found, &fold, START).await;
    assert_eq!(folded.expect("folds"), Folded::Done);
    tx.commit().await.expect("commits");
}

/// Removes the events of `a` from before that second.
async fn sweep(storage: &Storage, before: i64) -> u64 {
    let (owner, events) = (did("a"), storage.events());
    let swept = events.sweep_sourced(owner.as_str(), seconds(before));
    swept.await.expect("sweeps")
}

/// Removes the versions of what had gone by that second.
async fn sweep_versions(storage: &Storage, before: i64) -> u64 {
    let swept = storage.events().sweep_versions(seconds(before)).await;
    swept.expect("sweeps")
}

/// The versions that new events of these aggregates have.
async fn next(storage: &Storage, number: u8, aggregates: &[&str]) -> Vec<i64> {
    let events = (number..).zip(aggregates);
    let events = events.map(|(number, aggregate)| sourced(number, aggregate));
    let stored = stored(append(storage, "a", events.collect()).await);
    stored.iter().map(|one: &StoredEvent| one.version).collect()
}

async fn versions_go_with_the_last_reader(place: Place) {
    let storage = place.open().await;
    let first = reader(&storage, 1, "{}").await;
    let second = reader(&storage, 2, "{}").await;
    assert_eq!(next(&storage, 1, &["one", "one", "two"]).await, [1, 2, 1]);
    fold(&storage, first, &[]).await;
    fold(&storage, second, &[]).await;
    assert_eq!(sweep(&storage, 9).await, 3);
    let projections = storage.projections();
    for (id, gone) in [(first, 0), (second, 2)] {
        let mut tx = storage.begin().await.expect("begins");
        let (owner, at) = (did("a"), seconds(9));
        let deleted = projections.delete(&mut tx, (id, &owner), at).await;
        assert!(deleted.expect("runs").is_some());
        tx.commit().await.expect("commits");
        assert_eq!(sweep_versions(&storage, 0).await, gone);
    }
    assert_eq!(sweep_versions(&storage, 0).await, 0);
    // Whoever reads from now on has heard of none of them.
    reader(&storage, 3, "{}").await;
    assert_eq!(next(&storage, 4, &["one"]).await, [1]);
}

async fn versions_go_a_while_after_their_events(place: Place) {
    let storage = place.open().await;
    let id = reader(&storage, 1, "{}").await;
    assert_eq!(next(&storage, 1, &["one", "one", "two"]).await, [1, 2, 1]);
    fold(&storage, id, &[]).await;
    assert_eq!(sweep(&storage, 9).await, 3);
    // Something is heard of one of them.
    assert_eq!(next(&storage, 4, &["two"]).await, [2]);
    fold(&storage, id, &[]).await;
    assert_eq!(sweep(&storage, 20).await, 1);
    assert_eq!(sweep_versions(&storage, 8).await, 0);
    assert_eq!(sweep_versions(&storage, 9).await, 1);
    assert_eq!(next(&storage, 5, &["one", "two"]).await, [1, 3]);
}

async fn versions_from_before_they_were_kept_are_those_of_states(place: Place) {
    let storage = place.open().await;
    let plain = reader(&storage, 1, r#"{"reducer":".key"}"#).await;
    let keyed = reader(&storage, 2, r#"{"key":"\"all\""}"#).await;
    let all = ["one", "one", "two", "all"];
    assert_eq!(next(&storage, 1, &all).await, [1, 2, 1, 1]);
    fold(&storage, plain, &[("one", 2), ("two", 1)]).await;
    fold(&storage, keyed, &[("all", 4)]).await;
    assert_eq!(sweep(&storage, 9).await, 4);
    storage.close().await;
    drop(storage);
    // As the steps before left it.
    place.damage("DELETE FROM swept_version").await;
    let index = "DROP INDEX swept_version_age";
    place.execute(index, index).await;
    let column = "ALTER TABLE swept_version DROP COLUMN swept_before";
    place.execute(column, column).await;
    let step = "DELETE FROM _sqlx_migrations WHERE version = 24";
    place.damage(step).await;

    let storage = place.open().await;
    // What a program names is no aggregate.
    assert_eq!(next(&storage, 5, &["one", "two", "all"]).await, [3, 2, 1]);
    // They are as old as what has gone.
    fold(&storage, plain, &[]).await;
    fold(&storage, keyed, &[]).await;
    assert_eq!(sweep_versions(&storage, 8).await, 0);
    assert_eq!(sweep_versions(&storage, 9).await, 2);
}
