//! The loop around the pure core: leases, attempts, outcomes.
//!
//! One task owns all state. It starts attempts, the batch of outcomes that is being written, the
//! look for due work and the heartbeat as tasks of their own and waits for whichever ends first.

mod attempt;
mod beat;
mod handle;
mod lanes;
mod lease;
mod life;
mod limits;
mod meters;
mod pace;
mod record;
mod stop;
mod work;

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio::task::{self, JoinSet};

use crate::clock::after;
use crate::{
    Clock, Due, EndpointId, Leased, Life, NoSigner, NodeId, Observer, Queue, Recorded, Settled,
    Signer, Transport,
};
use attempt::{Attempted, Means};
pub use handle::{Handle, Pulse, Reservation};
use lanes::{Lanes, Rest};
use life::Moment;
pub use limits::Limits;
use meters::{Levels, Meters};

/// How many messages, and how many ended attempts, are looked at in one turn.
const AT_ONCE: usize = 256;

/// A clock that goes back by more than this was set back; by less, it was only corrected.
const CORRECTION: SignedDuration = SignedDuration::from_secs(1);

/// Delivers what a queue holds until it is told to stop.
pub struct Engine<Q: Queue, T, C> {
    node: NodeId,
    queue: Arc<Q>,
    means: Means<T, C>,
    clock: Arc<C>,
    observer: Option<Arc<dyn Observer>>,
    chance: Box<dyn FnMut() -> u64 + Send>,
    limits: Limits,
    meters: Meters,
    inbox: mpsc::Receiver<Message>,
    gate: handle::Gate,
    lanes: Lanes,
    /// Attempts in flight, at most [`Limits::in_flight`].
    attempts: JoinSet<Attempted>,
    flying: HashMap<task::Id, (Due, Timestamp)>,
    /// Outcomes that wait for the batch being written to end. Bounded: no attempt starts while they
    /// are more than [`Limits::unrecorded`], and what goes back without an attempt was waiting.
    outcomes: Vec<Settled>,
    /// The deliveries of the outcomes, side by side with them: for the observer alone.
    dues: Vec<Due>,
    /// At most one batch at a time: the next forms while this one commits.
    recording: JoinSet<Result<Recorded, Q::Error>>,
    batch: Arc<Vec<Settled>>,
    /// Whether among the outcomes, and in the batch, are such of endpoints that want order: what
    /// comes after them in the queue may go out once they are written.
    ordered: bool,
    batch_ordered: bool,
    batch_dues: Vec<Due>,
    /// At most one look at a time.
    leasing: JoinSet<Result<Leased, Q::Error>>,
    /// Endpoints that changed while that look was under way: what it brings for them may be as they
    /// were before.
    changed: HashSet<EndpointId>,
    /// At most one heartbeat at a time, with the moment in which it was begun.
    beating: JoinSet<(Moment, Result<Life, Q::Error>)>,
    /// Until then others leave alone what this node holds.
    life: Moment,
    /// Whether that was still ahead when last looked at.
    alive: bool,
    next_beat: Timestamp,
    next_lease: Timestamp,
    /// The end of the last lease that was asked for: no two are the same.
    last_lease: Timestamp,
    next_record: Timestamp,
    /// The time of the last turn of the loop.
    turned: Timestamp,
}

/// What others tell the engine.
enum Message {
    /// A delivery that was enqueued with this node's lease.
    Offered(Box<Due>),
    /// There is due work in the queue that did not come along.
    Wake,
    /// The endpoint was disabled, deleted or changed.
    Dropped(EndpointId),
}

impl<Q: Queue, T: Transport, C: Clock> Engine<Q, T, C> {
    /// An engine, and the handle through which it is offered work. `chance` makes random numbers
    /// for the jitter.
    pub fn new(
        node: NodeId,
        queue: Q,
        transport: T,
        clock: C,
        chance: impl FnMut() -> u64 + Send + 'static,
        limits: Limits,
    ) -> (Self, Handle) {
        let (outbox, inbox) = mpsc::channel(limits.offered);
        let gate = handle::Gate::shut();
        let handle = Handle::new(node.clone(), outbox, gate.clone(), limits.first_lease());
        let clock = Arc::new(clock);
        let engine = Self {
            node,
            queue: Arc::new(queue),
            means: Means {
                transport: Arc::new(transport),
                clock: clock.clone(),
                signer: Arc::new(NoSigner),
            },
            clock,
            observer: None,
            chance: Box::new(chance),
            meters: Meters::new(),
            inbox,
            gate,
            lanes: Lanes::new(&limits),
            limits,
            attempts: JoinSet::new(),
            flying: HashMap::new(),
            outcomes: Vec::new(),
            dues: Vec::new(),
            recording: JoinSet::new(),
            batch: Arc::default(),
            ordered: false,
            batch_ordered: false,
            batch_dues: Vec::new(),
            leasing: JoinSet::new(),
            changed: HashSet::new(),
            beating: JoinSet::new(),
            life: Moment::PAST,
            alive: false,
            next_beat: Timestamp::MIN,
            next_lease: Timestamp::MIN,
            last_lease: Timestamp::MIN,
            next_record: Timestamp::MIN,
            turned: Timestamp::MIN,
        };
        (engine, handle)
    }

