//! What owners do with their endpoints and deliveries.

use std::num::NonZeroU32;

use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{
    AbandonReason, CancelReason, CustomHeaders, DeliveryId, DisableReason, Endpoint, EndpointId,
    EndpointState, HealthRules, Queue, Report, Secret, State, Target,
};
use loggia_storage::{EndpointChange, OwnedEndpoint, Storage};
use loggia_syntax::Nsid;

use crate::fixture::{Place, did, endpoint, notification, on_both, seconds};
use crate::work::{add_endpoints, answered, enqueue, lease, node, settled, state, take};

on_both!(
    an_endpoint_is_read_back_as_its_owner_wrote_it,
    an_owner_has_at_most_so_many_and_lists_them_page_by_page,
    only_the_owner_changes_and_only_what_they_made,
    a_rotation_overlaps,
    a_deleted_endpoint_is_gone_for_its_owner_with_its_secrets,
    an_owner_is_told_once_where_they_asked_for_it,
    what_has_ended_can_be_replayed_and_is_numbered_on,
    an_attempt_that_came_back_after_the_end_keeps_its_number,
    what_cannot_be_replayed_is_left,
    what_is_open_can_be_cancelled,
);

const DISABLED: Nsid = Nsid::from_static("dev.loggia.endpoint.disabled");

fn owned(number: u8) -> OwnedEndpoint {
    let mut owned = OwnedEndpoint::new(endpoint(number));
    owned.endpoint.headers = CustomHeaders::new([("x-key", "a token")]).expect("may be set");
    owned.endpoint.per_second = NonZeroU32::new(5);
    owned.kinds = vec![DISABLED];
    owned.description = "„für mich“".to_owned();
    owned
}

async fn create(storage: &Storage, owned: &OwnedEndpoint, most: u32) -> bool {
    let mut tx = storage.begin().await.expect("begins");
    let created = storage.endpoints().create(&mut tx, owned, most).await;
    tx.commit().await.expect("commits");
    created.expect("runs")
}

async fn find(storage: &Storage, id: EndpointId) -> Option<OwnedEndpoint> {
    let found = storage.endpoints().find_owned(&did("feed"), id).await;
    found.expect("finds")
}

async fn an_endpoint_is_read_back_as_its_owner_wrote_it(place: Place) {
    let storage = place.open().await;
    let owned = owned(1);
    assert!(create(&storage, &owned, 10).await);
    let id = owned.endpoint.id;
    assert_eq!(find(&storage, id).await, Some(owned.clone()));
    assert_eq!(
        storage.endpoints().find(id).await.expect("finds"),
        Some(owned.endpoint)
    );
    let other = storage.endpoints().find_owned(&did("other"), id).await;
    assert_eq!(other.expect("runs"), None);
}

async fn an_owner_has_at_most_so_many_and_lists_them_page_by_page(place: Place) {
    let storage = place.open().await;
    for number in 1..=3 {
        assert!(create(&storage, &owned(number), 3).await);
    }
    assert!(!create(&storage, &owned(4), 3).await);
    // A webhook's endpoint is listed, and counts for nothing.
    let mut tx = storage.begin().await.expect("begins");
    let inserted = storage.endpoints().insert(&mut tx, &endpoint(9)).await;
    inserted.expect("inserts");
    tx.commit().await.expect("commits");
    let list = async |after| {
        let listed = storage.endpoints().list(&did("feed"), after, 2).await;
        let ids = listed.expect("lists").into_iter();
        ids.map(|owned| owned.endpoint.id).collect::<Vec<_>>()
    };
    let id = |number| endpoint(number).id;
    assert_eq!(list(None).await, [id(9), id(3)]);
    assert_eq!(list(Some(id(3))).await, [id(2), id(1)]);
    assert_eq!(list(Some(id(1))).await, []);
}

