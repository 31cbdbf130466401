//! Storage and engine in a process of their own, with producers that enqueue as handlers do.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use loggia_delivery::{
    Clock as _, Endpoint, EndpointId, Engine, Handle, Limits, NewNotification, NodeId,
    Notification, NotificationId, Observed, Observer, Profile, Recipient, Secret, Secrets, State,
    SystemClock, Target,
};
use loggia_server::chance;
use loggia_server::outgoing::Outgoing;
use loggia_storage::{Intake, Location, MasterKey, Storage, To, Wish};
use loggia_syntax::{Did, Nsid};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{bare, child, clock};

/// Deliveries that are enqueued and not yet recorded as over: enough to keep every stage busy, few
/// enough to fit into the engine's memory.
const OUTSTANDING: usize = 2048;

/// What is to be measured.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub enum Order {
    /// Opens this store, with these endpoints.
    Open {
        /// A path, or the URL of a PostgreSQL database.
        store: String,
        /// Where they are.
        urls: Vec<String>,
    },
    /// Adds endpoints and leaves so many deliveries to each of them waiting.
    Burden {
        /// Where they are.
        urls: Vec<String>,
        /// How many deliveries.
        each: usize,
    },
    /// Enqueues as fast as deliveries are made.
    Flat {
        /// For so long, a quarter of it before the measurement begins.
        milliseconds: u64,
        /// Endpoints for each notification.
        fan_out: usize,
    },
    /// Enqueues so many a second.
    Paced {
        /// For so long.
        milliseconds: u64,
        /// Notifications a second.
        rate: f64,
    },
}

/// What came out.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Done {
    /// Deliveries that were recorded as delivered in the measured time,
    pub delivered: u64,
    /// which was so long.
    pub seconds: f64,
    /// CPU time of this process in it.
    pub cpu: f64,
    /// The most memory so far, in MiB.
    pub peak: f64,
    /// Paced: the number of each notification, and when it was acknowledged.
    pub acknowledged: Vec<(u64, u64)>,
}

/// Runs as the measured process.
pub fn run() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be started");
    let mut world: Option<World> = None;
    for order in child::orders::<Order>() {
        let done = match (order, &mut world) {
            (Order::Open { store, urls }, world) => {
                *world = Some(runtime.block_on(World::open(&store, &urls)));
                Done::default()
            }
            (Order::Burden { urls, each }, Some(world)) => {
                runtime.block_on(world.burden(&urls, each))
            }
            (
                Order::Flat {
                    milliseconds,
                    fan_out,
                },
                Some(world),
            ) => {
                let time = Duration::from_millis(milliseconds);
                runtime.block_on(world.flat_out(time, fan_out))
            }
            (Order::Paced { milliseconds, rate }, Some(world)) => {
                let time = Duration::from_millis(milliseconds);
                runtime.block_on(world.paced(time, rate))
            }
            (order, None) => panic!("nothing is open for {order:?}"),
        };
        child::answer(&done);
    }
}

#[derive(Clone)]
struct World {
    storage: Storage,
    intake: Intake,
    handle: Handle,
    endpoints: Arc<[EndpointId]>,
    outcomes: Arc<Outcomes>,
    numbers: Arc<AtomicU64>,
}

/// Gives places back as deliveries are over.
struct Outcomes {
    room: Arc<Semaphore>,
    delivered: AtomicU64,
    /// What goes to the others holds no place.
    first: EndpointId,
    last: EndpointId,
}

impl Observer for Outcomes {
    fn recorded(&self, outcome: &Observed<'_>) {
        let endpoint = outcome.settled.id.endpoint;
        if (self.first..=self.last).contains(&endpoint)
            && matches!(outcome.settled.state, State::Delivered { .. })
        {
            self.delivered.fetch_add(1, Ordering::Relaxed);
            self.room.add_permits(1);
        }
    }
}

impl World {
    async fn open(store: &str, urls: &[String]) -> Self {
        let location = store.parse().unwrap_or_else(|_| Location::file(store));
        let key = MasterKey::new([7; 32]);
        let storage = Storage::open(&location, &key).await.expect("it opens");
        let mut endpoints = add(&storage, urls).await;
        endpoints.sort();
        let outcomes = Arc::new(Outcomes {
            room: Arc::new(Semaphore::new(OUTSTANDING)),
            delivered: AtomicU64::new(0),
            first: endpoints[0],
            last: endpoints[endpoints.len() - 1],
        });
        let (engine, handle) = Engine::new(
            NodeId::new("bench"),
            storage.deliveries(),
            Outgoing(bare::client()),
            SystemClock,
            chance::number,
            Limits::default(),
        );
        let engine = engine.with_observer(Arc::clone(&outcomes) as Arc<dyn Observer>);
        tokio::spawn(engine.run(std::future::pending()));
        Self {
            intake: storage.intake(),
            storage,
            handle,
            endpoints: endpoints.into(),
            outcomes,
            numbers: Arc::default(),
        }
    }

