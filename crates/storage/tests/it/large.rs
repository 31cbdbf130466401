//! Large fan-outs.

use std::sync::Arc;

use jiff::Timestamp;
use loggia_delivery::{EndpointId, NotificationId, Recipient};
use loggia_storage::Storage;

use crate::fixture::{Place, START, endpoint, notification, on_both, seconds};
use crate::work::{add_endpoints, lease, take};

on_both!(
    ten_thousand_are_told_at_once_and_the_body_is_stored_once,
    a_body_that_goes_to_many_is_in_memory_once,
    a_backlog_ends_in_parts,
);

const MANY: u16 = 10_000;

async fn endpoints(storage: &Storage) -> Vec<Recipient> {
    let mut tx = storage.begin().await.expect("begins");
    let mut recipients = Vec::new();
    for number in 0..MANY {
        let [high, low] = number.to_be_bytes();
        let mut endpoint = endpoint(low);
        endpoint.id = EndpointId::new(START, [0, 0, 0, 0, 0, 0, 0, 0, high, low]);
        let inserted = storage.endpoints().insert(&mut tx, &endpoint).await;
        inserted.expect("inserts");
        recipients.push(Recipient::new(endpoint.id, Timestamp::MAX));
    }
    tx.commit().await.expect("commits");
    recipients
}

async fn ten_thousand_are_told_at_once_and_the_body_is_stored_once(place: Place) {
    let storage = place.open().await;
    let recipients = endpoints(&storage).await;
    let lease = lease(300);
    for (new, pending, due) in [(10_000, 9_000, 1_000), (0, 0, 0)] {
        let mut tx = storage.begin().await.expect("begins");
        let enqueued = storage
            .deliveries()
            .enqueue(
                &mut tx,
                notification(1, Some("event")),
                &recipients,
                Some(&lease),
                START,
            )
            .await
            .expect("enqueues");
        tx.commit().await.expect("commits");
        let counts = (enqueued.new, enqueued.pending, enqueued.due.len());
        assert_eq!(counts, (new, pending, due));
    }
    let bodies = place
        .ask("SELECT CAST(count(*) AS TEXT) FROM notification")
        .await;
    assert_eq!(bodies, "1");
}

async fn a_body_that_goes_to_many_is_in_memory_once(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 20).await;
    let to = endpoints.iter();
    let to: Vec<_> = to.map(|to| Recipient::new(to.id, Timestamp::MAX)).collect();
    let mut tx = storage.begin().await.expect("begins");
    let (new, deliveries) = (notification(1, None), storage.deliveries());
    let enqueued = deliveries.enqueue(&mut tx, new, &to, None, START).await;
    assert_eq!(enqueued.expect("enqueues").pending, 20);
    tx.commit().await.expect("commits");
    let taken = take(&storage, 100, &[], 1).await.due;
    assert_eq!(taken.len(), 20);
    let first = &taken[0].notification;
    assert!(
        taken
            .iter()
            .all(|due| Arc::ptr_eq(&due.notification, first))
    );
}

/// Whoever writes waits for one part at most, however much is pending for an endpoint that is
/// disabled, or was over while nobody looked.
async fn a_backlog_ends_in_parts(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 2).await;
    let mut tx = storage.begin().await.expect("begins");
    for number in 0..1_500_u16 {
        let [high, low] = number.to_be_bytes();
        let mut new = notification(1, None);
        new.notification.id = NotificationId::new(START, [0, 0, 0, 0, 0, 0, 0, 0, high, low]);
        let to = [
            Recipient::new(endpoints[0].id, Timestamp::MAX),
            Recipient::new(endpoints[1].id, seconds(1)),
        ];
        let deliveries = storage.deliveries();
        let enqueued = deliveries.enqueue(&mut tx, new, &to, None, START).await;
        enqueued.expect("enqueues");
    }
    tx.commit().await.expect("commits");
    place
        .damage(
            "UPDATE endpoint SET disabled_reason = 'owner', disabled_at = 0
             WHERE url = 'https://feed.example.com/1'",
        )
        .await;
    let counts = "SELECT CAST(sum(CASE state WHEN 'cancelled' THEN 1 ELSE 0 END) AS TEXT) || ' '
             || CAST(sum(CASE state WHEN 'expired' THEN 1 ELSE 0 END) AS TEXT) FROM delivery";
    let full: Vec<_> = endpoints.iter().map(|endpoint| endpoint.id).collect();
    // One is taken by the first look, before it is swept up: the engine sees that it is over.
    for expected in ["1000 1000", "1500 1499"] {
        for due in take(&storage, 1, &[], 2).await.due {
            assert!(due.deadline <= seconds(2), "{due:?}");
        }
        take(&storage, 1, &full[..1], 2).await;
        assert_eq!(place.ask(counts).await, expected);
    }
}
