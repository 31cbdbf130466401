//! Everything that engines meet in a schedule: a clock, a store and receivers, one of each for each
//! node, all of them about one scene.

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{
    Answer, Clock, DeliveryId, Endpoint, EndpointId, Fault, Handle, LeaseRequest, Leased, Life,
    NodeId, NotificationId, Outcome, Queue, Recorded, Request, Secret, Secrets, Settled, Target,
    Transport, signature,
};
use loggia_syntax::Did;

use super::dice::Dice;
use super::plan::{Mood, Plan};
use super::store::Store;
use super::time::Time;
use super::watch::{Start, Watch, short};
use crate::world::START;

/// The scene of one schedule.
pub struct Scene {
    pub time: Time,
    pub plan: Plan,
    inner: Mutex<Inner>,
}

pub struct Inner {
    pub store: Store,
    pub watch: Watch,
    pub nodes: Vec<Node>,
    pub dice: Dice,
    pub outage_until: Timestamp,
    pub lose_answer: bool,
    /// Every secret that an endpoint ever had, newest last.
    pub secrets: Vec<Vec<Secret>>,
}

/// What is outside of a node, and true of it.
pub struct Node {
    pub offset: SignedDuration,
    pub paused_until: Timestamp,
    pub handle: Option<Handle>,
}

#[derive(Debug, thiserror::Error)]
#[error("the store does not answer")]
pub struct Outage;

pub fn endpoint_id(place: usize) -> EndpointId {
    let number = u8::try_from(place + 1).expect("few endpoints");
    EndpointId::new(START, [number; 10])
}

fn endpoint(plan: &Plan, place: usize, secret: Secret) -> Endpoint {
    let is = &plan.endpoints[place];
    let url = format!("https://h{}.example/{place}", is.host);
    let target = Target::new(&url).expect("a good URL");
    let owner = Did::from_static("did:web:feed.example.com");
    let secrets = Secrets::one(secret);
    Endpoint {
        in_order: is.in_order,
        per_second: is.per_second,
        ..Endpoint::new(
            endpoint_id(place),
            owner,
            target,
            is.profile,
            secrets,
            START,
        )
    }
}

impl Scene {
    pub fn new(plan: Plan, time: Time, told: bool) -> Arc<Self> {
        let places = 0..plan.endpoints.len();
        let secret = |place: usize| Secret::generate([u8::try_from(place).expect("few"); 32]);
        let endpoints = places
            .clone()
            .map(|place| endpoint(&plan, place, secret(place)));
        let nodes = (0..plan.nodes).map(|_| Node {
            offset: SignedDuration::ZERO,
            paused_until: Timestamp::MIN,
            handle: None,
        });
        let inner = Inner {
            store: Store::new(plan.alone, endpoints),
            watch: Watch::new(plan.clone(), told),
            nodes: nodes.collect(),
            dice: Dice::new(plan.seed ^ 0x5eed),
            outage_until: Timestamp::MIN,
            lose_answer: false,
            secrets: places.map(|place| vec![secret(place)]).collect(),
        };
        let inner = Mutex::new(inner);
        Arc::new(Self { time, plan, inner })
    }

    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nobody panics with the lock")
    }

    /// What time it is for a node.
    pub fn now(&self, node: usize) -> Timestamp {
        self.time.now() + self.lock().nodes[node].offset
    }

    /// Goes on when the node does.
    async fn unpaused(&self, node: usize) {
        loop {
            let until = self.lock().nodes[node].paused_until;
            let wait = until.duration_since(self.time.now());
            if wait <= SignedDuration::ZERO {
                return;
            }
            self.time.sleep(wait).await;
        }
    }

    /// A moment of up to so many milliseconds.
    async fn moment(&self, most: i64) {
        let millis = self.lock().dice.of(0..most);
        self.time.sleep(SignedDuration::from_millis(millis)).await;
    }

    /// Tells all nodes that an endpoint has changed, a moment after it has.
    pub fn announce(self: &Arc<Self>, endpoint: EndpointId) {
        for node in 0..self.plan.nodes {
            let scene = self.clone();
            tokio::spawn(async move {
                scene.moment(100).await;
                scene.unpaused(node).await;
                let handle = scene.lock().nodes[node].handle.clone();
                if let Some(handle) = handle {
                    handle.endpoint_dropped(endpoint).await;
                }
            });
        }
    }

    fn mood(&self, place: usize) -> Mood {
        let passed = self.time.now().duration_since(START);
        let phases = self.plan.endpoints[place].phases.iter();
        let current = phases.take_while(|(begin, _)| *begin <= passed).last();
        match current {
            // The last phase lasts half a minute: whoever is ill gets well.
            Some((begin, _)) if passed - *begin > SignedDuration::from_secs(30) => Mood::Well,
            Some((_, mood)) => *mood,
            None => Mood::Well,
        }
    }
}

/// What one node of the scene knows.
#[derive(Clone)]
pub struct View {
    pub scene: Arc<Scene>,
    pub node: usize,
    pub name: NodeId,
}

impl Clock for View {
    fn now(&self) -> Timestamp {
        self.scene.now(self.node)
    }

    fn passed(&self) -> SignedDuration {
        self.scene.time.now().duration_since(START)
    }

    async fn sleep_until(&self, at: Timestamp) {
        let wait = at.duration_since(self.now());
        self.scene.time.sleep(wait).await;
        self.scene.unpaused(self.node).await;
    }
}

