//! What the engine promises of its start and its end.

use loggia_delivery::{Engine, Limits, NodeId, Pulse, State, SystemClock};

use crate::memory_queue::MemoryQueue;
use crate::receivers::{Receivers, Script};
use crate::world::{START, URL, World, seconds, world};

#[tokio::test]
async fn old_leases_are_void_at_the_start() {
    let mut before = world().await;
    let endpoint = before.endpoint(URL);
    before.receivers.hang(URL);
    let id = before.tell(&endpoint);
    before.settle().await;
    let queue: MemoryQueue = before.queue.clone();
    assert!(matches!(queue.state(id), State::Leased { .. }));
    drop(before);

    let after = World::over(queue, Limits::default());
    after.settle().await;
    assert_eq!(
        after.queue.state(id),
        State::Delivered {
            attempts: 1,
            at: START
        }
    );
}

#[tokio::test]
async fn before_it_runs_an_engine_gives_no_leases() {
    let world = World::start(Limits::default());
    assert!(world.handle.reserve(1, START).lease().is_none());
}

#[tokio::test]
async fn an_engine_has_a_pulse_while_it_runs() {
    let mut world = World::start(Limits::default());
    assert_eq!(world.handle.pulse(), Pulse::Starting);
    world.settle().await;
    assert_eq!(world.handle.pulse(), Pulse::Beating(START));
    world.advance(seconds(2)).await;
    assert_eq!(world.handle.pulse(), Pulse::Beating(START + seconds(2)));
    let handle = world.handle.clone();
    world.request_stop();
    world.stop().await.expect("a clean stop");
    assert_eq!(handle.pulse(), Pulse::Ended);
}

#[tokio::test]
async fn an_engine_that_is_lost_has_no_pulse() {
    let (engine, handle) = Engine::new(
        NodeId::new("here"),
        MemoryQueue::default(),
        Receivers::default(),
        SystemClock,
        || 0,
        Limits::default(),
    );
    drop(engine);
    assert_eq!(handle.pulse(), Pulse::Ended);
}

#[tokio::test]
async fn a_graceful_stop_finishes_what_flies_and_releases_what_waits() {
    let limits = Limits {
        per_endpoint: 1,
        ..Limits::default()
    };
    let mut world = World::start(limits);
    world.settle().await;
    let endpoint = world.endpoint(URL);
    world.receivers.script(URL, [Script::Hang]);
    let flying = world.tell(&endpoint);
    let waiting = world.tell(&endpoint);
    world.settle().await;
    world.request_stop();
    world.settle().await;
    assert!(!world.has_stopped(), "an attempt is in flight");
    assert_eq!(
        world.queue.state(waiting),
        State::Pending {
            attempts: 0,
            due: START
        }
    );
    assert!(
        world.handle.reserve(1, START).lease().is_none(),
        "no new leases"
    );
    world.advance(seconds(11)).await;
    world.stop().await.expect("a clean stop");
    assert!(matches!(
        world.queue.state(flying),
        State::Pending { attempts: 1, .. }
    ));
}

#[tokio::test]
async fn a_stop_beyond_its_budget_releases_what_flies() {
    let limits = Limits {
        stop: std::time::Duration::from_secs(3),
        ..Limits::default()
    };
    let mut world = World::start(limits);
    world.settle().await;
    let endpoint = world.endpoint(URL);
    world.receivers.hang(URL);
    let id = world.tell(&endpoint);
    world.settle().await;
    world.request_stop();
    world.settle().await;
    world.advance(seconds(3)).await;
    world.stop().await.expect("a clean stop");
    let due = START + seconds(3);
    assert_eq!(world.queue.state(id), State::Pending { attempts: 0, due });
}
