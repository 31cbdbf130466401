//! What the engine promises of endpoints that ask for a pace, or have to be handled with care.

use std::num::NonZeroU32;

use loggia_delivery::{
    CancelReason, Clock as _, DisableReason, Endpoint, EndpointState, Health, Limits, Profile,
    Secret, Secrets, State,
};

use crate::receivers::Script;
use crate::world::{START, URL, World, seconds, world};

/// Only so much waits in memory that all of these tests' deliveries fit.
fn limits() -> Limits {
    Limits {
        per_endpoint: 1,
        ..Limits::default()
    }
}

#[tokio::test]
async fn no_more_attempts_a_second_than_allowed() {
    let mut world = world().await;
    let endpoint = Endpoint {
        per_second: NonZeroU32::new(2),
        ..world.endpoint(URL)
    };
    for _ in 0..7 {
        world.tell(&endpoint);
    }
    world.settle().await;
    let mut counts = vec![world.receivers.count(URL)];
    for _ in 0..6 {
        world.advance(seconds(1) / 2).await;
        counts.push(world.receivers.count(URL));
    }
    assert_eq!(counts, [1, 2, 3, 4, 5, 6, 7]);
}

#[tokio::test]
async fn what_an_endpoint_may_get_is_remembered_between_two_deliveries() {
    let mut world = world().await;
    let endpoint = Endpoint {
        per_second: NonZeroU32::new(1),
        ..world.endpoint(URL)
    };
    world.tell(&endpoint);
    world.settle().await;
    world.tell(&endpoint);
    world.settle().await;
    assert_eq!(world.receivers.count(URL), 1);
    world.advance(seconds(1)).await;
    assert_eq!(world.receivers.count(URL), 2);
}

#[tokio::test]
async fn in_order_one_goes_at_a_time_and_a_retry_holds_up_the_rest() {
    let mut world = world().await;
    let endpoint = Endpoint {
        in_order: true,
        ..world.endpoint(URL)
    };
    world
        .receivers
        .script(URL, [Script::Answer(200), Script::Answer(503)]);
    let ids: Vec<_> = (0..4).map(|_| world.tell(&endpoint)).collect();
    world.settle().await;
    let open = |state: State| state.is_open();
    let states = ids.iter().map(|id| open(world.queue.state(*id)));
    assert_eq!(states.collect::<Vec<_>>(), [false, true, true, true]);
    assert_eq!(world.receivers.count(URL), 2);
    world.advance(seconds(5)).await;
    let sent = world.receivers.requests();
    let sent = sent.iter().map(|request| request.headers.iter());
    let sent = sent.flat_map(|mut headers| headers.find(|(name, _)| name == "webhook-id"));
    let sent: Vec<_> = sent.map(|(_, id)| id.clone()).collect();
    let [a, b, c, d] = [0, 1, 2, 3].map(|n: usize| ids[n].notification.to_string());
    assert_eq!(sent, [a, b.clone(), b, c, d]);
}

#[tokio::test]
async fn an_endpoint_that_keeps_failing_is_probed_and_its_backlog_stays_unburnt() {
    let mut world = World::start(limits());
    world.settle().await;
    let endpoint = world.endpoint(URL);
    world.receivers.always(URL, 503);
    let ids: Vec<_> = (0..20).map(|_| world.tell(&endpoint)).collect();
    world.settle().await;
    // Four failures, and the fifth with which probing begins.
    assert_eq!(world.receivers.count(URL), 5);
    let untouched = ids.iter().map(|id| world.queue.state(*id));
    let untouched = untouched.filter(|state| state.attempts() == 0 && state.is_open());
    assert_eq!(untouched.count(), 15);
    // One second, two, four: one probe after each.
    for (pause, probes) in [(1, 6), (2, 7), (4, 8)] {
        world.advance(seconds(pause) - seconds(1) / 2).await;
        assert_eq!(world.receivers.count(URL), probes - 1);
        world.advance(seconds(1) / 2).await;
        assert_eq!(world.receivers.count(URL), probes);
    }
    world.receivers.always(URL, 200);
    world.advance(seconds(8)).await;
    for _ in 0..4 {
        world.advance(seconds(300)).await;
    }
    for id in ids {
        assert!(matches!(world.queue.state(id), State::Delivered { .. }));
    }
}

