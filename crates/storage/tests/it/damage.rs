//! Rows that cannot be read: they harm nobody but themselves.

use loggia_delivery::{AbandonReason, CancelReason, DeliveryId, Queue, Report, State};

use crate::fixture::{Place, START, notification, on_both, seconds};
use crate::work::{add_endpoints, answered, enqueue, lease, node, settled, state, take};

on_both!(
    an_endpoint_that_cannot_be_read_is_disabled_and_the_others_are_told,
    an_endpoint_that_cannot_be_read_keeps_no_other_from_being_leased,
    an_endpoint_that_cannot_be_read_keeps_no_other_from_being_listed,
    a_notification_that_cannot_be_read_keeps_no_other_from_being_leased,
    health_that_cannot_be_read_keeps_no_outcome_from_being_recorded,
);

/// The first endpoint's secret moves to where it does not open.
const SECRET: &str = "UPDATE endpoint SET secret = unhex('01020304') WHERE url LIKE '%/1'";

async fn reason(place: &Place) -> String {
    place
        .ask("SELECT disabled_reason FROM endpoint WHERE url LIKE '%/1'")
        .await
}

async fn an_endpoint_that_cannot_be_read_is_disabled_and_the_others_are_told(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 3).await;
    place.damage(SECRET).await;
    let lease = lease(300);
    let enqueued = enqueue(&storage, notification(1, None), &endpoints, Some(&lease)).await;
    assert_eq!(enqueued.new, 3);
    let told: Vec<_> = enqueued.due.iter().map(|due| due.id.endpoint).collect();
    assert_eq!(told, [endpoints[1].id, endpoints[2].id]);
    let untold = DeliveryId {
        notification: enqueued.notification,
        endpoint: endpoints[0].id,
    };
    let cancelled = State::Cancelled {
        attempts: 0,
        at: START,
        reason: CancelReason::Disabled,
    };
    assert_eq!(state(&storage, untold).await, cancelled);
    assert_eq!(reason(&place).await, "unreadable");
    let again = enqueue(&storage, notification(2, None), &endpoints, Some(&lease)).await;
    assert_eq!((again.new, again.due.len()), (3, 2));
}

async fn an_endpoint_that_cannot_be_read_keeps_no_other_from_being_leased(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 2).await;
    let enqueued = enqueue(&storage, notification(1, None), &endpoints, None).await;
    place.damage(SECRET).await;
    let taken = take(&storage, 10, &[], 1).await;
    let [due] = &taken.due[..] else {
        panic!("one of the two: {taken:?}")
    };
    assert_eq!(due.id.endpoint, endpoints[1].id);
    assert_eq!(taken.next_due, None, "nothing is left");
    let untold = DeliveryId {
        notification: enqueued.notification,
        endpoint: endpoints[0].id,
    };
    let cancelled = State::Cancelled {
        attempts: 0,
        at: seconds(1),
        reason: CancelReason::Disabled,
    };
    assert_eq!(state(&storage, untold).await, cancelled);
    assert_eq!(reason(&place).await, "unreadable");
}

async fn an_endpoint_that_cannot_be_read_keeps_no_other_from_being_listed(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 2).await;
    place.damage(SECRET).await;
    let owner = &endpoints[0].owner;
    let listed = storage.endpoints().list(owner, None, 1).await;
    let listed = listed.expect("lists");
    let ids: Vec<_> = listed.iter().map(|owned| owned.endpoint.id).collect();
    assert_eq!(
        ids,
        [endpoints[1].id],
        "a whole page, whichever comes first"
    );
}

async fn a_notification_that_cannot_be_read_keeps_no_other_from_being_leased(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 1).await;
    let bad = enqueue(&storage, notification(1, None), &endpoints, None).await;
    place
        .damage("UPDATE notification SET kind = 'no NSID'")
        .await;
    let good = enqueue(&storage, notification(2, None), &endpoints, None).await;
    let taken = take(&storage, 10, &[], 1).await;
    let [due] = &taken.due[..] else {
        panic!("one of the two: {taken:?}")
    };
    assert_eq!(due.id.notification, good.notification);
    let abandoned = State::Abandoned {
        attempts: 0,
        at: seconds(1),
        reason: AbandonReason::Unreadable,
    };
    let bad = DeliveryId {
        notification: bad.notification,
        endpoint: endpoints[0].id,
    };
    assert_eq!(state(&storage, bad).await, abandoned);
}

async fn health_that_cannot_be_read_keeps_no_outcome_from_being_recorded(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 2).await;
    let lease = lease(300);
    let enqueued = enqueue(&storage, notification(1, None), &endpoints, Some(&lease)).await;
    place
        .damage("UPDATE endpoint SET consecutive_failures = -1 WHERE url LIKE '%/1'")
        .await;
    let delivered = State::Delivered {
        attempts: 1,
        at: seconds(1),
    };
    let done = |due| settled(due, delivered.clone(), answered(204), Report::Succeeded);
    let batch: Vec<_> = enqueued.due.iter().map(done).collect();
    let recorded = storage
        .deliveries()
        .record(&node(), &batch, seconds(1))
        .await;
    let recorded = recorded.expect("records");
    assert_eq!(
        (recorded.stale.len(), recorded.disabled),
        (0, vec![endpoints[0].id])
    );
    for due in &enqueued.due {
        assert_eq!(state(&storage, due.id).await, delivered);
    }
    assert_eq!(reason(&place).await, "unreadable");
}
