//! Several nodes on one store.

use std::collections::HashSet;

use jiff::SignedDuration;
use loggia_delivery::{DeliveryId, Endpoint, Lease, LeaseRequest, NodeId, Queue, Report, State};
use loggia_storage::Storage;

use crate::fixture::{Place, START, notification, on_both, seconds};
use crate::work::{add_endpoints, answered, enqueue, settled, state};

on_both!(
    two_nodes_that_lease_at_once_share_no_delivery,
    what_a_stale_holder_records_changes_no_state,
    a_source_makes_one_delivery_however_many_enqueue_it_at_once,
    a_node_that_took_a_delivery_anew_records_nothing_of_the_first_time,
    a_node_voids_its_own_leases_only,
);

/// What nodes do only where there may be several.
mod postgres_only {
    use super::*;

    #[tokio::test]
    async fn what_a_dead_node_held_is_taken_over() {
        super::dead_node(&Place::postgres().await).await;
    }

    #[tokio::test]
    async fn a_node_that_lives_keeps_what_it_holds_whatever_the_clocks_say() {
        super::living_node(&Place::postgres().await).await;
    }
}

fn request(node: &str, until: i64, limit: usize) -> LeaseRequest {
    LeaseRequest {
        lease: Lease {
            node: NodeId::new(node),
            until: seconds(until),
        },
        limit,
        per_endpoint: 64,
        except: Vec::new(),
    }
}

/// Endpoints with a backlog each.
async fn backlog(storage: &Storage, endpoints: u8, each: u8) -> Vec<Endpoint> {
    let endpoints = add_endpoints(storage, endpoints).await;
    for number in 0..each {
        enqueue(storage, notification(number, None), &endpoints, None).await;
    }
    endpoints
}

async fn two_nodes_that_lease_at_once_share_no_delivery(place: Place) {
    let (one, two) = (place.open().await, place.open().await);
    backlog(&one, 5, 40).await;
    let mut nodes = tokio::task::JoinSet::new();
    for (storage, name) in [(one, "one"), (two, "two")] {
        nodes.spawn(async move {
            let mut taken = Vec::new();
            loop {
                let request = request(name, 300, 25);
                let leased = storage.deliveries().lease(&request, seconds(1)).await;
                let leased = leased.expect("leases");
                if leased.due.is_empty() && leased.next_due.is_none() {
                    return taken;
                }
                taken.extend(leased.due.into_iter().map(|due| due.id));
            }
        });
    }
    let taken: Vec<DeliveryId> = nodes.join_all().await.concat();
    let distinct: HashSet<_> = taken.iter().copied().collect();
    assert_eq!((taken.len(), distinct.len()), (200, 200));
}

async fn what_a_stale_holder_records_changes_no_state(place: Place) {
    let storage = place.open().await;
    backlog(&storage, 1, 1).await;
    let deliveries = storage.deliveries();
    let first = deliveries.lease(&request("one", 10, 9), seconds(1)).await;
    let first = first.expect("leases").due.remove(0);
    // The time of the first is over by anybody's clock.
    let second = deliveries.lease(&request("two", 300, 9), seconds(11)).await;
    let second = second.expect("leases").due.remove(0);
    assert_eq!(first.id, second.id);

    let at = seconds(12);
    let late = settled(
        &first,
        State::Delivered { attempts: 1, at },
        answered(200),
        Report::Succeeded,
    );
    let recorded = deliveries.record(&NodeId::new("one"), &[late], at).await;
    assert_eq!(recorded.expect("records").stale, [first.id]);
    assert_eq!(state(&storage, first.id).await, second.state());
    let attempts = deliveries.attempts(first.id).await.expect("lists");
    assert_eq!(attempts.len(), 1, "the attempt was made all the same");
}

async fn a_source_makes_one_delivery_however_many_enqueue_it_at_once(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 3).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..8 {
        let (storage, endpoints) = (storage.clone(), endpoints.clone());
        tasks.spawn(async move {
            let new = notification(number, Some("event"));
            enqueue(&storage, new, &endpoints, None).await
        });
    }
    let enqueued = tasks.join_all().await;
    let new: usize = enqueued.iter().map(|enqueued| enqueued.new).sum();
    assert_eq!(new, 3);
    let ids: HashSet<_> = enqueued
        .iter()
        .map(|enqueued| enqueued.notification)
        .collect();
    assert_eq!(ids.len(), 1, "everybody is told the same id");
}

