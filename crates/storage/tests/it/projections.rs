//! What projections make of histories, and their webhooks.

use jiff::SignedDuration;
use loggia_delivery::{CustomHeaders, Endpoint, EndpointId, Profile, Secret, Secrets, Target};
use loggia_storage::{
    Fold, Folded, KeptState, NewNotice, NewProjection, Parked, Projection, ProjectionId,
    ProjectionStatus, Storage,
};

use crate::fixture::{Place, START, did, on_both, seconds};
use crate::histories::{append, event, stored};

on_both!(
    histories_are_their_owners,
    a_fold_is_written_once,
    a_parked_projection_goes_on_where_it_stood,
    a_new_beginning_forgets_states_and_keeps_numbers,
    old_notifications_are_removed,
    what_was_deleted_is_swept,
    webhooks_share_a_secret,
);

pub fn new(reads: Option<&str>) -> NewProjection {
    NewProjection {
        definition: "{}".to_owned(),
        reads: reads.map(str::to_owned),
    }
}

pub async fn projection(storage: &Storage, number: u8, owner: &str) -> Projection {
    let id = ProjectionId::new(START, [number; 10]);
    let mut tx = storage.begin().await.expect("begins");
    let projections = storage.projections();
    let inserted = projections
        .insert(&mut tx, (id, &did(owner)), &new(None), 9, START)
        .await;
    assert!(inserted.expect("inserts"));
    tx.commit().await.expect("commits");
    find(storage, id, owner).await
}

pub async fn find(storage: &Storage, id: ProjectionId, owner: &str) -> Projection {
    let found = storage.projections().find(id, &did(owner)).await;
    found.expect("finds").expect("is there")
}

async fn behind(storage: &Storage) -> Vec<Projection> {
    let behind = storage.projections().behind(None, 9).await;
    behind.expect("looks").projections
}

async fn fold(storage: &Storage, projection: &Projection, fold: Fold) -> Folded {
    let mut tx = storage.begin().await.expect("begins");
    let projections = storage.projections();
    let folded = projections
        .fold(&mut tx, projection, &fold, seconds(2))
        .await;
    let folded = folded.expect("folds");
    if folded == Folded::Done {
        tx.commit().await.expect("commits");
    }
    folded
}