async fn only_the_owner_changes_and_only_what_they_made(place: Place) {
    let storage = place.open().await;
    create(&storage, &owned(1), 10).await;
    add_endpoints(&storage, 0).await;
    let mut tx = storage.begin().await.expect("begins");
    let endpoints = storage.endpoints();
    endpoints
        .insert(&mut tx, &endpoint(2))
        .await
        .expect("inserts");
    let target = Target::new("https://feed.example.com/new").expect("a good URL");
    let change = EndpointChange {
        target: Some(target.clone()),
        kinds: Some(Vec::new()),
        per_second: Some(None),
        ..EndpointChange::default()
    };
    for (owner, number, changed) in [("feed", 1, true), ("other", 1, false), ("feed", 2, false)] {
        let (owner, id, now) = (did(owner), endpoint(number).id, seconds(9));
        let updated = endpoints
            .update(&mut tx, &owner, id, change.clone(), now)
            .await;
        assert_eq!(
            updated.expect("runs").is_some(),
            changed,
            "{owner} {number}"
        );
        if !changed {
            let deleted = endpoints.delete(&mut tx, &owner, id, now).await;
            assert!(!deleted.expect("runs"));
        }
    }
    tx.commit().await.expect("commits");
    let mut expected = owned(1);
    expected.endpoint.target = target;
    expected.endpoint.per_second = None;
    expected.kinds = Vec::new();
    expected.updated_at = Some(seconds(9));
    assert_eq!(find(&storage, endpoint(1).id).await, Some(expected));
}

async fn a_rotation_overlaps(place: Place) {
    let storage = place.open().await;
    create(&storage, &owned(1), 10).await;
    let secret = Secret::generate_ed25519([9; 32]);
    let mut tx = storage.begin().await.expect("begins");
    let rotated = storage
        .endpoints()
        .rotate(
            &mut tx,
            &did("feed"),
            endpoint(1).id,
            secret.clone(),
            SignedDuration::from_secs(60),
            seconds(10),
        )
        .await;
    assert!(rotated.expect("rotates"));
    tx.commit().await.expect("commits");
    let found = find(&storage, endpoint(1).id).await.expect("is there");
    let secrets = found.endpoint.secrets;
    let old = endpoint(1).secrets.current.expect("it has one");
    let signs = |at| secrets.at(seconds(at)).cloned().collect::<Vec<_>>();
    assert_eq!(signs(69), [secret.clone(), old]);
    assert_eq!(signs(70), [secret]);
}

async fn a_deleted_endpoint_is_gone_for_its_owner_with_its_secrets(place: Place) {
    let storage = place.open().await;
    create(&storage, &owned(1), 1).await;
    let told = [endpoint(1)];
    let enqueued = enqueue(&storage, notification(1, None), &told, None).await;
    let id = endpoint(1).id;
    let mut tx = storage.begin().await.expect("begins");
    let endpoints = storage.endpoints();
    for expected in [true, false] {
        let deleted = endpoints
            .delete(&mut tx, &did("feed"), id, seconds(5))
            .await;
        assert_eq!(deleted.expect("runs"), expected);
    }
    // Nothing brings it back.
    endpoints.enable(&mut tx, id).await.expect("runs");
    tx.commit().await.expect("commits");
    assert_eq!(find(&storage, id).await, None);
    let row = endpoints.find(id).await.expect("finds").expect("is kept");
    let reason = DisableReason::Deleted;
    let at = seconds(5);
    assert_eq!(row.state, EndpointState::Disabled { reason, at });
    assert!(row.secrets.current.is_none() && row.headers.is_empty());
    let delivery = DeliveryId {
        notification: enqueued.notification,
        endpoint: id,
    };
    assert!(!state(&storage, delivery).await.is_open());
    assert!(create(&storage, &owned(2), 1).await, "there is room again");
    assert_eq!(endpoints.sweep(seconds(9), 10).await.expect("sweeps"), 0);
    let before = loggia_storage::EndedBefore {
        delivered: seconds(9),
        dead_letters: seconds(9),
    };
    let deliveries = storage.deliveries();
    let ended = deliveries.ended(&before, 10).await.expect("lists");
    assert_eq!(deliveries.remove(&ended).await.expect("removes"), 1);
    assert_eq!(endpoints.sweep(seconds(9), 10).await.expect("sweeps"), 1);
}

