//! What `/xrpc/_health` looks at: reading, writing, and whether delivery and record streams are at work.
//!
//! Probes come as often as somebody likes; the store is asked at most every [`FRESH`].

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{Clock, Handle, Pulse, SystemClock};
use loggia_storage::{Storage, StorageError};
use loggia_xrpc_server::{HealthCheck, HealthFields, Service};
use serde_json::json;
use tokio::sync::Mutex;

use crate::record_stream::LiveStreams;

/// How long an answer of the store is good for.
const FRESH: SignedDuration = SignedDuration::from_secs(5);

/// A delivery engine that has not looked at its work for so long stands still; it looks every second.
const STILL: SignedDuration = SignedDuration::from_secs(60);

/// How long the store may take to answer: a probe that waits longer has given up.
const PATIENCE: Duration = Duration::from_secs(3);

/// Why a server is not well.
#[derive(Clone, Debug, thiserror::Error)]
enum Unwell {
    /// Says what the store says, and not that it was the store.
    #[error(transparent)]
    Store(Arc<StorageError>),
    #[error("the database has not answered in time")]
    StoreSilent,
    #[error("the delivery engine has ended")]
    DeliveryEnded,
    #[error("the delivery engine has stood still since {0}")]
    DeliveryStill(Timestamp),
    #[error("the outcomes of deliveries cannot be written: the log says why")]
    DeliveryStuck,
    #[error("not every record stream is read: {0}")]
    StreamsDead(String),
}

/// Looks at a server. Cheap to clone; clones share what they saw.
#[derive(Clone)]
pub(crate) struct Health<C = SystemClock> {
    storage: Storage,
    engine: Handle,
    clock: C,
    seen: Arc<Mutex<Option<Seen>>>,
    streams: LiveStreams,
}

/// What the store said when it was last asked.
#[derive(Clone)]
struct Seen {
    at: Timestamp,
    oldest_due: Result<Option<Timestamp>, Unwell>,
    written: Result<(), Unwell>,
}

type Checked = Result<HealthFields, Box<dyn std::error::Error + Send + Sync>>;

impl<C: Clock + Clone> Health<C> {
    pub(crate) fn new(storage: Storage, engine: Handle, clock: C) -> Self {
        Self {
            storage,
            engine,
            clock,
            seen: Arc::default(),
            streams: LiveStreams::default(),
        }
    }

    /// The same, which tells of record streams as well: one that nobody reads is as bad here as it is
    /// for whoever asks the listener of its own.
    pub(crate) fn with_streams(self, streams: LiveStreams) -> Self {
        Self { streams, ..self }
    }

    /// Adds its checks to a service; a failed one is named in the answer.
    pub(crate) fn watch<S: Send + Sync + 'static>(&self, service: Service<S>) -> Service<S> {
        service
            .health_check("reading the database", self.check(Self::read))
            .health_check("writing to the database", self.check(Self::write))
            .health_check("delivery", self.check(Self::deliver))
            .health_check("record streams", self.check(Self::stream))
    }

    fn check<F>(&self, look: fn(Self) -> F) -> HealthCheck
    where
        F: Future<Output = Checked> + Send + 'static,
    {
        let health = self.clone();
        Arc::new(move || Box::pin(look(health.clone())))
    }

    async fn read(self) -> Checked {
        self.see().await.oldest_due?;
        Ok(HealthFields::new())
    }

    async fn write(self) -> Checked {
        self.see().await.written?;
        Ok(HealthFields::new())
    }

    /// A long backlog alone is no illness: a receiver that is down has one.
    async fn deliver(self) -> Checked {
        let oldest_due = self.see().await.oldest_due?;
        let now = self.clock.now();
        if self.engine.is_stuck() {
            return Err(Unwell::DeliveryStuck.into());
        }
        let running = match self.engine.pulse() {
            Pulse::Ended => return Err(Unwell::DeliveryEnded.into()),
            Pulse::Beating(at) if now.duration_since(at) > STILL => {
                return Err(Unwell::DeliveryStill(at).into());
            }
            Pulse::Beating(_) => true,
            Pulse::Starting => false,
        };
        let late = oldest_due.map_or(0, |due| now.duration_since(due).as_secs().max(0));
        let delivery = json!({ "running": running, "oldestDueSeconds": late });
        Ok(HealthFields::from_iter([("delivery".to_owned(), delivery)]))
    }

    async fn stream(self) -> Checked {
        if !self.streams.are_live() {
            return Err(Unwell::StreamsDead(self.streams.shown().to_string()).into());
        }
        let shown = self.streams.shown();
        let streams = Some(("streams".to_owned(), shown)).filter(|_| !self.streams.is_empty());
        Ok(streams.into_iter().collect())
    }

    /// Asks the store, or repeats what it said a moment ago. Of many who ask at once one does, and the
    /// others wait for its answer.
    async fn see(&self) -> Seen {
        let mut seen = self.seen.lock().await;
        let now = self.clock.now();
        match &*seen {
            Some(seen) if now.duration_since(seen.at).abs() < FRESH => seen.clone(),
            _ => seen.insert(self.ask(now).await).clone(),
        }
    }

    async fn ask(&self, now: Timestamp) -> Seen {
        let deliveries = self.storage.deliveries();
        let (oldest_due, written) = tokio::join!(
            within(PATIENCE, deliveries.oldest_due()),
            within(PATIENCE, self.storage.check_writable(now))
        );
        Seen {
            at: now,
            oldest_due,
            written,
        }
    }
}