    /// With someone who mints the tokens that some profiles need.
    #[must_use]
    pub fn with_signer(mut self, signer: Arc<dyn Signer>) -> Self {
        self.means.signer = signer;
        self
    }

    /// With someone who is told of every outcome once it is on disk.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Delivers until `shutdown` ends, then finishes or releases what is in flight.
    ///
    /// Fails only if the queue fails at the very start or the very end; in between its errors are
    /// logged and tried again.
    pub async fn run(mut self, shutdown: impl Future<Output = ()> + Send) -> Result<(), Q::Error> {
        self.begin().await?;
        tokio::pin!(shutdown);
        let clock = self.clock.clone();
        loop {
            self.turn();
            let timer = clock.sleep_until(self.wake_at());
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(ended) = self.attempts.join_next_with_id() => self.attempted(ended),
                Some(ended) = self.recording.join_next() => self.recorded(ended),
                Some(ended) = self.leasing.join_next() => self.leased(ended),
                Some(ended) = self.beating.join_next() => self.beaten(ended),
                Some(message) = self.inbox.recv() => self.take(message, clock.now()),
                () = timer => {}
            }
            self.catch_up();
        }
        self.stop().await
    }

    /// Comes to life, and frees what an earlier life of this node held.
    async fn begin(&mut self) -> Result<(), Q::Error> {
        // Only now, because a recorder may have been installed since the engine was made.
        self.meters = Meters::new();
        let begun = Moment::of(&*self.clock);
        let now = self.clock.now();
        let lasts = self.limits.life();
        let life = self.queue.heartbeat(&self.node, lasts, now).await?;
        let voided = self.queue.void_leases(&self.node, now).await?;
        tracing::info!(voided, node = self.node.as_str(), "delivery starts");
        self.live(begun, life);
        Ok(())
    }

    /// Starts whatever may be started.
    fn turn(&mut self) {
        let now = self.clock.now();
        if after(now, CORRECTION) < self.turned {
            self.clock_was_set_back(now);
        }
        self.turned = now;
        self.gate.turn(now, self.lanes.room() == 0);
        self.mind_life();
        self.start_beating();
        self.start_attempts(now);
        self.start_recording(now);
        self.start_leasing(now);
        let (lanes, paused) = self.lanes.open();
        self.meters.levels(&Levels {
            in_flight: self.flying.len(),
            waiting: self.lanes.waiting(),
            outcomes: self.outcomes.len(),
            lanes,
            paused,
            alive: self.alive,
        });
    }

    /// Looks at what else has ended or come in, so that a turn is worth its while, and nobody who is
    /// always ready keeps another from being heard.
    fn catch_up(&mut self) {
        for _ in 0..AT_ONCE {
            let Some(ended) = self.attempts.try_join_next_with_id() else {
                break;
            };
            self.attempted(ended);
        }
        if let Some(ended) = self.recording.try_join_next() {
            self.recorded(ended);
        }
        if let Some(ended) = self.leasing.try_join_next() {
            self.leased(ended);
        }
        if let Some(ended) = self.beating.try_join_next() {
            self.beaten(ended);
        }
        let now = self.clock.now();
        for _ in 0..AT_ONCE {
            let Ok(message) = self.inbox.try_recv() else {
                break;
            };
            self.take(message, now);
        }
    }

    /// The earliest time at which there is something to do without an event.
    fn wake_at(&self) -> Timestamp {
        let mut at = after(self.clock.now(), self.limits.poll_span());
        if self.leasing.is_empty() && self.alive && self.lanes.room() > 0 {
            at = at.min(self.next_lease);
        }
        if self.recording.is_empty() && !self.outcomes.is_empty() {
            at = at.min(self.next_record);
        }
        if self.beating.is_empty() {
            at = at.min(self.next_beat);
        }
        if self.may_attempt()
            && let Some(wakes) = self.lanes.wakes_at()
        {
            at = at.min(wakes);
        }
        at
    }

    /// What was planned by the old time is looked at again by the new one.
    fn clock_was_set_back(&mut self, now: Timestamp) {
        tracing::warn!("the clock was set back");
        self.lanes.rouse(now);
        self.last_lease = Timestamp::MIN;
        for next in [
            &mut self.next_lease,
            &mut self.next_record,
            &mut self.next_beat,
        ] {
            *next = now.min(*next);
        }
    }

    fn take(&mut self, message: Message, now: Timestamp) {
        match message {
            Message::Offered(due) => {
                self.meters.offered();
                self.accept(*due, now);
            }
            Message::Wake => self.next_lease = now,
            Message::Dropped(endpoint) => {
                if !self.leasing.is_empty() {
                    self.changed.insert(endpoint);
                }
                let due = self.lanes.renew(endpoint, now);
                self.give_back_rest(Rest { due, until: None });
            }
        }
    }
}