    async fn burden(&self, urls: &[String], each: usize) -> Done {
        // Ids sort by time: what is added later lies beyond those that are counted.
        let endpoints = add(&self.storage, urls).await;
        for _ in 0..each {
            self.tell(self.next_number(), &endpoints).await;
        }
        Done::default()
    }

    async fn flat_out(&self, time: Duration, fan_out: usize) -> Done {
        let stop = Arc::<AtomicBool>::default();
        let mut producers = JoinSet::new();
        for _ in 0..64 {
            let (world, stop) = (self.clone(), Arc::clone(&stop));
            producers.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    world.produce(fan_out).await;
                }
            });
        }
        tokio::time::sleep(time / 4).await;
        let done = self.measure(tokio::time::sleep(time * 3 / 4)).await;
        stop.store(true, Ordering::Relaxed);
        while let Some(ended) = producers.join_next().await {
            ended.expect("no producer panics");
        }
        let all = self.outcomes.room.acquire_many(OUTSTANDING as u32).await;
        drop(all.expect("it is never closed"));
        done
    }

    async fn measure(&self, during: impl Future<Output = ()>) -> Done {
        let count = || self.outcomes.delivered.load(Ordering::Relaxed);
        let (begun, before) = (clock::now(), count());
        let used = child::used(std::process::id());
        during.await;
        let after = child::used(std::process::id());
        Done {
            delivered: count() - before,
            seconds: (clock::now() - begun) as f64 / 1e9,
            cpu: after.cpu - used.cpu,
            peak: after.peak,
            acknowledged: Vec::new(),
        }
    }

    /// One notification when there is room for it.
    async fn produce(&self, fan_out: usize) {
        let room = self.outcomes.room.acquire_many(fan_out as u32).await;
        room.expect("it is never closed").forget();
        let number = self.next_number();
        let first = number as usize % self.endpoints.len();
        let around = self.endpoints.iter().cycle().skip(first).take(fan_out);
        let endpoints: Vec<_> = around.copied().collect();
        self.tell(number, &endpoints).await;
    }

    async fn paced(&self, time: Duration, rate: f64) -> Done {
        let mut tick = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
        let mut told = JoinSet::new();
        let count = (time.as_secs_f64() * rate) as usize;
        for _ in 0..count {
            tick.tick().await;
            let world = self.clone();
            told.spawn(async move {
                let number = world.next_number();
                let endpoint = world.endpoints[number as usize % world.endpoints.len()];
                (number, world.tell(number, &[endpoint]).await)
            });
        }
        let acknowledged = told.join_all().await;
        // Places are for those who enqueue flat out; these took none and gave some.
        self.outcomes.room.forget_permits(count);
        Done {
            acknowledged,
            ..Done::default()
        }
    }

    fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// What a handler does; when it was acknowledged.
    async fn tell(&self, number: u64, endpoints: &[EndpointId]) -> u64 {
        let now = SystemClock.now();
        let deadline = now + SignedDuration::from_hours(24);
        let recipients: Vec<_> = endpoints
            .iter()
            .map(|&endpoint| Recipient::new(endpoint, deadline))
            .collect();
        let notification = Notification {
            id: NotificationId::new(now, chance::bytes()),
            kind: Nsid::from_static("com.atproto.space.notifyWrite"),
            subject: "at://did:web:bench.example/space/com.example.forum/main".into(),
            body: super::body(number),
            created_at: now,
            deadline,
        };
        let new = NewNotification {
            notification,
            source: None,
        };
        let reservation = self.handle.reserve(recipients.len(), now);
        let wish = Wish {
            new,
            room: recipients.len(),
            to: To::These(recipients),
            lease: reservation.lease().cloned(),
            now,
        };
        let enqueued = self.intake.enqueue(wish).await.expect("enqueues");
        let acknowledged = clock::now();
        reservation.offer(enqueued.due);
        acknowledged
    }
}

async fn add(storage: &Storage, urls: &[String]) -> Vec<EndpointId> {
    let now = SystemClock.now();
    let mut ids = Vec::new();
    let mut tx = storage.begin().await.expect("begins");
    for url in urls {
        let id = EndpointId::new(now, chance::bytes());
        let endpoint = Endpoint::new(
            id,
            Did::new("did:web:bench.example").expect("a DID"),
            Target::new(url).expect("a target"),
            Profile::Standard,
            Secrets::one(Secret::generate(chance::bytes())),
            now,
        );
        let inserted = storage.endpoints().insert(&mut tx, &endpoint).await;
        inserted.expect("inserts");
        ids.push(id);
    }
    tx.commit().await.expect("commits");
    ids
}
