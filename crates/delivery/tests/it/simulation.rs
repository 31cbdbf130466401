//! Engines, a store and receivers through thousands of schedules of trouble: crashes, nodes that
//! stand still, clocks that are set, a store that does not answer, receivers of every mood.
//!
//! A schedule follows from its seed alone, and so does everything that happens in it: time passes
//! only when nobody has anything left to do. `LOGGIA_SIMULATION` has the number of schedules;
//! `LOGGIA_SIMULATION_SEED` runs one alone.

mod dice;
mod plan;
mod scene;
mod store;
mod time;
mod watch;

use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{
    DeliveryId, EndpointId, EndpointState, Engine, Health, NodeId, Notification, NotificationId,
};
use loggia_syntax::Nsid;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::world::START;
use plan::{Plan, Step};
use scene::{Scene, View, endpoint_id};
use time::Time;

/// So many schedules in an ordinary run.
const SCHEDULES: u64 = 2000;

/// So long after the last step, everything has to have come to rest.
const REST: SignedDuration = SignedDuration::from_hours(4);

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("the variable holds a number"))
}

#[test]
fn every_rule_holds_in_every_schedule() {
    if let Some(seed) = number("LOGGIA_SIMULATION_SEED") {
        return simulate(seed);
    }
    let schedules = number("LOGGIA_SIMULATION").unwrap_or(SCHEDULES);
    let half = |first: u64| (first..schedules).step_by(2).for_each(simulate);
    std::thread::scope(|scope| {
        scope.spawn(|| half(1));
        half(0);
    });
}

fn simulate(seed: u64) {
    if play(seed, false).is_some() {
        // The same again, and this time with what happens.
        let broken = play(seed, true);
        let broken = broken.expect("a schedule is the same every time");
        panic!("LOGGIA_SIMULATION_SEED={seed}: {broken}");
    }
}

/// Plays a schedule; which rule was broken, if one was.
fn play(seed: u64, told: bool) -> Option<String> {
    let time = Time::new();
    let passing = time.clone();
    let runtime = Builder::new_current_thread()
        .on_thread_park(move || passing.pass())
        .build()
        .expect("a runtime");
    runtime.block_on(Run::new(Plan::of(seed), time, told).play())
}

/// A schedule under way.
struct Run {
    scene: Arc<Scene>,
    engines: Vec<Option<Running>>,
    /// When a node that is down is started again.
    starts: Vec<Option<Timestamp>>,
    /// How many engines there were.
    started: u64,
    made: Vec<DeliveryId>,
}

struct Running {
    task: JoinHandle<()>,
    stop: Option<oneshot::Sender<()>>,
}

impl Run {
    fn new(plan: Plan, time: Time, told: bool) -> Self {
        let nodes = plan.nodes;
        Self {
            scene: Scene::new(plan, time, told),
            engines: (0..nodes).map(|_| None).collect(),
            starts: vec![Some(START); nodes],
            started: 0,
            made: Vec::new(),
        }
    }

    /// Plays the schedule; which rule was broken, if one was.
    async fn play(mut self) -> Option<String> {
        for (at, step) in self.scene.plan.steps.clone() {
            self.wait_until(START + at).await;
            self.scene
                .lock()
                .watch
                .say(START + at, || format!("{step:?}"));
            self.step(step);
        }
        let end = self.scene.time.now() + REST;
        while self.scene.time.now() < end && !self.at_rest() {
            let next = self.scene.time.now() + SignedDuration::from_secs(10);
            self.wait_until(next).await;
            let mut inner = self.scene.lock();
            let inner = &mut *inner;
            inner.watch.check_age(&inner.store, next);
            if inner.watch.broken().is_some() {
                break;
            }
        }
        let quiet = self.scene.plan.is_quiet();
        let mut inner = self.scene.lock();
        let inner = &mut *inner;
        inner.watch.finish(&inner.store, quiet);
        inner.watch.broken()
    }