async fn an_owner_is_told_once_where_they_asked_for_it(place: Place) {
    let storage = place.open().await;
    for number in 1..=2 {
        create(&storage, &owned(number), 10).await;
    }
    // One of the same owner that did not ask, and one of somebody else that did.
    let mut deaf = owned(3);
    deaf.kinds = Vec::new();
    create(&storage, &deaf, 10).await;
    let mut foreign = owned(4);
    foreign.endpoint.owner = did("other");
    create(&storage, &foreign, 10).await;
    let rules = HealthRules {
        failures: 1,
        over: SignedDuration::ZERO,
    };
    let deliveries = storage.deliveries().with_rules(rules);
    for number in 1..=2 {
        let told = [endpoint(1)];
        let enqueued = enqueue(&storage, notification(number, None), &told, None).await;
        assert_eq!(enqueued.new, 1);
    }
    let taken = take(&storage, 9, &[], 1).await.due;
    let batch: Vec<_> = taken
        .iter()
        .map(|due| {
            let retry = State::Pending {
                attempts: 1,
                due: seconds(60),
            };
            settled(due, retry, answered(500), Report::Failed)
        })
        .collect();
    for _ in 0..2 {
        let recorded = deliveries.record(&node(), &batch, seconds(2)).await;
        assert_eq!(recorded.expect("records").disabled, [endpoint(1).id]);
    }
    let told = take(&storage, 9, &[], 3).await.due;
    let [due] = &told[..] else {
        panic!("one is told, once: {told:?}")
    };
    assert_eq!(due.endpoint.id, endpoint(2).id);
    assert_eq!(due.notification.kind, DISABLED);
    let body: serde_json::Value =
        serde_json::from_slice(&due.notification.body).expect("the body is JSON");
    let expected = serde_json::json!({
        "endpoint": endpoint(1).id.to_string(),
        "reason": "failing",
        "at": seconds(2).to_string(),
    });
    assert_eq!(body, expected, "and no URL, which may be a secret");
}

/// One delivery to each of some endpoints, given up at second 5.
async fn dead_letters(storage: &Storage, count: u8) -> (Vec<Endpoint>, Vec<DeliveryId>) {
    let endpoints = add_endpoints(storage, count).await;
    let new = notification(1, None);
    let enqueued = enqueue(storage, new, &endpoints, Some(&lease(300))).await;
    let dead = State::Abandoned {
        attempts: 1,
        at: seconds(5),
        reason: AbandonReason::Permanent,
    };
    let batch: Vec<_> = enqueued
        .due
        .iter()
        .map(|due| settled(due, dead.clone(), answered(404), Report::Failed))
        .collect();
    let recorded = storage
        .deliveries()
        .record(&node(), &batch, seconds(5))
        .await;
    assert_eq!(recorded.expect("records").stale, []);
    (endpoints, enqueued.due.iter().map(|due| due.id).collect())
}

async fn an_attempt_that_came_back_after_the_end_keeps_its_number(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 1).await;
    let lease = lease(300);
    let enqueued = enqueue(&storage, notification(1, None), &endpoints, Some(&lease)).await;
    let due = &enqueued.due[0];
    let deliveries = storage.deliveries();
    let mut tx = storage.begin().await.expect("begins");
    let cancelled = deliveries.cancel(&mut tx, &[due.id], seconds(1)).await;
    assert_eq!(cancelled.expect("cancels"), [due.id]);
    tx.commit().await.expect("commits");

    let late = settled(due, due.state(), answered(500), Report::Failed);
    let recorded = deliveries.record(&node(), &[late], seconds(2)).await;
    assert_eq!(recorded.expect("records").stale, [due.id]);

    assert_eq!(replay(&storage, &[due.id], seconds(900)).await, [due.id]);
    let taken = take(&storage, 9, &[], 100).await.due;
    let [again] = &taken[..] else {
        panic!("one: {taken:?}")
    };
    assert_eq!(
        again.number(again.attempts + 1),
        2,
        "the log has a first one"
    );
}