impl View {
    /// Asks the store, which takes a moment before and a moment after.
    async fn ask<T>(&self, does: impl FnOnce(&mut Inner, Timestamp) -> T) -> Result<T, Outage> {
        self.scene.moment(20).await;
        let answer = {
            let truly = self.scene.time.now();
            let mut inner = self.scene.lock();
            let out = inner.outage_until > truly;
            (!out).then(|| does(&mut inner, truly)).ok_or(Outage)
        };
        self.scene.moment(20).await;
        self.scene.unpaused(self.node).await;
        answer
    }
}

impl Queue for View {
    type Error = Outage;

    async fn heartbeat(
        &self,
        node: &NodeId,
        lasts: SignedDuration,
        now: Timestamp,
    ) -> Result<Life, Outage> {
        self.ask(|inner, truly| inner.store.heartbeat(node, lasts, now, truly))
            .await
    }

    async fn void_leases(&self, node: &NodeId, now: Timestamp) -> Result<u64, Outage> {
        self.ask(|inner, _| inner.store.void_leases(node, now))
            .await
    }

    async fn lease(&self, request: &LeaseRequest, now: Timestamp) -> Result<Leased, Outage> {
        self.ask(|inner, truly| {
            let leased = inner.store.lease(request, now, truly);
            for due in &leased.due {
                let name = request.lease.node.as_str();
                inner
                    .watch
                    .say(truly, || format!("{name} leases {}", short(&due.id)));
            }
            leased
        })
        .await
    }

    async fn record(
        &self,
        _: &NodeId,
        settled: &[Settled],
        now: Timestamp,
    ) -> Result<Recorded, Outage> {
        let recorded = self.ask(|inner, truly| {
            let recorded = inner.store.record(settled, now);
            let fresh = settled
                .iter()
                .filter(|settled| !recorded.stale.contains(&settled.id));
            fresh.for_each(|settled| inner.watch.recorded(settled, truly));
            for &endpoint in &recorded.disabled {
                inner.watch.disabled(endpoint, truly);
            }
            (recorded, std::mem::take(&mut inner.lose_answer))
        });
        let (recorded, lost) = recorded.await?;
        for &endpoint in &recorded.disabled {
            self.scene.announce(endpoint);
        }
        if lost { Err(Outage) } else { Ok(recorded) }
    }
}

/// Ends the attempt in the watch's books, however it ends.
struct Flying {
    scene: Arc<Scene>,
    flight: u64,
}

impl Drop for Flying {
    fn drop(&mut self) {
        self.scene.lock().watch.end(self.flight);
    }
}

impl Transport for View {
    async fn send(&self, request: Request) -> Result<Answer, Fault> {
        let (place, id) = addressed(&request);
        let _flying = self.begin(place, id, &request);
        let mood = self.scene.mood(place);
        let outcome = self.behave(mood, &request).await;
        {
            let truly = self.scene.time.now();
            let success = self.scene.plan.endpoints[place].profile.wire().success;
            let verdict = match &outcome {
                Ok(answer) => Outcome::Answered(answer.clone()).verdict(success),
                Err(fault) => Outcome::Failed(*fault).verdict(success),
            };
            self.scene.lock().watch.answered(id, verdict, truly);
        }
        self.scene.unpaused(self.node).await;
        outcome
    }
}

impl View {
    fn begin(&self, place: usize, id: DeliveryId, request: &Request) -> Flying {
        let now = self.now();
        let truly = self.scene.time.now();
        let mut inner = self.scene.lock();
        let inner = &mut *inner;
        let start = Start {
            id,
            place,
            node: &self.name,
            now,
            paused_until: inner.nodes[self.node].paused_until,
        };
        let flight = inner.watch.start(&inner.store, &start, truly);
        let held = inner.secrets[place].iter().rev().take(2);
        let held: Vec<_> = held.cloned().collect();
        let signed = signature::Signed::find(|name| header(request, name));
        let verified = signed.and_then(|signed| {
            signed.verify(&request.body, &held, now, SignedDuration::from_secs(1))
        });
        inner.watch.verified(id, verified.is_ok());
        Flying {
            scene: self.scene.clone(),
            flight,
        }
    }

    async fn behave(&self, mood: Mood, request: &Request) -> Result<Answer, Fault> {
        let limit = SignedDuration::try_from(request.timeout).expect("a short timeout");
        match mood {
            Mood::Hanging => {
                self.scene.time.sleep(limit).await;
                if self.scene.lock().dice.percent(20) {
                    // A transport that does not keep to its own limit.
                    self.scene.time.sleep(limit * 10).await;
                }
                return Err(Fault::Timeout);
            }
            Mood::Slow => self.scene.moment(8000).await,
            _ => self.scene.moment(200).await,
        }
        let (status, retry_after) = match mood {
            Mood::Refusing => return Err(Fault::Network),
            Mood::Failing => (503, None),
            Mood::Busy(seconds) => (429, Some(seconds.to_string())),
            Mood::NotFound => (404, None),
            Mood::Gone => (410, None),
            Mood::Well | Mood::Slow | Mood::Hanging => (200, None),
        };
        let body = Bytes::from_static(br#"{"status":"SUCCEEDED"}"#);
        let body = if status == 200 { body } else { Bytes::new() };
        Ok(Answer {
            status,
            retry_after,
            body,
        })
    }
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let found = request.headers.iter().find(|(header, _)| header == name);
    found.map(|(_, value)| value.as_str())
}

/// The endpoint's place, and which delivery it is.
fn addressed(request: &Request) -> (usize, DeliveryId) {
    let (_, place) = request
        .target
        .as_str()
        .rsplit_once('/')
        .expect("it has a path");
    let place = place.parse().expect("the path is a number");
    let notification = header(request, signature::ID).expect("every request has an id");
    let notification: NotificationId = notification.parse().expect("a notification's id");
    let endpoint = endpoint_id(place);
    (
        place,
        DeliveryId {
            notification,
            endpoint,
        },
    )
}