async fn a_node_that_took_a_delivery_anew_records_nothing_of_the_first_time(place: Place) {
    let storage = place.open().await;
    backlog(&storage, 1, 1).await;
    let deliveries = storage.deliveries();
    let mut leases = Vec::new();
    for (until, now) in [(10, 1), (300, 10)] {
        let leased = deliveries
            .lease(&request("one", until, 9), seconds(now))
            .await;
        leases.push(leased.expect("leases").due.remove(0));
    }
    let at = seconds(12);
    let delivered = State::Delivered { attempts: 1, at };
    for (due, stale) in [(&leases[0], true), (&leases[1], false)] {
        let done = settled(due, delivered.clone(), answered(200), Report::Succeeded);
        let recorded = deliveries.record(&NodeId::new("one"), &[done], at).await;
        let recorded = recorded.expect("records");
        assert_eq!(recorded.stale.contains(&due.id), stale);
        assert_eq!(state(&storage, due.id).await.is_open(), stale);
    }
}

async fn a_node_voids_its_own_leases_only(place: Place) {
    let storage = place.open().await;
    backlog(&storage, 2, 1).await;
    let deliveries = storage.deliveries();
    for name in ["one", "two"] {
        let taken = deliveries.lease(&request(name, 300, 1), seconds(1)).await;
        assert_eq!(taken.expect("leases").due.len(), 1);
    }
    let voided = deliveries
        .void_leases(&NodeId::new("one"), seconds(2))
        .await;
    assert_eq!(voided.expect("voids"), 1);
    let backlog = deliveries.backlog().await.expect("counts");
    assert_eq!((backlog.pending, backlog.leased), (1, 1));
}

/// A node whose life is over has not told so for a while: zero seconds are over at once.
async fn dead_node(place: &Place) {
    let storage = place.open().await;
    backlog(&storage, 1, 2).await;
    let deliveries = storage.deliveries();
    let one = NodeId::new("one");
    let beat = async |seconds| {
        let lease_for = SignedDuration::from_secs(seconds);
        let life = deliveries.heartbeat(&one, lease_for, START).await;
        life.expect("beats")
    };
    assert!(beat(60).await.lapsed, "nobody knew it");
    let life = beat(60).await;
    assert!(!life.lapsed);
    assert_eq!(life.until, seconds(60));
    let taken = deliveries.lease(&request("one", 9000, 9), seconds(1)).await;
    let taken = taken.expect("leases").due;
    assert_eq!(taken.len(), 2);

    beat(0).await;
    let other = deliveries.lease(&request("two", 9000, 9), seconds(2)).await;
    assert_eq!(other.expect("leases").due.len(), 2, "in spite of the lease");
    assert!(beat(60).await.lapsed, "and it is told so");
    let at = seconds(3);
    let late = settled(
        &taken[0],
        State::Delivered { attempts: 1, at },
        answered(200),
        Report::Succeeded,
    );
    let recorded = deliveries.record(&one, &[late], at).await;
    assert_eq!(recorded.expect("records").stale, [taken[0].id]);
}

async fn living_node(place: &Place) {
    let storage = place.open().await;
    backlog(&storage, 1, 1).await;
    let deliveries = storage.deliveries();
    let (one, minute) = (NodeId::new("one"), SignedDuration::from_mins(1));
    deliveries
        .heartbeat(&one, minute, START)
        .await
        .expect("beats");
    let taken = deliveries.lease(&request("one", 10, 9), seconds(1)).await;
    assert_eq!(taken.expect("leases").due.len(), 1);
    let other = deliveries
        .lease(&request("two", 9000, 9), seconds(999))
        .await;
    assert!(other.expect("leases").due.is_empty(), "its clock is ahead");
    // What it holds past its own time it has forgotten.
    let again = deliveries.lease(&request("one", 30, 9), seconds(10)).await;
    assert_eq!(again.expect("leases").due.len(), 1);
}