async fn replay(storage: &Storage, ids: &[DeliveryId], deadline: Timestamp) -> Vec<DeliveryId> {
    let mut tx = storage.begin().await.expect("begins");
    let deliveries = storage.deliveries();
    let replayed = deliveries
        .replay(&mut tx, ids, deadline, seconds(100))
        .await;
    tx.commit().await.expect("commits");
    let mut replayed = replayed.expect("replays");
    replayed.sort_by_key(|id| id.endpoint);
    replayed
}

async fn what_has_ended_can_be_replayed_and_is_numbered_on(place: Place) {
    let storage = place.open().await;
    let (_, ids) = dead_letters(&storage, 2).await;
    let deadline = seconds(100_000);
    assert_eq!(replay(&storage, &ids, deadline).await, ids);
    assert_eq!(replay(&storage, &ids, deadline).await, [], "they are open");
    let taken = take(&storage, 9, &[], 100).await.due;
    assert_eq!(taken.len(), 2);
    for due in &taken {
        assert_eq!((due.attempts, due.earlier), (0, 1));
        assert_eq!(due.number(1), 2);
        assert_eq!(due.deadline, deadline);
    }
    let delivered = State::Delivered {
        attempts: 1,
        at: seconds(101),
    };
    let mut done = settled(&taken[0], delivered, answered(200), Report::Succeeded);
    if let Some(attempt) = &mut done.attempt {
        attempt.number = taken[0].number(1);
    }
    let deliveries = storage.deliveries();
    let recorded = deliveries.record(&node(), &[done], seconds(101)).await;
    assert_eq!(recorded.expect("records").stale, []);
    let attempts = deliveries.attempts(taken[0].id).await.expect("lists");
    let numbers: Vec<_> = attempts.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, [1, 2], "the first life stays on record");
    let again = replay(&storage, &[taken[0].id], deadline).await;
    assert_eq!(again, [taken[0].id], "what arrived can be sent again");
    let due = &take(&storage, 9, &[], 102).await.due[0];
    assert_eq!((due.attempts, due.earlier), (0, 2));
}

async fn what_cannot_be_replayed_is_left(place: Place) {
    let storage = place.open().await;
    let (endpoints, ids) = dead_letters(&storage, 2).await;
    let mut tx = storage.begin().await.expect("begins");
    let id = endpoints[0].id;
    let disabled = storage
        .endpoints()
        .disable(&mut tx, id, DisableReason::Owner, seconds(6))
        .await;
    disabled.expect("disables");
    tx.commit().await.expect("commits");
    assert_eq!(replay(&storage, &ids, seconds(100)).await, [], "too late");
    assert_eq!(replay(&storage, &ids, seconds(101)).await, ids[1..]);
    assert_eq!(state(&storage, ids[0]).await.name(), "abandoned");
}

async fn what_is_open_can_be_cancelled(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 2).await;
    let new = notification(1, None);
    let leased = enqueue(&storage, new, &endpoints[..1], Some(&lease(300))).await;
    let pending = enqueue(&storage, notification(2, None), &endpoints[1..], None).await;
    let ids = [
        leased.due[0].id,
        DeliveryId {
            notification: pending.notification,
            endpoint: endpoints[1].id,
        },
    ];
    for expected in [2, 0] {
        let mut tx = storage.begin().await.expect("begins");
        let cancelled = storage.deliveries().cancel(&mut tx, &ids, seconds(3)).await;
        assert_eq!(cancelled.expect("cancels").len(), expected);
        tx.commit().await.expect("commits");
    }
    let cancelled = State::Cancelled {
        attempts: 0,
        at: seconds(3),
        reason: CancelReason::Owner,
    };
    for id in ids {
        assert_eq!(state(&storage, id).await, cancelled);
    }
    // The attempt that was under way is on record, and that is all.
    let delivered = State::Delivered {
        attempts: 1,
        at: seconds(4),
    };
    let late = settled(&leased.due[0], delivered, answered(200), Report::Succeeded);
    let deliveries = storage.deliveries();
    let recorded = deliveries.record(&node(), &[late], seconds(4)).await;
    assert_eq!(recorded.expect("records").stale, [ids[0]]);
    assert_eq!(state(&storage, ids[0]).await, cancelled);
    assert_eq!(deliveries.attempts(ids[0]).await.expect("lists").len(), 1);
}
