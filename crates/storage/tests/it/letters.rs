//! Deliveries in whatever state a test wants them.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{
    AbandonReason, DeliveryId, Endpoint, Fault, NewNotification, Notification, NotificationId,
    Outcome, Queue, Report, State,
};
use loggia_storage::Storage;
use loggia_syntax::Nsid;

use crate::fixture::{START, recipient, seconds};
use crate::work::{answered, lease, node, settled};

pub const KIND: &str = "com.example.happened";

/// When the notification of this number was accepted.
pub fn at(number: u32) -> Timestamp {
    START + SignedDuration::from_millis(i64::from(number))
}

fn numbered(endpoint: &Endpoint, number: u32, kind: &'static str) -> NewNotification {
    // Its own at each endpoint.
    let mut random = [endpoint.id.as_bytes()[15]; 10];
    random[..4].copy_from_slice(&number.to_be_bytes());
    let notification = Notification {
        id: NotificationId::new(at(number), random),
        kind: Nsid::from_static(kind),
        subject: format!("thing {number}"),
        body: Bytes::from_static(br#"{"x":1}"#),
        created_at: at(number),
        deadline: seconds(86_400),
    };
    NewNotification {
        notification,
        source: None,
    }
}

/// Enqueues notifications of these numbers to an endpoint, all in one transaction.
pub async fn enqueue_all(
    storage: &Storage,
    endpoint: &Endpoint,
    numbers: impl Iterator<Item = u32>,
    kind: &'static str,
) -> Vec<DeliveryId> {
    let mut made = Vec::new();
    let mut tx = storage.begin().await.expect("begins");
    for number in numbers {
        let enqueued = storage
            .deliveries()
            .enqueue(
                &mut tx,
                numbered(endpoint, number, kind),
                &[recipient(endpoint)],
                None,
                at(number),
            )
            .await
            .expect("enqueues");
        made.push(DeliveryId {
            notification: enqueued.notification,
            endpoint: endpoint.id,
        });
    }
    tx.commit().await.expect("commits");
    made
}

/// Enqueues a notification and has its first attempt end so.
pub async fn attempted(
    storage: &Storage,
    endpoint: &Endpoint,
    number: u32,
    outcome: Outcome,
) -> DeliveryId {
    ended(storage, endpoint, number, (outcome, false)).await
}

/// A notification whose receiver says no in an answer of 200.
pub async fn refused(storage: &Storage, endpoint: &Endpoint, number: u32) -> DeliveryId {
    ended(storage, endpoint, number, (answered(200), true)).await
}

/// `refused` is what the profile reads in an answer.
async fn ended(
    storage: &Storage,
    endpoint: &Endpoint,
    number: u32,
    (outcome, refused): (Outcome, bool),
) -> DeliveryId {
    let mut tx = storage.begin().await.expect("begins");
    let enqueued = storage
        .deliveries()
        .enqueue(
            &mut tx,
            numbered(endpoint, number, KIND),
            &[recipient(endpoint)],
            Some(&lease(300)),
            at(number),
        )
        .await
        .expect("enqueues");
    tx.commit().await.expect("commits");
    let due = enqueued.due.first().expect("it is leased");
    let (attempts, at) = (1, seconds(2));
    let (state, report) = match &outcome {
        Outcome::Answered(answer) if answer.status < 300 && !refused => {
            (State::Delivered { attempts, at }, Report::Succeeded)
        }
        _ => {
            let reason = AbandonReason::Permanent;
            let state = State::Abandoned {
                attempts,
                at,
                reason,
            };
            (state, Report::Failed)
        }
    };
    let mut done = settled(due, state, outcome, report);
    if let Some(attempt) = &mut done.attempt {
        attempt.started = self::at(number);
        attempt.refused = refused;
        attempt.duration_ms = u64::from(number % 100);
    }
    let recorded = storage
        .deliveries()
        .record(&node(), &[done], seconds(2))
        .await;
    assert!(recorded.expect("records").stale.is_empty());
    due.id
}

/// A dead letter.
pub async fn dead(storage: &Storage, endpoint: &Endpoint, number: u32) -> DeliveryId {
    attempted(storage, endpoint, number, Outcome::Failed(Fault::Blocked)).await
}

/// A delivery that arrived.
pub async fn delivered(storage: &Storage, endpoint: &Endpoint, number: u32) -> DeliveryId {
    attempted(storage, endpoint, number, answered(204)).await
}
