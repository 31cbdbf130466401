//! The queue: idempotent, fair, exact about time.

use jiff::SignedDuration;
use loggia_delivery::{
    CancelReason, DeliveryId, DisableReason, Endpoint, Fault, Outcome, Queue, Report, State,
};
use loggia_storage::Enqueue;

use crate::fixture::{Place, START, notification, on_both, recipient, seconds};
use crate::work::{add_endpoints, enqueue, lease, node, settled, state, take};

on_both!(
    several_are_enqueued_like_each_alone,
    the_same_source_never_makes_two_deliveries,
    nothing_is_leased_before_it_is_due,
    a_backlog_hides_nobodys_work_and_full_lanes_are_left_out,
    what_is_past_its_deadline_expires_and_the_disabled_are_cancelled,
    lapsed_leases_go_out_again,
    a_transaction_that_is_dropped_leaves_nothing,
);

async fn the_same_source_never_makes_two_deliveries(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 2).await;
    let first = enqueue(
        &storage,
        notification(1, Some("event")),
        &endpoints[..1],
        None,
    )
    .await;
    let again = enqueue(&storage, notification(2, Some("event")), &endpoints, None).await;
    assert_eq!((first.new, again.new), (1, 1));
    assert_eq!(first.notification, again.notification);
    let other = enqueue(&storage, notification(3, None), &endpoints, None).await;
    assert_eq!(other.new, 2);
}

async fn nothing_is_leased_before_it_is_due(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 1).await;
    let enqueued = enqueue(
        &storage,
        notification(1, None),
        &endpoints,
        Some(&lease(300)),
    )
    .await;
    // A fraction of a millisecond counts as well.
    let due = seconds(60) + SignedDuration::from_nanos(1);
    let retry = State::Pending { attempts: 1, due };
    let failed = settled(
        &enqueued.due[0],
        retry,
        Outcome::Failed(Fault::Dns),
        Report::Failed,
    );
    storage
        .deliveries()
        .record(&node(), &[failed], seconds(1))
        .await
        .expect("records");
    let early = take(&storage, 10, &[], 60).await;
    let millisecond = SignedDuration::from_millis(1);
    assert!(early.due.is_empty());
    assert_eq!(early.next_due, Some(seconds(60) + millisecond));
    let [due] = &take(&storage, 10, &[], 61).await.due[..] else {
        panic!("now it is due")
    };
    assert_eq!(due.attempts, 1);
}

async fn a_backlog_hides_nobodys_work_and_full_lanes_are_left_out(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 3).await;
    for number in 0..20 {
        enqueue(&storage, notification(number, None), &endpoints[..1], None).await;
    }
    enqueue(&storage, notification(20, None), &endpoints[1..], None).await;
    let taken = take(&storage, 6, &[], 1).await;
    let of = |endpoint: &Endpoint| {
        taken
            .due
            .iter()
            .filter(|due| due.id.endpoint == endpoint.id)
            .count()
    };
    assert_eq!(
        [of(&endpoints[0]), of(&endpoints[1]), of(&endpoints[2])],
        [2, 1, 1]
    );
    assert!(
        taken.next_due.is_some_and(|due| due <= seconds(1)),
        "there is more"
    );
    let rest = take(&storage, 6, &[endpoints[0].id], 1).await;
    assert!(rest.due.is_empty() && rest.next_due.is_none());
}

async fn what_is_past_its_deadline_expires_and_the_disabled_are_cancelled(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 2).await;
    let late = enqueue(&storage, notification(1, None), &endpoints[..1], None).await;
    let late = DeliveryId {
        notification: late.notification,
        endpoint: endpoints[0].id,
    };
    assert!(take(&storage, 10, &[], 86_400).await.due.is_empty());
    assert_eq!(
        state(&storage, late).await,
        State::Expired {
            attempts: 0,
            at: seconds(86_400)
        }
    );

    let pending = enqueue(&storage, notification(2, None), &endpoints[1..], None).await;
    let id = endpoints[1].id;
    let mut tx = storage.begin().await.expect("begins");
    let disabled = storage
        .endpoints()
        .disable(&mut tx, id, DisableReason::Owner, seconds(5))
        .await;
    disabled.expect("disables");
    tx.commit().await.expect("commits");
    let skipped = enqueue(
        &storage,
        notification(3, None),
        &endpoints[1..],
        Some(&lease(9)),
    )
    .await;
    assert!(skipped.due.is_empty());
    for (notification, at) in [
        (pending.notification, seconds(5)),
        (skipped.notification, START),
    ] {
        let reason = CancelReason::Disabled;
        let found = state(
            &storage,
            DeliveryId {
                notification,
                endpoint: id,
            },
        )
        .await;
        assert_eq!(
            found,
            State::Cancelled {
                attempts: 0,
                at,
                reason
            }
        );
    }
}

async fn lapsed_leases_go_out_again(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 1).await;
    enqueue(
        &storage,
        notification(1, None),
        &endpoints,
        Some(&lease(300)),
    )
    .await;
    assert!(take(&storage, 10, &[], 299).await.due.is_empty());
    assert_eq!(take(&storage, 10, &[], 300).await.due.len(), 1);
}

async fn a_transaction_that_is_dropped_leaves_nothing(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 1).await;
    let mut tx = storage.begin().await.expect("begins");
    let recipients = [recipient(&endpoints[0])];
    let new = notification(1, Some("event"));
    let enqueued = storage
        .deliveries()
        .enqueue(&mut tx, new, &recipients, None, START)
        .await;
    assert_eq!(enqueued.expect("enqueues").new, 1);
    drop(tx);
    assert_eq!(
        storage
            .deliveries()
            .backlog()
            .await
            .expect("counts")
            .pending,
        0
    );
    let again = enqueue(&storage, notification(1, Some("event")), &endpoints, None).await;
    assert_eq!(again.new, 1);
}

async fn several_are_enqueued_like_each_alone(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 3).await;
    let before = enqueue(&storage, notification(1, Some("a")), &endpoints[..1], None).await;
    let recipients: Vec<_> = endpoints.iter().map(recipient).collect();
    let lease = lease(300);
    let one = |number, source, recipients, lease| Enqueue {
        new: notification(number, source),
        recipients,
        lease,
        room: 9,
    };
    let all = vec![
        one(2, Some("b"), &recipients[..2], Some(&lease)),
        one(3, Some("a"), &recipients[..2], None),
        one(4, None, &recipients[..0], Some(&lease)),
        one(5, Some("b"), &recipients[1..], Some(&lease)),
        one(6, None, &recipients[2..], Some(&lease)),
    ];
    let mut tx = storage.begin().await.expect("begins");
    let deliveries = storage.deliveries();
    let enqueued = deliveries.enqueue_all(&mut tx, all, START).await;
    tx.commit().await.expect("commits");
    let enqueued = enqueued.expect("enqueues");
    let counts: Vec<_> = enqueued
        .iter()
        .map(|one| (one.new, one.pending, one.due.len()))
        .collect();
    assert_eq!(
        counts,
        [(2, 0, 2), (1, 1, 0), (0, 0, 0), (1, 0, 1), (1, 0, 1)]
    );
    assert_eq!(enqueued[1].notification, before.notification);
    assert_eq!(enqueued[3].notification, enqueued[0].notification);
    let due = &enqueued[4].due[0];
    assert_eq!(*due.notification, notification(6, None).notification);
    assert_eq!(due.endpoint.id, endpoints[2].id);
    assert_eq!(state(&storage, due.id).await, due.state());
}
