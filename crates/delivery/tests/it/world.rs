//! What the engine runs in: time, receivers and a queue, all under the test's control.

use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{
    Clock, DeliveryId, Endpoint, EndpointId, Engine, Handle, Limits, NodeId, Notification,
    NotificationId, Profile, Secret, Secrets, Target,
};
use loggia_syntax::{Did, Nsid};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::memory_queue::{MemoryQueue, ToldToFail};
use crate::receivers::Receivers;

pub const START: Timestamp = Timestamp::constant(1_700_000_000, 0);

/// Time that stands still until it is moved.
#[derive(Clone)]
pub struct ManualClock(watch::Sender<Timestamp>);

impl ManualClock {
    pub fn advance(&self, by: SignedDuration) {
        self.0.send_modify(|now| *now += by);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    async fn sleep_until(&self, at: Timestamp) {
        let mut now = self.0.subscribe();
        now.wait_for(|now| *now >= at)
            .await
            .expect("the test holds the clock");
    }
}

/// The URL of tests that need only one.
pub const URL: &str = "https://a.example/hook";

pub fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

/// The engine is running and its gate is open.
pub async fn world() -> World {
    let world = World::start(Limits::default());
    world.settle().await;
    world
}

/// The engine of these tests.
pub type TestEngine = Engine<MemoryQueue, Receivers, ManualClock>;

/// A running engine and everything around it.
pub struct World {
    pub clock: ManualClock,
    pub receivers: Receivers,
    pub queue: MemoryQueue,
    pub handle: Handle,
    made: u8,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<Result<(), ToldToFail>>,
}

impl World {
    /// Jitter draws the whole gap, so that a test knows when the next attempt is due.
    pub fn start(limits: Limits) -> Self {
        Self::over(MemoryQueue::default(), limits)
    }

    pub fn over(queue: MemoryQueue, limits: Limits) -> Self {
        Self::made(queue, limits, |engine| engine)
    }

    /// With an engine that knows somebody else.
    pub fn with(limits: Limits, with: impl FnOnce(TestEngine) -> TestEngine) -> Self {
        Self::made(MemoryQueue::default(), limits, with)
    }

    fn made(
        queue: MemoryQueue,
        limits: Limits,
        with: impl FnOnce(TestEngine) -> TestEngine,
    ) -> Self {
        let clock = ManualClock(watch::Sender::new(START));
        let receivers = Receivers::default();
        let (engine, handle) = Engine::new(
            NodeId::new("here"),
            queue.clone(),
            receivers.clone(),
            clock.clone(),
            || u64::MAX,
            limits,
        );
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(with(engine).run(async {
            // A dropped sender stops the engine as well.
            drop(stopped.await);
        }));
        Self {
            clock,
            receivers,
            queue,
            handle,
            made: 0,
            stop: Some(stop),
            running,
        }
    }

    /// Lets the engine do everything that it can without time passing.
    pub async fn settle(&self) {
        for _ in 0..500 {
            tokio::task::yield_now().await;
        }
    }

    pub async fn advance(&self, by: SignedDuration) {
        self.clock.advance(by);
        self.settle().await;
    }

    pub fn endpoint(&mut self, url: &str) -> Endpoint {
        self.made += 1;
        endpoint(self.made, url)
    }

    pub fn notification(&mut self) -> Arc<Notification> {
        self.made += 1;
        let id = NotificationId::new(self.clock.now(), [self.made; 10]);
        let now = self.clock.now();
        Arc::new(notification(id, now, SignedDuration::from_hours(24 * 7)))
    }

    /// Enqueues in the way of a handler: reserve, write, offer.
    pub fn tell(&mut self, endpoint: &Endpoint) -> DeliveryId {
        let notification = self.notification();
        let now = self.clock.now();
        let reservation = self.handle.reserve(1, now);
        let (id, due) = self
            .queue
            .enqueue(&notification, endpoint, reservation.lease(), now);
        reservation.offer(due.into_iter().collect());
        id
    }

    /// Commits, and never tells the engine.
    pub fn tell_and_go_away(&mut self, endpoint: &Endpoint) -> DeliveryId {
        let notification = self.notification();
        let now = self.clock.now();
        let reservation = self.handle.reserve(1, now);
        let lease = reservation.lease();
        let (id, _) = self.queue.enqueue(&notification, endpoint, lease, now);
        id
    }

    pub async fn stop(&mut self) -> Result<(), ToldToFail> {
        drop(self.stop.take());
        (&mut self.running)
            .await
            .expect("the engine does not panic")
    }

    pub fn request_stop(&mut self) {
        drop(self.stop.take());
    }

    pub fn has_stopped(&self) -> bool {
        self.running.is_finished()
    }
}

pub fn endpoint(number: u8, url: &str) -> Endpoint {
    Endpoint::new(
        EndpointId::new(START, [number; 10]),
        Did::from_static("did:web:feed.example.com"),
        Target::new(url).expect("tests use good URLs"),
        Profile::Standard,
        Secrets::one(Secret::generate([number; 32])),
        START,
    )
}

pub fn notification(id: NotificationId, now: Timestamp, lasts: SignedDuration) -> Notification {
    Notification {
        id,
        kind: Nsid::from_static("com.atproto.space.notifyWrite"),
        subject: "a space".to_owned(),
        body: Bytes::from_static(br#"{"space":"x"}"#),
        created_at: now,
        deadline: now + lasts,
    }
}
