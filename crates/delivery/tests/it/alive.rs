//! What the engine promises where other nodes may take what it holds.

use std::sync::{Arc, Mutex};

use loggia_delivery::{
    Clock as _, DeliveryId, Due, Endpoint, Engine, Fault, Limits, Minting, Observed, Observer,
    Outcome, Profile, ServiceAuth, Signer, State,
};

use crate::memory_queue::MemoryQueue;
use crate::receivers::Script;
use crate::world::{START, URL, World, seconds, world};

#[tokio::test]
async fn without_a_heartbeat_no_attempt_is_made_and_what_waits_goes_back() {
    let limits = Limits {
        per_endpoint: 1,
        ..Limits::default()
    };
    let queue = MemoryQueue::default();
    queue.lock().mortal = true;
    let mut world = World::over(queue, limits);
    world.settle().await;
    let endpoint = world.endpoint(URL);
    world.receivers.script(URL, [Script::Hang]);
    world.tell(&endpoint);
    let waiting = world.tell(&endpoint);
    world.settle().await;
    world.queue.lock().failing_beats = u32::MAX;
    world.advance(seconds(20)).await;
    // Ten seconds of life are left: not enough for an attempt.
    assert_eq!(world.receivers.count(URL), 1);
    world.advance(seconds(10)).await;
    assert!(matches!(
        world.queue.state(waiting),
        State::Pending { attempts: 0, .. }
    ));
    let now = world.clock.now();
    assert!(world.handle.reserve(1, now).lease().is_none());

    world.queue.lock().failing_beats = 0;
    world.advance(seconds(1)).await;
    world.advance(seconds(1)).await;
    let state = world.queue.state(waiting);
    assert!(
        matches!(state, State::Delivered { attempts: 1, .. }),
        "{state:?}"
    );
    assert!(world.handle.reserve(1, world.clock.now()).lease().is_some());
}

#[tokio::test]
async fn an_outcome_is_not_written_over_what_another_node_did() {
    let mut world = world().await;
    let endpoint = world.endpoint(URL);
    world.receivers.script(URL, [Script::Hang]);
    let id = world.tell(&endpoint);
    world.settle().await;
    let elsewhere = State::Delivered {
        attempts: 1,
        at: START,
    };
    let row = |queue: &MemoryQueue, state: &State| {
        let mut rows = queue.lock();
        rows.deliveries.get_mut(&id).expect("it was told").state = state.clone();
    };
    row(&world.queue, &elsewhere);
    world.advance(seconds(11)).await;
    assert_eq!(world.queue.state(id), elsewhere);
}

/// Remembers what it is told.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<Vec<(DeliveryId, String, bool)>>>);

impl Observer for Listener {
    fn recorded(&self, outcome: &Observed<'_>) {
        let state = outcome.settled.state.name().to_owned();
        let mut heard = self.0.lock().expect("no test panics with the lock");
        heard.push((outcome.due.id, state, outcome.stale));
    }
}

/// Mints `token` for a service, and nothing for the second time.
#[derive(Default)]
struct Once(Mutex<bool>);

#[derive(Debug, thiserror::Error)]
#[error("no key")]
struct NoKey;

impl Signer for Once {
    fn service_auth<'a>(&'a self, _: &'a Due, _: jiff::Timestamp) -> Minting<'a> {
        let first = !std::mem::replace(&mut *self.0.lock().expect("not poisoned"), true);
        let token = || ServiceAuth("token".to_owned().into());
        let minted = first.then(token);
        let minted = minted.ok_or_else(|| loggia_delivery::Unsigned(Box::new(NoKey)));
        Box::pin(std::future::ready(minted))
    }
}

#[tokio::test]
async fn an_observer_hears_what_is_on_disk_and_only_then() {
    let listener = Listener::default();
    let told = listener.clone();
    let mut world = World::with(Limits::default(), move |engine| {
        engine.with_observer(Arc::new(told))
    });
    world.settle().await;
    world.queue.lock().failing_records = 1;
    let endpoint = world.endpoint(URL);
    let id = world.tell(&endpoint);
    world.settle().await;
    assert_eq!(listener.0.lock().expect("not poisoned").len(), 0);
    world.advance(seconds(1)).await;
    let heard = listener.0.lock().expect("not poisoned").clone();
    assert_eq!(heard, [(id, "delivered".to_owned(), false)]);
}

#[tokio::test]
async fn a_token_is_minted_for_each_attempt_and_without_one_it_has_failed() {
    let mut world = World::with(Limits::default(), |engine: Engine<_, _, _>| {
        engine.with_signer(Arc::new(Once::default()))
    });
    world.settle().await;
    let endpoint = Endpoint {
        profile: Profile::SpaceProtocol,
        ..world.endpoint("https://a.example")
    };
    let url = "https://a.example/xrpc/com.atproto.space.notifyWrite";
    world.receivers.script(url, [Script::Answer(503)]);
    let id = world.tell(&endpoint);
    world.settle().await;
    let sent = world.receivers.requests();
    let bearer = ("authorization".into(), "Bearer token".to_owned());
    assert!(sent[0].headers.contains(&bearer));
    world.advance(seconds(5)).await;
    assert_eq!(world.receivers.count(url), 1, "the second was not sent");
    let attempts = world.queue.lock().attempts[&id].clone();
    assert_eq!(attempts[1].outcome, Outcome::Failed(Fault::Signing));
    assert!(matches!(
        world.queue.state(id),
        State::Pending { attempts: 2, .. }
    ));
}

#[tokio::test]
async fn a_clock_that_is_set_back_delays_nothing() {
    let mut world = world().await;
    let endpoint = world.endpoint(URL);
    world.receivers.script(URL, [Script::Fail(Fault::Network)]);
    world.tell(&endpoint);
    world.settle().await;
    world.clock.advance(-seconds(3600));
    world.settle().await;
    let other = world.endpoint("https://b.example/");
    let id = world.tell(&other);
    world.settle().await;
    assert!(matches!(world.queue.state(id), State::Delivered { .. }));
}