async fn within<T>(
    patience: Duration,
    asked: impl Future<Output = Result<T, StorageError>>,
) -> Result<T, Unwell> {
    match tokio::time::timeout(patience, asked).await {
        Ok(answered) => answered.map_err(|error| Unwell::Store(Arc::new(error))),
        Err(_) => Err(Unwell::StoreSilent),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use loggia_delivery::{Answer, Engine, Fault, Limits, NodeId, Request, Transport};
    use loggia_storage::MasterKey;

    use super::*;

    /// Seconds that pass when they are told to.
    #[derive(Clone, Default)]
    struct ManualClock(Arc<AtomicI64>);

    impl Clock for ManualClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_second(self.0.load(Ordering::Relaxed)).expect("in range")
        }

        async fn sleep_until(&self, _: Timestamp) {
            std::future::pending().await
        }
    }

    struct Nowhere;

    impl Transport for Nowhere {
        async fn send(&self, _: Request) -> Result<Answer, Fault> {
            Err(Fault::Network)
        }
    }

    type TestEngine = Engine<loggia_storage::Deliveries, Nowhere, ManualClock>;

    /// Beside the health, an engine whose time stands still, and the time of the health.
    async fn health(name: &str) -> (Health<ManualClock>, TestEngine, ManualClock) {
        let key = MasterKey::new([7; 32]);
        let storage = Storage::memory(name, &key).await.expect("opens");
        let clock = ManualClock::default();
        let (engine, handle) = Engine::new(
            NodeId::new("here"),
            storage.deliveries(),
            Nowhere,
            ManualClock::default(),
            || 0,
            Limits::default(),
        );
        (Health::new(storage, handle, clock.clone()), engine, clock)
    }

    fn why(checked: Checked) -> String {
        checked.expect_err("not well").to_string()
    }

    #[tokio::test]
    async fn an_engine_that_is_gone_or_still_is_no_health() {
        let (health, engine, clock) = health("gone").await;
        let starting = health.clone().deliver().await.expect("it starts");
        assert_eq!(starting["delivery"]["running"], json!(false));

        let running = tokio::spawn(engine.run(std::future::pending()));
        while health.engine.pulse() == Pulse::Starting {
            tokio::task::yield_now().await;
        }
        let well = health.clone().deliver().await.expect("it runs");
        assert_eq!(
            well["delivery"],
            json!({ "running": true, "oldestDueSeconds": 0 })
        );

        clock.0.store(61, Ordering::Relaxed);
        let still = why(health.clone().deliver().await);
        assert!(still.contains("stood still since"), "{still}");

        running.abort();
        assert!(running.await.is_err(), "it was cut off");
        assert_eq!(why(health.deliver().await), "the delivery engine has ended");
    }

    #[tokio::test]
    async fn a_store_that_does_not_answer_is_waited_for_only_so_long() {
        let nothing = std::future::pending::<Result<(), _>>();
        let silent = within(Duration::from_millis(1), nothing).await;
        let silent = silent.expect_err("nothing came").to_string();
        assert_eq!(silent, "the database has not answered in time");
    }

    #[tokio::test]
    async fn a_stream_that_nobody_reads_is_no_health() {
        let (health, _engine, _) = health("streams").await;
        let well = health.clone().stream().await.expect("there is none");
        assert!(well.is_empty());
        let dead = health.with_streams(LiveStreams::starting(["network"]));
        let why = why(dead.stream().await);
        assert!(why.starts_with("not every record stream is read"), "{why}");
    }

    #[tokio::test]
    async fn the_store_is_asked_now_and_then_only() {
        let (health, _engine, clock) = health("asked").await;
        health.clone().write().await.expect("it can be written");
        health.storage.close().await;
        clock.0.store(4, Ordering::Relaxed);
        health.clone().write().await.expect("repeated");
        health.clone().read().await.expect("repeated");
        clock.0.store(5, Ordering::Relaxed);
        assert_eq!(
            why(health.clone().write().await),
            "cannot begin a transaction"
        );
        assert!(health.read().await.is_err());
    }
}
