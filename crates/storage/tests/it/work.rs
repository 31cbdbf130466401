//! Steps of a delivery that several tests take.

use bytes::Bytes;
use loggia_delivery::{
    Answer, Attempt, DeliveryId, Due, Endpoint, EndpointId, Lease, LeaseRequest, Leased,
    NewNotification, NodeId, Outcome, Queue, Report, Settled, State,
};
use loggia_storage::{Enqueued, Storage};

use crate::fixture::{START, endpoint, recipient, seconds};

pub fn node() -> NodeId {
    NodeId::new("here")
}

pub fn lease(until: i64) -> Lease {
    Lease {
        node: node(),
        until: seconds(until),
    }
}

pub async fn add_endpoints(storage: &Storage, count: u8) -> Vec<Endpoint> {
    let endpoints: Vec<_> = (1..=count).map(endpoint).collect();
    let mut tx = storage.begin().await.expect("begins");
    for endpoint in &endpoints {
        storage
            .endpoints()
            .insert(&mut tx, endpoint)
            .await
            .expect("inserts");
    }
    tx.commit().await.expect("commits");
    endpoints
}

pub async fn enqueue(
    storage: &Storage,
    new: NewNotification,
    endpoints: &[Endpoint],
    lease: Option<&Lease>,
) -> Enqueued {
    let recipients: Vec<_> = endpoints.iter().map(recipient).collect();
    let mut tx = storage.begin().await.expect("begins");
    let enqueued = storage
        .deliveries()
        .enqueue(&mut tx, new, &recipients, lease, START)
        .await;
    tx.commit().await.expect("commits");
    enqueued.expect("enqueues")
}

pub async fn take(storage: &Storage, limit: usize, except: &[EndpointId], now: i64) -> Leased {
    let request = LeaseRequest {
        lease: lease(now + 300),
        limit,
        per_endpoint: 64,
        except: except.to_vec(),
    };
    storage
        .deliveries()
        .lease(&request, seconds(now))
        .await
        .expect("leases")
}

pub async fn state(storage: &Storage, id: DeliveryId) -> State {
    let found = storage
        .deliveries()
        .list(id.notification)
        .await
        .expect("lists");
    let found = found.into_iter().find(|delivery| delivery.id == id);
    found.expect("it was enqueued").state
}

pub fn settled(due: &Due, state: State, outcome: Outcome, report: Report) -> Settled {
    let number = due.attempts + 1;
    let attempt = Attempt {
        number,
        started: seconds(1),
        duration_ms: 20,
        outcome,
        refused: false,
    };
    Settled {
        id: due.id,
        lease: due.lease.clone(),
        state,
        attempt: Some(attempt),
        report: Some(report),
    }
}

pub fn answered(status: u16) -> Outcome {
    Outcome::Answered(Answer {
        status,
        retry_after: None,
        body: Bytes::from_static(b"ok"),
    })
}
