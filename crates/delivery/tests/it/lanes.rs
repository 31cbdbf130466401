//! What the engine promises of many deliveries side by side.

use loggia_delivery::{CancelReason, Clock as _, EndpointState, Limits, State};

use crate::receivers::Script;
use crate::world::{START, URL, World, seconds, world};

const OTHER: &str = "https://b.example/hook";

#[tokio::test]
async fn gone_disables_the_endpoint_and_cancels_what_waits() {
    let limits = Limits {
        per_endpoint: 1,
        ..Limits::default()
    };
    let mut world = World::start(limits);
    world.settle().await;
    let endpoint = world.endpoint(URL);
    world.receivers.script(URL, [Script::Answer(410)]);
    let first = world.tell(&endpoint);
    let rest = [world.tell(&endpoint), world.tell(&endpoint)];
    world.settle().await;
    let reason = CancelReason::Gone;
    assert_eq!(
        world.queue.state(first),
        State::Cancelled {
            attempts: 1,
            at: START,
            reason
        }
    );
    for id in rest {
        let reason = CancelReason::Disabled;
        assert_eq!(
            world.queue.state(id),
            State::Cancelled {
                attempts: 0,
                at: START,
                reason
            }
        );
    }
    assert!(matches!(
        world.queue.lock().endpoints[&endpoint.id].state,
        EndpointState::Disabled { .. }
    ));
}

#[tokio::test]
async fn a_dropped_endpoint_loses_what_waits_for_it() {
    let limits = Limits {
        per_endpoint: 1,
        ..Limits::default()
    };
    let mut world = World::start(limits);
    world.settle().await;
    let endpoint = world.endpoint(URL);
    world.receivers.hang(URL);
    world.tell(&endpoint);
    let waiting = world.tell(&endpoint);
    world.settle().await;
    world.handle.endpoint_dropped(endpoint.id).await;
    world.settle().await;
    let reason = CancelReason::Disabled;
    assert_eq!(
        world.queue.state(waiting),
        State::Cancelled {
            attempts: 0,
            at: START,
            reason
        }
    );
}

#[tokio::test]
async fn a_hanging_endpoint_costs_its_own_lane_only() {
    let mut world = world().await;
    let slow = world.endpoint(URL);
    let healthy = world.endpoint(OTHER);
    world.receivers.hang(URL);
    for _ in 0..40 {
        world.tell(&slow);
    }
    let ids: Vec<_> = (0..40).map(|_| world.tell(&healthy)).collect();
    world.settle().await;
    for id in ids {
        assert_eq!(
            world.queue.state(id),
            State::Delivered {
                attempts: 1,
                at: START
            }
        );
    }
    assert_eq!(world.receivers.count(URL), Limits::default().per_endpoint);
}

#[tokio::test]
async fn one_host_has_one_limit() {
    let limits = Limits {
        per_host: 3,
        ..Limits::default()
    };
    let mut world = World::start(limits);
    world.settle().await;
    let urls: Vec<_> = (0..5).map(|n| format!("https://a.example/{n}")).collect();
    for url in &urls {
        world.receivers.hang(url);
        let endpoint = world.endpoint(url);
        world.tell(&endpoint);
    }
    world.settle().await;
    assert_eq!(world.receivers.requests().len(), 3);
    world.advance(seconds(11)).await;
    // The first three time out, the other two get their turn.
    assert!(urls.iter().all(|url| world.receivers.count(url) >= 1));
}

#[tokio::test]
async fn what_does_not_fit_the_lane_waits_in_the_queue() {
    let limits = Limits {
        waiting_per_endpoint: 4,
        per_endpoint: 2,
        ..Limits::default()
    };
    let mut world = World::start(limits);
    world.settle().await;
    let endpoint = world.endpoint(URL);
    let ids: Vec<_> = (0..50).map(|_| world.tell(&endpoint)).collect();
    world.settle().await;
    for _ in 0..5 {
        world.advance(seconds(1)).await;
    }
    for id in ids {
        assert!(matches!(
            world.queue.state(id),
            State::Delivered { attempts: 1, .. }
        ));
    }
    assert_eq!(world.receivers.count(URL), 50, "each once");
}

#[tokio::test]
async fn without_room_there_is_no_lease_and_the_queue_is_asked() {
    let limits = Limits {
        offered: 1,
        ..Limits::default()
    };
    let mut world = World::start(limits);
    world.settle().await;
    let now = world.clock.now();
    assert!(world.handle.reserve(2, now).lease().is_none());
    let endpoint = world.endpoint(URL);
    let notification = world.notification();
    let reservation = world.handle.reserve(2, now);
    let (id, due) = world
        .queue
        .enqueue(&notification, &endpoint, reservation.lease(), now);
    assert!(due.is_none());
    reservation.offer(Vec::new());
    world.settle().await;
    assert_eq!(
        world.queue.state(id),
        State::Delivered {
            attempts: 1,
            at: START
        }
    );
}