    fn at_rest(&self) -> bool {
        let inner = self.scene.lock();
        self.starts.iter().all(Option::is_none)
            && inner.store.rows.values().all(|row| !row.state.is_open())
    }

    /// Lets time pass, and starts nodes whose time has come.
    async fn wait_until(&mut self, at: Timestamp) {
        loop {
            let now = self.scene.time.now();
            for node in 0..self.starts.len() {
                // Whoever could not go on without a store is started again, as any process is.
                let ended = |running: &Running| running.task.is_finished();
                if self.engines[node].as_ref().is_some_and(ended) {
                    self.engines[node] = None;
                    self.down(node, 3);
                }
                if self.starts[node].is_some_and(|start| start <= now) {
                    self.starts[node] = None;
                    self.start(node);
                }
            }
            let next = self.starts.iter().flatten().min().copied();
            let next = next.unwrap_or(at).min(at);
            if next <= now {
                return;
            }
            self.scene.time.sleep(next.duration_since(now)).await;
        }
    }

    fn start(&mut self, node: usize) {
        self.started += 1;
        let name = match self.scene.plan.alone {
            true => "single".to_owned(),
            false => format!("n{node}.{}", self.started),
        };
        let view = View {
            scene: self.scene.clone(),
            node,
            name: NodeId::new(&name),
        };
        let mut chance = dice::Dice::new(self.scene.plan.seed ^ self.started);
        let (engine, handle) = Engine::new(
            view.name.clone(),
            view.clone(),
            view.clone(),
            view.clone(),
            move || chance.next(),
            self.scene.plan.limits.clone(),
        );
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            // Where the store does not answer at the start or the end, the process ends.
            if engine.run(async { drop(stopped.await) }).await.is_err() {
                let truly = view.scene.time.now();
                let say = || format!("{} ends without a store", view.name.as_str());
                view.scene.lock().watch.say(truly, say);
            }
        });
        self.scene.lock().nodes[node].handle = Some(handle);
        let stop = Some(stop);
        self.engines[node] = Some(Running { task, stop });
    }

    fn step(&mut self, step: Step) {
        let scene = self.scene.clone();
        let truly = scene.time.now();
        let seconds = SignedDuration::from_secs;
        match step {
            Step::Tell { .. } => self.tell(step),
            Step::Crash { node, seconds } => self.crash(node, seconds),
            Step::Pause {
                node,
                seconds: long,
            } => {
                let until = truly + seconds(long);
                let is = &mut scene.lock().nodes[node];
                is.paused_until = is.paused_until.max(until);
            }
            Step::Jump { node, seconds: by } => {
                let mut inner = scene.lock();
                inner.nodes[node].offset = seconds(by);
                inner.watch.jumped(truly);
            }
            Step::Stop {
                node,
                seconds: later,
            } => {
                if let Some(running) = &mut self.engines[node] {
                    drop(running.stop.take());
                    self.crash_later(node, later);
                }
            }
            Step::Outage { seconds: long } => {
                let mut inner = scene.lock();
                inner.outage_until = inner.outage_until.max(truly + seconds(long));
            }
            Step::LoseAnswer => scene.lock().lose_answer = true,
            Step::Rotate { endpoint } => self.rotate(endpoint),
            Step::Disable { endpoint } => self.disable(endpoint_id(endpoint)),
            Step::Enable { endpoint } => self.enable(endpoint_id(endpoint)),
            Step::Replay { delivery } => self.replay(delivery),
            Step::Cancel { delivery } => {
                let Some(&id) = self.made.get(delivery) else {
                    return;
                };
                let mut inner = scene.lock();
                if inner.store.cancel(id, truly) {
                    inner.watch.touched(id, truly);
                    scene.announce(id.endpoint);
                }
            }
        }
    }
}

impl Run {
    fn crash(&mut self, node: usize, seconds: i64) {
        if let Some(running) = self.engines[node].take() {
            running.task.abort();
        }
        self.down(node, seconds);
    }