fn notice(sequence: i64) -> NewNotice {
    NewNotice {
        sequence,
        body: format!(r#"{{"sequence":{sequence}}}"#),
    }
}

fn one(cursor: i64, sequence: i64) -> Fold {
    let state = KeptState {
        key: "order_1".to_owned(),
        version: sequence,
        state: sequence.to_string(),
    };
    Fold {
        cursor,
        states: vec![state],
        notices: vec![notice(sequence)],
        parked: None,
    }
}

async fn sequences(storage: &Storage, id: ProjectionId, after: i64) -> Vec<i64> {
    let notices = storage.projections().notices_after(id, after, 100).await;
    let notices = notices.expect("lists");
    notices.iter().map(|notice| notice.sequence).collect()
}

async fn histories_are_their_owners(place: Place) {
    let storage = place.open().await;
    stored(append(&storage, "a", vec![event(1, "order_1")]).await);
    let other = stored(append(&storage, "b", vec![event(2, "order_1")]).await);
    assert_eq!((other[0].position, other[0].version), (1, 1));
    let projections = storage.projections();
    let id = projection(&storage, 1, "a").await.id;
    assert_eq!(projections.find(id, &did("b")).await.expect("runs"), None);
    let mut tx = storage.begin().await.expect("begins");
    let other = did("b");
    let which = (id, &other);
    assert!(
        !projections
            .update(&mut tx, which, &new(None), START)
            .await
            .expect("runs")
    );
    assert!(
        !projections
            .restart(&mut tx, which, START)
            .await
            .expect("runs")
    );
    let deleted = projections.delete(&mut tx, which, START).await;
    assert_eq!(deleted.expect("runs"), None);
}

async fn a_fold_is_written_once(place: Place) {
    let storage = place.open().await;
    stored(
        append(
            &storage,
            "a",
            vec![event(1, "order_1"), event(2, "order_1")],
        )
        .await,
    );
    let projection = projection(&storage, 1, "a").await;
    let projections = storage.projections();
    assert_eq!(behind(&storage).await, std::slice::from_ref(&projection));
    assert_eq!(fold(&storage, &projection, one(1, 1)).await, Folded::Done);
    assert_eq!(fold(&storage, &projection, one(1, 1)).await, Folded::Lost);
    assert_eq!(fold(&storage, &projection, one(2, 1)).await, Folded::Lost);
    let next = find(&storage, projection.id, "a").await;
    assert_eq!((next.cursor, next.sequence), (1, 1));
    assert_eq!(fold(&storage, &next, one(2, 2)).await, Folded::Done);
    assert_eq!(behind(&storage).await, []);
    assert_eq!(sequences(&storage, next.id, 0).await, [1, 2]);
    assert_eq!(sequences(&storage, next.id, 1).await, [2]);
    let latest = projections.latest_notices(next.id, 1).await.expect("lists");
    assert_eq!(latest[0].sequence, 2);
    let keys = ["order_1".to_owned(), "order_2".to_owned()];
    let states = projections.states(&next, &keys).await.expect("reads");
    assert_eq!(states, one(2, 2).states);
    let known = projections.sequences(&[next.id]).await.expect("reads");
    assert_eq!(known, [(next.id, 2)]);
}

async fn a_parked_projection_goes_on_where_it_stood(place: Place) {
    let storage = place.open().await;
    let events = stored(append(&storage, "a", vec![event(1, "order_1")]).await);
    let before = projection(&storage, 1, "a").await;
    let parked = Parked {
        event: Some(events[0].id),
        error: "no".to_owned(),
        at: seconds(2),
    };
    let stops = Fold {
        cursor: 0,
        states: Vec::new(),
        notices: Vec::new(),
        parked: Some(parked.clone()),
    };
    assert_eq!(fold(&storage, &before, stops).await, Folded::Done);
    let found = find(&storage, before.id, "a").await;
    assert_eq!(found.status, ProjectionStatus::Parked(parked));
    let projections = storage.projections();
    assert_eq!(behind(&storage).await, []);
    assert_eq!(fold(&storage, &found, one(1, 1)).await, Folded::Lost);
    let mut tx = storage.begin().await.expect("begins");
    let owner = did("a");
    let which = (before.id, &owner);
    assert!(
        projections
            .update(&mut tx, which, &new(None), seconds(3))
            .await
            .expect("runs")
    );
    tx.commit().await.expect("commits");
    assert_eq!(
        fold(&storage, &before, one(1, 1)).await,
        Folded::Lost,
        "by the old one"
    );
    let found = find(&storage, before.id, "a").await;
    assert_eq!(
        (&found.status, found.cursor),
        (&ProjectionStatus::Active, 0)
    );
    assert_eq!(fold(&storage, &found, one(1, 1)).await, Folded::Done);
}

async fn a_new_beginning_forgets_states_and_keeps_numbers(place: Place) {
    let storage = place.open().await;
    stored(append(&storage, "a", vec![event(1, "order_1")]).await);
    let before = projection(&storage, 1, "a").await;
    assert_eq!(fold(&storage, &before, one(1, 1)).await, Folded::Done);
    let projections = storage.projections();
    let mut tx = storage.begin().await.expect("begins");
    let owner = did("a");
    let which = (before.id, &owner);
    assert!(
        projections
            .restart(&mut tx, which, seconds(3))
            .await
            .expect("runs")
    );
    tx.commit().await.expect("commits");
    let anew = find(&storage, before.id, "a").await;
    assert_eq!((anew.cursor, anew.sequence), (0, 1));
    let keys = ["order_1".to_owned()];
    assert_eq!(projections.states(&anew, &keys).await.expect("reads"), []);
    assert_eq!(fold(&storage, &anew, one(1, 2)).await, Folded::Done);
    assert_eq!(sequences(&storage, before.id, 0).await, [1, 2]);
    assert_eq!(
        projections.sweep().await.expect("sweeps"),
        1,
        "the old state"
    );
    assert_eq!(projections.sweep().await.expect("sweeps"), 0);
    assert_eq!(
        projections.states(&anew, &keys).await.expect("reads").len(),
        1
    );
}

async fn old_notifications_are_removed(place: Place) {
    let storage = place.open().await;
    stored(append(&storage, "a", vec![event(1, "order_1")]).await);
    let found = projection(&storage, 1, "a").await;
    let mut both = one(1, 1);
    both.notices.push(notice(2));
    assert_eq!(fold(&storage, &found, both).await, Folded::Done);
    let projections = storage.projections();
    assert_eq!(
        projections.old_notices(seconds(2), 9).await.expect("lists"),
        []
    );
    let old = projections.old_notices(seconds(3), 1).await.expect("lists");
    assert_eq!((old[0].projection, old[0].notice.sequence), (found.id, 1));
    assert_eq!(projections.remove_notices(&old).await.expect("removes"), 1);
    assert_eq!(sequences(&storage, found.id, 0).await, [2]);
}

async fn what_was_deleted_is_swept(place: Place) {
    let storage = place.open().await;
    stored(append(&storage, "a", vec![event(1, "order_1")]).await);
    let found = projection(&storage, 1, "a").await;
    assert_eq!(fold(&storage, &found, one(1, 1)).await, Folded::Done);
    let projections = storage.projections();
    let mut tx = storage.begin().await.expect("begins");
    let owner = did("a");
    let which = (found.id, &owner);
    let deleted = projections.delete(&mut tx, which, seconds(3)).await;
    assert!(deleted.expect("runs").is_some());
    let again = projections.delete(&mut tx, which, seconds(3)).await;
    assert_eq!(again.expect("runs"), None);
    tx.commit().await.expect("commits");
    assert_eq!(
        projections.list(&did("a"), None, 9).await.expect("lists"),
        []
    );
    assert_eq!(behind(&storage).await, []);
    assert_eq!(projections.sweep().await.expect("sweeps"), 3);
    assert_eq!(projections.sweep().await.expect("sweeps"), 0);
}

async fn webhooks_share_a_secret(place: Place) {
    let storage = place.open().await;
    let projections = storage.projections();
    let owner = did("a");
    let secret = |number| Secret::generate([number; 32]);
    let mut tx = storage.begin().await.expect("begins");
    let shared = projections.shared_secret(&mut tx, &owner, secret(1)).await;
    assert!(shared.expect("is made") == secret(1));
    let shared = projections.shared_secret(&mut tx, &owner, secret(2)).await;
    assert!(shared.expect("is found") == secret(1));
    tx.commit().await.expect("commits");
    let target = |path: &str| Target::new(&format!("https://a.example.com/{path}")).expect("a URL");
    let mut endpoints = Vec::new();
    for (number, isolated) in [(1, false), (2, false), (3, true)] {
        let found = projection(&storage, number, "a").await;
        let own = if isolated { secret(9) } else { secret(1) };
        let id = EndpointId::new(START, [number; 10]);
        let secrets = Secrets::one(own);
        let (owner, target) = (owner.clone(), target("x"));
        let new = Endpoint::new(id, owner, target, Profile::Hapnd, secrets, START);
        let mut tx = storage.begin().await.expect("begins");
        let added = projections.add_endpoint(&mut tx, found.id, &new, isolated);
        added.await.expect("is added");
        tx.commit().await.expect("commits");
        endpoints.push(id);
    }
    let hour = SignedDuration::from_hours(1);
    let mut tx = storage.begin().await.expect("begins");
    let rotated = projections
        .rotate_shared(&mut tx, &owner, &secret(5), hour, START)
        .await;
    assert_eq!(rotated.expect("rotates"), endpoints[..2]);
    let which = (&owner, endpoints[2]);
    let rotated = projections.rotate(&mut tx, which, secret(6), hour, START);
    assert!(rotated.await.expect("rotates"));
    let change = (target("y"), CustomHeaders::default());
    let changed = projections.change_endpoint(&mut tx, which, change, START);
    changed.await.expect("changes");
    tx.commit().await.expect("commits");
    let found = async |id| {
        let found = storage.endpoints().find(id).await.expect("finds");
        found.expect("is there")
    };
    let first = found(endpoints[0]).await.secrets;
    assert!(first.current == Some(secret(5)));
    assert!(first.previous.expect("signs along").0 == secret(1));
    let third = found(endpoints[2]).await;
    assert!(third.secrets.current == Some(secret(6)));
    assert_eq!(third.target, target("y"));
    // The owner cannot change them as endpoints of their own.
    let mut tx = storage.begin().await.expect("begins");
    let of_owner = storage.endpoints();
    let deleted = of_owner.delete(&mut tx, &owner, endpoints[0], START).await;
    assert!(!deleted.expect("runs"));
    let id = ProjectionId::new(START, [1; 10]);
    let which = (&owner, endpoints[0]);
    let removed = projections.remove_endpoint(&mut tx, id, which, START);
    removed.await.expect("removes");
    tx.commit().await.expect("commits");
    assert_eq!(find(&storage, id, "a").await.endpoint, None);
}
