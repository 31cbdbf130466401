//! Endpoints that are told in order, and topics of which only the newest state counts.

use loggia_delivery::{
    CancelReason, DeliveryId, Due, Endpoint, Fault, Lease, LeaseRequest, NodeId, NotificationId,
    Outcome, Queue, Recipient, Report, State,
};
use loggia_storage::{EndpointChange, OwnedEndpoint, Storage};

use crate::fixture::{Place, START, endpoint, notification, on_both, seconds};
use crate::work::{answered, enqueue, lease, settled, state};

on_both!(
    an_endpoint_in_order_is_never_leased_when_enqueued,
    a_run_of_the_oldest_is_leased_in_order_to_one_node,
    what_waits_for_its_retry_holds_up_those_behind_it,
    order_can_be_asked_for_and_given_up,
    what_was_enqueued_before_the_order_was_known_is_not_forgotten,
    a_newer_state_takes_the_place_of_those_that_wait,
    a_state_that_comes_back_late_is_superseded,
);

async fn in_order(storage: &Storage) -> Endpoint {
    let mut endpoint = endpoint(1);
    endpoint.in_order = true;
    insert(storage, &endpoint).await;
    endpoint
}

async fn insert(storage: &Storage, endpoint: &Endpoint) {
    let mut tx = storage.begin().await.expect("begins");
    let owned = OwnedEndpoint::new(endpoint.clone());
    let created = storage.endpoints().create(&mut tx, &owned, 10).await;
    assert!(created.expect("creates"));
    tx.commit().await.expect("commits");
}

async fn take(storage: &Storage, node: &str, limit: usize, now: i64) -> Vec<Due> {
    let request = LeaseRequest {
        lease: Lease {
            node: NodeId::new(node),
            until: seconds(now + 300),
        },
        limit,
        per_endpoint: 64,
        except: Vec::new(),
    };
    let leased = storage.deliveries().lease(&request, seconds(now)).await;
    leased.expect("leases").due
}

fn numbers(due: &[Due]) -> Vec<NotificationId> {
    due.iter().map(|due| due.id.notification).collect()
}

async fn backlog(storage: &Storage, endpoint: &Endpoint, count: u8) -> Vec<NotificationId> {
    let mut ids = Vec::new();
    for number in 0..count {
        let told = std::slice::from_ref(endpoint);
        let enqueued = enqueue(storage, notification(number, None), told, None).await;
        ids.push(enqueued.notification);
    }
    ids
}

async fn settle(storage: &Storage, node: &str, due: &Due, state: State, now: i64) {
    let (outcome, report) = match state {
        State::Delivered { .. } => (answered(200), Report::Succeeded),
        _ => (Outcome::Failed(Fault::Dns), Report::Failed),
    };
    let settled = settled(due, state, outcome, report);
    let recorded = storage
        .deliveries()
        .record(&NodeId::new(node), &[settled], seconds(now))
        .await;
    assert_eq!(recorded.expect("records").stale, []);
}

fn delivered(now: i64) -> State {
    State::Delivered {
        attempts: 1,
        at: seconds(now),
    }
}

fn retry(due: i64) -> State {
    State::Pending {
        attempts: 1,
        due: seconds(due),
    }
}

async fn an_endpoint_in_order_is_never_leased_when_enqueued(place: Place) {
    let storage = place.open().await;
    let endpoint = in_order(&storage).await;
    let told = std::slice::from_ref(&endpoint);
    let enqueued = enqueue(&storage, notification(1, None), told, Some(&lease(300))).await;
    assert_eq!(
        (enqueued.new, enqueued.pending, enqueued.due.len()),
        (1, 1, 0)
    );
}

async fn a_run_of_the_oldest_is_leased_in_order_to_one_node(place: Place) {
    let storage = place.open().await;
    let endpoint = in_order(&storage).await;
    let ids = backlog(&storage, &endpoint, 5).await;
    let run = take(&storage, "one", 2, 1).await;
    assert_eq!(numbers(&run), ids[..2]);
    assert!(
        take(&storage, "two", 9, 1).await.is_empty(),
        "not beside it"
    );
    let more = take(&storage, "one", 2, 1).await;
    assert!(more.is_empty(), "how the run goes is not on record yet");
    settle(&storage, "one", &run[0], delivered(2), 2).await;
    for node in ["one", "two"] {
        assert!(take(&storage, node, 9, 2).await.is_empty(), "still not");
    }
    settle(&storage, "one", &run[1], delivered(2), 2).await;
    assert_eq!(numbers(&take(&storage, "two", 9, 3).await), ids[2..]);
}