#[tokio::test]
async fn a_receiver_that_knows_one_of_two_secrets_gets_everything_through_the_probes() {
    for known in ["whsec_old", "whsec_new"] {
        let mut world = World::start(limits());
        world.settle().await;
        let end = START + seconds(24 * 3600);
        let endpoint = Endpoint {
            profile: Profile::Hapnd,
            secrets: Secrets {
                current: Secret::plain("whsec_new").ok(),
                previous: Secret::plain("whsec_old").ok().map(|old| (old, end)),
                others: Vec::new(),
            },
            ..world.endpoint(URL)
        };
        world.receivers.knows(URL, known);
        let ids: Vec<_> = (0..100).map(|_| world.tell(&endpoint)).collect();
        world.settle().await;
        for _ in 0..4 * 60 {
            world.advance(seconds(60)).await;
        }
        for id in ids {
            let state = world.queue.state(id);
            assert!(
                matches!(state, State::Delivered { .. }),
                "{known}: {state:?}"
            );
        }
    }
}

#[tokio::test]
async fn an_endpoint_known_to_fail_gets_one_probe() {
    let mut world = world().await;
    let endpoint = Endpoint {
        health: Health {
            consecutive_failures: 9,
            ..Health::default()
        },
        ..world.endpoint(URL)
    };
    world.receivers.hang(URL);
    for _ in 0..5 {
        world.tell(&endpoint);
    }
    world.settle().await;
    assert_eq!(world.receivers.count(URL), 1);
}

#[tokio::test]
async fn an_endpoint_that_was_changed_is_asked_at_once() {
    let mut world = World::start(limits());
    world.settle().await;
    let endpoint = world.endpoint(URL);
    world.receivers.always(URL, 503);
    let ids: Vec<_> = (0..9).map(|_| world.tell(&endpoint)).collect();
    for _ in 0..5 {
        world.advance(seconds(1)).await;
    }
    world.receivers.always(URL, 200);
    let made = world.receivers.count(URL);
    world
        .queue
        .endpoint(endpoint.id, |row| row.health = Health::default());
    world.handle.endpoint_dropped(endpoint.id).await;
    let new = world.tell(&endpoint);
    world.settle().await;
    assert_eq!(world.receivers.count(URL), made + 1);
    assert!(matches!(world.queue.state(new), State::Delivered { .. }));
    world.advance(seconds(300)).await;
    let open = ids.iter().filter(|id| world.queue.state(**id).is_open());
    assert_eq!(open.count(), 0);
}

#[tokio::test]
async fn what_is_offered_to_an_endpoint_that_is_gone_does_not_go_out() {
    let mut world = World::start(limits());
    world.settle().await;
    let endpoint = world.endpoint(URL);
    world.receivers.script(URL, [Script::Answer(410)]);
    world.queue.lock().failing_records = 1;
    world.tell(&endpoint);
    world.settle().await;
    let late = world.tell(&endpoint);
    world.settle().await;
    assert_eq!(world.receivers.count(URL), 1);
    world.advance(seconds(1)).await;
    let reason = CancelReason::Disabled;
    let at = world.clock.now();
    let state = world.queue.state(late);
    assert!(
        matches!(state, State::Cancelled { reason: found, .. } if found == reason),
        "{state:?}"
    );
    let state = world.queue.lock().endpoints[&endpoint.id].state;
    let reason = DisableReason::Gone;
    assert_eq!(state, EndpointState::Disabled { reason, at });
    assert!(at > START);
}

#[tokio::test]
async fn in_order_the_next_does_not_wait_for_the_next_look() {
    let limits = Limits {
        waiting_per_endpoint: 1,
        ..Limits::default()
    };
    let mut world = World::start(limits);
    world.settle().await;
    let endpoint = Endpoint {
        in_order: true,
        ..world.endpoint(URL)
    };
    let ids: Vec<_> = (0..8).map(|_| world.tell(&endpoint)).collect();
    world.settle().await;
    for id in ids {
        assert!(matches!(world.queue.state(id), State::Delivered { .. }));
    }
}
