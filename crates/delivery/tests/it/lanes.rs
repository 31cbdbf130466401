//! What the engine promises of many deliveries side by side.

use loggia_delivery::{CancelReason, Clock as _, DisableReason, EndpointState, Limits, State};

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
async fn what_waits_for_a_disabled_endpoint_is_cancelled() {
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
    let reason = DisableReason::Owner;
    let disabled = EndpointState::Disabled { reason, at: START };
    world
        .queue
        .endpoint(endpoint.id, |row| row.state = disabled);
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
    // As long as it has not shown that it answers, it gets a few of the places only.
    let places = Limits::default().per_endpoint / 4;
    assert_eq!(world.receivers.count(URL), places);
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

#[tokio::test]
async fn long_lanes_leave_room_for_others() {
    let limits = Limits {
        waiting: 64,
        ..Limits::default()
    };
    let mut world = World::start(limits);
    world.settle().await;
    let slow: Vec<_> = (0..6).map(|n| format!("https://s{n}.example/")).collect();
    for url in &slow {
        world.receivers.hang(url);
        let endpoint = world.endpoint(url);
        for _ in 0..30 {
            world.tell(&endpoint);
        }
        world.settle().await;
    }
    let healthy = world.endpoint(OTHER);
    let id = world.tell(&healthy);
    world.settle().await;
    assert!(matches!(world.queue.state(id), State::Delivered { .. }));
}

#[tokio::test]
async fn what_waits_for_longer_than_its_lease_is_held_by_the_next() {
    let limits = Limits {
        per_endpoint: 1,
        hold_for: seconds(30),
        offered_for: seconds(30),
        ..Limits::default()
    };
    let mut world = World::start(limits);
    world.settle().await;
    let endpoint = world.endpoint(URL);
    // Each answers after ten seconds, but in time.
    world.receivers.slow(URL, seconds(10), &world.clock);
    let ids: Vec<_> = (0..6).map(|_| world.tell(&endpoint)).collect();
    for _ in 0..80 {
        world.queue.free_lapsed(world.clock.now());
        world.advance(seconds(1)).await;
    }
    for id in ids {
        let state = world.queue.state(id);
        assert!(
            matches!(state, State::Delivered { attempts: 1, .. }),
            "{state:?}"
        );
    }
    assert_eq!(world.receivers.count(URL), 6, "each once");
}

#[tokio::test]
async fn what_nobody_offered_after_its_commit_goes_out_within_a_minute() {
    let mut world = World::start(Limits::default());
    world.settle().await;
    let endpoint = world.endpoint(URL);
    let id = world.tell_and_go_away(&endpoint);
    for passed in 0..62 {
        let state = world.queue.state(id);
        assert!(
            matches!(state, State::Leased { .. }) || passed > 59,
            "{state:?}"
        );
        world.advance(seconds(1)).await;
        world.queue.free_lapsed(world.clock.now());
    }
    let state = world.queue.state(id);
    assert!(
        matches!(state, State::Delivered { attempts: 1, .. }),
        "{state:?}"
    );
    assert_eq!(world.receivers.count(URL), 1, "once");
}

#[tokio::test]
async fn a_place_at_a_host_that_nobody_needs_goes_to_the_next() {
    let limits = Limits {
        per_host: 1,
        ..Limits::default()
    };
    let mut world = World::start(limits);
    world.settle().await;
    let urls: Vec<_> = (0..3).map(|n| format!("https://a.example/{n}")).collect();
    let endpoints: Vec<_> = urls.iter().map(|url| world.endpoint(url)).collect();
    world.receivers.script(&urls[0], [Script::Hang]);
    let ids: Vec<_> = endpoints.iter().map(|to| world.tell(to)).collect();
    world.settle().await;
    // The second is parked, and emptied before its turn comes.
    let reason = DisableReason::Owner;
    let disabled = EndpointState::Disabled { reason, at: START };
    let second = endpoints[1].id;
    world.queue.endpoint(second, |row| row.state = disabled);
    world.handle.endpoint_dropped(second).await;
    world.settle().await;
    world.advance(seconds(11)).await;
    let state = world.queue.state(ids[2]);
    assert!(matches!(state, State::Delivered { .. }), "{state:?}");
}