async fn what_waits_for_its_retry_holds_up_those_behind_it(place: Place) {
    let storage = place.open().await;
    let endpoint = in_order(&storage).await;
    let ids = backlog(&storage, &endpoint, 3).await;
    let run = take(&storage, "one", 9, 1).await;
    settle(&storage, "one", &run[0], retry(60), 2).await;
    for due in &run[1..] {
        let back = State::Pending {
            attempts: 0,
            due: seconds(2),
        };
        settle(&storage, "one", due, back, 2).await;
    }
    assert!(take(&storage, "one", 9, 59).await.is_empty());
    let next = storage.deliveries().oldest_due().await.expect("looks");
    assert_eq!(next, Some(seconds(60)), "nobody looks in vain until then");
    assert_eq!(numbers(&take(&storage, "two", 9, 60).await), ids);
}

async fn order_can_be_asked_for_and_given_up(place: Place) {
    let storage = place.open().await;
    let endpoint = endpoint(1);
    insert(&storage, &endpoint).await;
    let ids = backlog(&storage, &endpoint, 3).await;
    for (order, limit, expected) in [(true, 1, &ids[..1]), (false, 9, &ids[1..])] {
        let mut tx = storage.begin().await.expect("begins");
        let change = EndpointChange {
            in_order: Some(order),
            ..EndpointChange::default()
        };
        let (owner, id) = (&endpoint.owner, endpoint.id);
        let endpoints = storage.endpoints();
        let updated = endpoints.update(&mut tx, owner, id, change, START).await;
        assert_eq!(
            updated.expect("updates").map(|new| new.endpoint.in_order),
            Some(order)
        );
        tx.commit().await.expect("commits");
        let node = if order { "one" } else { "two" };
        let mut taken = numbers(&take(&storage, node, limit, 1).await);
        taken.sort();
        assert_eq!(taken, expected);
    }
}

async fn what_was_enqueued_before_the_order_was_known_is_not_forgotten(place: Place) {
    let storage = place.open().await;
    let endpoint = in_order(&storage).await;
    let ids = backlog(&storage, &endpoint, 2).await;
    // What another node leaves that read the endpoint just before it was changed.
    place.damage("UPDATE delivery SET in_order = 0").await;
    assert!(take(&storage, "one", 9, 1).await.is_empty());
    assert_eq!(numbers(&take(&storage, "one", 9, 1).await), ids);
}

/// Enqueues a state of a topic.
async fn tell(storage: &Storage, number: u8, topic: &str, leased: bool) -> DeliveryId {
    let recipient = Recipient {
        topic: Some(topic.to_owned()),
        key: Some(format!("{topic}-{number}")),
        ..crate::fixture::recipient(&endpoint(1))
    };
    let mut tx = storage.begin().await.expect("begins");
    let (new, lease) = (notification(number, None), lease(300));
    let lease = leased.then_some(&lease);
    let enqueued = storage
        .deliveries()
        .enqueue(&mut tx, new, &[recipient], lease, START)
        .await;
    tx.commit().await.expect("commits");
    DeliveryId {
        notification: enqueued.expect("enqueues").notification,
        endpoint: endpoint(1).id,
    }
}

fn superseded(attempts: u32, at: i64) -> State {
    State::Cancelled {
        attempts,
        at: seconds(at),
        reason: CancelReason::Superseded,
    }
}

async fn a_newer_state_takes_the_place_of_those_that_wait(place: Place) {
    let storage = place.open().await;
    insert(&storage, &endpoint(1)).await;
    let old = tell(&storage, 1, "repo", false).await;
    let other = tell(&storage, 2, "other", false).await;
    let new = tell(&storage, 3, "repo", false).await;
    assert_eq!(state(&storage, old).await, superseded(0, 0));
    let taken = take(&storage, "one", 9, 1).await;
    let mut ids: Vec<_> = taken.iter().map(|due| due.id).collect();
    ids.sort_by_key(|id| id.notification);
    assert_eq!(ids, [other, new]);
    let key = taken.iter().find(|due| due.id == new);
    let key = key.and_then(|due| due.key.as_deref());
    assert_eq!(key, Some("repo-3"), "the key is kept");
}

async fn a_state_that_comes_back_late_is_superseded(place: Place) {
    let storage = place.open().await;
    insert(&storage, &endpoint(1)).await;
    let old = tell(&storage, 1, "repo", true).await;
    tell(&storage, 2, "repo", false).await;
    assert!(state(&storage, old).await.is_open(), "it is under way");
    let (node, now) = (NodeId::new("here"), seconds(3));
    let due = State::Pending {
        attempts: 1,
        due: seconds(8),
    };
    let back = loggia_delivery::Settled {
        id: old,
        lease: lease(300),
        state: due,
        attempt: None,
        report: None,
    };
    let recorded = storage.deliveries().record(&node, &[back], now).await;
    assert_eq!(recorded.expect("records").stale, []);
    assert_eq!(state(&storage, old).await, superseded(1, 3));
}