    /// A stop is given more than its budget, and then is none.
    fn crash_later(&mut self, node: usize, seconds: i64) {
        let Some(running) = self.engines[node].take() else {
            return;
        };
        let time = self.scene.time.clone();
        let kill = running.task.abort_handle();
        tokio::spawn(async move {
            time.sleep(SignedDuration::from_secs(8)).await;
            kill.abort();
        });
        self.down(node, seconds + 9);
    }

    fn down(&mut self, node: usize, seconds: i64) {
        let mut inner = self.scene.lock();
        inner.nodes[node].handle = None;
        inner.nodes[node].paused_until = Timestamp::MIN;
        let at = self.scene.time.now() + SignedDuration::from_secs(seconds);
        // Not while the store is out: a process that cannot start is started again.
        self.starts[node] = Some(at.max(inner.outage_until + SignedDuration::from_secs(1)));
    }

    fn tell(&mut self, step: Step) {
        let Step::Tell {
            node,
            first,
            count,
            lasts,
            lost,
        } = step
        else {
            return;
        };
        let truly = self.scene.time.now();
        let now = self.scene.now(node);
        let mut inner = self.scene.lock();
        let inner = &mut *inner;
        let Some(handle) = inner.nodes[node].handle.clone() else {
            return;
        };
        if inner.nodes[node].paused_until > truly || inner.outage_until > truly {
            return;
        }
        // Ids of one millisecond are in the order in which they were made.
        let number = u16::try_from(self.made.len()).expect("a schedule is short");
        let mut random = [0; 10];
        random[8..].copy_from_slice(&number.to_be_bytes());
        let notification = Arc::new(Notification {
            id: NotificationId::new(truly, random),
            kind: Nsid::from_static("com.atproto.space.notifyWrite"),
            subject: "a space".to_owned(),
            body: Bytes::from_static(br#"{"space":"x"}"#),
            created_at: now,
            deadline: now + SignedDuration::from_secs(lasts),
        });
        let reservation = handle.reserve(count, now);
        let mut due = Vec::new();
        let places = self.scene.plan.endpoints.len();
        for place in (0..count).map(|n| (first + n) % places) {
            let lease = reservation.lease();
            let id = endpoint_id(place);
            let (id, offered) = inner.store.enqueue(&notification, id, lease, now);
            self.made.push(id);
            due.extend(offered);
        }
        if !lost {
            reservation.offer(due);
            handle.wake();
        }
    }

    fn disable(&self, id: EndpointId) {
        let truly = self.scene.time.now();
        let mut inner = self.scene.lock();
        inner.store.disable(id, truly);
        inner.watch.disabled(id, truly);
        self.scene.announce(id);
    }

    fn enable(&self, id: EndpointId) {
        let mut inner = self.scene.lock();
        inner.watch.enabled(id);
        let row = inner.store.endpoints.get_mut(&id).expect("it is there");
        row.state = EndpointState::Active;
        row.health = Health::default();
        self.scene.announce(id);
    }

    fn rotate(&mut self, place: usize) {
        let truly = self.scene.time.now();
        let mut inner = self.scene.lock();
        let inner = &mut *inner;
        let secret = loggia_delivery::Secret::generate([inner.dice.next().to_be_bytes()[0]; 32]);
        inner.secrets[place].push(secret.clone());
        let id = endpoint_id(place);
        let row = inner.store.endpoints.get_mut(&id).expect("it is there");
        let secrets = std::mem::take(&mut row.secrets);
        row.secrets = secrets.rotate(secret, truly, SignedDuration::from_hours(24));
        self.scene.announce(id);
    }

    fn replay(&mut self, delivery: usize) {
        let truly = self.scene.time.now();
        let Some(&id) = self.made.get(delivery) else {
            return;
        };
        let mut inner = self.scene.lock();
        let deadline = truly + SignedDuration::from_hours(2);
        if inner.store.replay(id, deadline, truly) {
            inner.watch.touched(id, truly);
            let nodes = inner.nodes.iter();
            let handles = nodes.filter_map(|node| node.handle.clone());
            handles.for_each(|handle| handle.wake());
        }
    }
}
