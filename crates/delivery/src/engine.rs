//! The loop around the pure core: leases, attempts, outcomes.
//!
//! One task owns all state. It starts attempts, the batch of outcomes that is being written and the
//! look for due work as tasks of their own and waits for whichever ends first.

mod attempt;
mod handle;
mod lanes;
mod limits;
mod stop;

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::{self, JoinError, JoinSet};

use crate::clock::after;
use crate::{
    CancelReason, Clock, Due, Effect, EndpointId, Event, Lease, LeaseRequest, Leased, NodeId,
    Queue, Recorded, Report, Settled, State, Transport,
};
use attempt::Attempted;
pub use handle::{Handle, Pulse, Reservation};
use lanes::{Lanes, Refused};
pub use limits::Limits;

/// How many messages are taken from the inbox at once.
const INBOX_BATCH: usize = 256;

/// Delivers what a queue holds until it is told to stop.
pub struct Engine<Q: Queue, T, C> {
    node: NodeId,
    queue: Arc<Q>,
    transport: Arc<T>,
    clock: Arc<C>,
    chance: Box<dyn FnMut() -> u64 + Send>,
    limits: Limits,
    inbox: mpsc::Receiver<Message>,
    gate: handle::Gate,
    lanes: Lanes,
    /// Attempts in flight, at most [`Limits::in_flight`].
    attempts: JoinSet<Attempted>,
    flying: HashMap<task::Id, (Due, Timestamp)>,
    /// Outcomes that wait for the batch being written to end; bounded, because no attempt starts
    /// while they are more than [`Limits::unrecorded`].
    outcomes: Vec<Settled>,
    /// At most one batch at a time: the next forms while this one commits.
    recording: JoinSet<Result<Recorded, Q::Error>>,
    batch: Arc<Vec<Settled>>,
    /// At most one look at a time.
    leasing: JoinSet<Result<Leased, Q::Error>>,
    next_lease: Timestamp,
    next_record: Timestamp,
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
        let handle = Handle::new(node.clone(), outbox, gate.clone(), limits.lease_for);
        let engine = Self {
            node,
            queue: Arc::new(queue),
            transport: Arc::new(transport),
            clock: Arc::new(clock),
            chance: Box::new(chance),
            inbox,
            gate,
            lanes: Lanes::new(&limits),
            limits,
            attempts: JoinSet::new(),
            flying: HashMap::new(),
            outcomes: Vec::new(),
            recording: JoinSet::new(),
            batch: Arc::default(),
            leasing: JoinSet::new(),
            next_lease: Timestamp::MIN,
            next_record: Timestamp::MIN,
        };
        (engine, handle)
    }

    /// Delivers until `shutdown` ends, then finishes or releases what is in flight.
    ///
    /// Fails only if the queue fails at the very start or the very end; in between its errors are
    /// logged and tried again.
    pub async fn run(mut self, shutdown: impl Future<Output = ()> + Send) -> Result<(), Q::Error> {
        let voided = self.queue.void_leases(&self.node, self.clock.now()).await?;
        tracing::info!(voided, node = self.node.as_str(), "delivery starts");
        self.gate.turn(self.clock.now());
        self.gate.open();
        tokio::pin!(shutdown);
        let clock = self.clock.clone();
        let mut messages = Vec::with_capacity(INBOX_BATCH);
        loop {
            self.gate.turn(clock.now());
            self.start_attempts();
            self.start_recording();
            self.start_leasing();
            let timer = clock.sleep_until(self.wake_at());
            tokio::select! {
                () = &mut shutdown => break,
                Some(ended) = self.attempts.join_next_with_id() => self.attempted(ended),
                Some(ended) = self.recording.join_next() => self.recorded(ended),
                Some(ended) = self.leasing.join_next() => self.leased(ended),
                _ = self.inbox.recv_many(&mut messages, INBOX_BATCH), if !self.inbox.is_closed() => {
                    messages.drain(..).for_each(|message| self.take(message));
                }
                () = timer => {}
            }
        }
        self.stop().await
    }

    /// The earliest time at which there is something to do without an event.
    fn wake_at(&self) -> Timestamp {
        let mut at = after(self.clock.now(), self.limits.poll_span());
        if self.leasing.is_empty() && self.lanes.room() > 0 {
            at = at.min(self.next_lease);
        }
        if self.recording.is_empty() && !self.outcomes.is_empty() {
            at = at.min(self.next_record);
        }
        at
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Offered(due) => self.accept(*due),
            Message::Wake => self.next_lease = self.clock.now(),
            Message::Dropped(endpoint) => self.empty_lane(endpoint),
        }
    }

    /// Puts a delivery into its lane, or gives it back to the queue.
    fn accept(&mut self, due: Due) {
        match self.lanes.push(due) {
            Ok(()) => {}
            Err(Refused::Known) => {}
            Err(Refused::Full(due)) => self.give_back(*due, Event::Release),
        }
    }

    /// Cancels what waits for an endpoint that is not to be told any more.
    fn empty_lane(&mut self, endpoint: EndpointId) {
        for due in self.lanes.empty(endpoint) {
            self.give_back(due, Event::Cancel(CancelReason::Disabled));
        }
    }

    /// Moves a delivery without an attempt.
    fn give_back(&mut self, due: Due, event: Event) {
        let now = self.clock.now();
        let moved = due.state().on(event, &due.terms(), now);
        let (state, _) = moved.expect("a leased delivery can be released and cancelled");
        self.outcomes.push(Settled {
            id: due.id,
            state,
            attempt: None,
            report: None,
        });
    }

    fn start_attempts(&mut self) {
        while self.flying.len() < self.limits.in_flight
            && self.outcomes.len() < self.limits.unrecorded
            && let Some(due) = self.lanes.next()
        {
            let now = self.clock.now();
            if after(now, self.limits.attempt_span()) > due.lease.until {
                self.lanes.ended(&due, None);
                self.give_back(due, Event::Release);
                continue;
            }
            let attempt =
                attempt::make(&due, &self.transport, &self.clock, self.limits.attempt, now);
            let handle = self.attempts.spawn(attempt);
            self.flying.insert(handle.id(), (due, now));
        }
        if self.lanes.take_hunger() {
            self.next_lease = self.clock.now();
        }
    }

    fn attempted(&mut self, ended: Result<(task::Id, Attempted), JoinError>) {
        let (id, attempted) = match ended {
            Ok((id, attempted)) => (id, Some(attempted)),
            Err(error) => (error.id(), None),
        };
        let Some((due, started)) = self.flying.remove(&id) else {
            return;
        };
        let now = self.clock.now();
        let attempted = attempted.unwrap_or_else(|| attempt::lost(&due, started, now));
        let settled = self.settle(&due, attempted, now);
        self.lanes.ended(&due, settled.report);
        let gone = settled.report == Some(Report::Gone);
        self.outcomes.push(settled);
        if gone {
            self.empty_lane(due.id.endpoint);
        }
    }

    fn settle(&mut self, due: &Due, attempted: Attempted, now: Timestamp) -> Settled {
        let verdict = attempted
            .outcome
            .verdict(due.endpoint.profile.wire().success);
        let event = Event::Settle {
            verdict,
            chance: (self.chance)(),
        };
        let (state, effect) = due
            .state()
            .on(event, &due.terms(), now)
            .expect("a leased delivery can settle");
        let report = match effect {
            Effect::Report(report) => Some(report),
            Effect::Nothing | Effect::Attempt(_) => None,
        };
        let attempt = attempted.record(state.attempts());
        Settled {
            id: due.id,
            state,
            attempt: Some(attempt),
            report,
        }
    }

    fn start_recording(&mut self) {
        let now = self.clock.now();
        if self.outcomes.is_empty() || !self.recording.is_empty() || now < self.next_record {
            return;
        }
        self.batch = Arc::new(std::mem::take(&mut self.outcomes));
        let (queue, node, batch) = (self.queue.clone(), self.node.clone(), self.batch.clone());
        self.recording
            .spawn(async move { queue.record(&node, &batch, now).await });
    }

    fn recorded(&mut self, ended: Result<Result<Recorded, Q::Error>, JoinError>) {
        let batch = std::mem::take(&mut self.batch);
        match ended {
            Ok(Ok(recorded)) => {
                self.look_for(&batch);
                return self.note(&recorded);
            }
            Ok(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(
                    error,
                    outcomes = batch.len(),
                    "outcomes cannot be written, again soon"
                );
            }
            Err(error) => {
                tracing::error!(%error, outcomes = batch.len(), "the writing of outcomes was lost, again soon");
            }
        }
        self.next_record = after(self.clock.now(), self.limits.poll_span());
        let batch = Arc::unwrap_or_clone(batch);
        self.outcomes.splice(0..0, batch);
    }

    fn note(&mut self, recorded: &Recorded) {
        if recorded.stale > 0 {
            tracing::warn!(
                deliveries = recorded.stale,
                "deliveries were no longer held by this node"
            );
        }
        for &endpoint in &recorded.disabled {
            self.empty_lane(endpoint);
        }
    }

    /// Sees to it that the retries of this batch are found when they are due.
    fn look_for(&mut self, batch: &[Settled]) {
        for settled in batch {
            if let State::Pending { due, .. } = settled.state {
                self.next_lease = self.next_lease.min(due);
            }
        }
    }

    fn start_leasing(&mut self) {
        let now = self.clock.now();
        let room = self.lanes.room();
        if !self.leasing.is_empty() || now < self.next_lease || room == 0 {
            return;
        }
        let request = LeaseRequest {
            lease: Lease {
                node: self.node.clone(),
                until: after(now, self.limits.lease_for),
            },
            limit: room.min(self.limits.lease_batch),
            per_endpoint: self
                .limits
                .waiting_per_endpoint
                .min(self.limits.lease_batch),
            except: self.lanes.full(),
        };
        self.next_lease = after(now, self.limits.poll_span());
        let queue = self.queue.clone();
        self.leasing
            .spawn(async move { queue.lease(&request, now).await });
    }

    fn leased(&mut self, ended: Result<Result<Leased, Q::Error>, JoinError>) {
        match ended {
            Ok(Ok(leased)) => {
                if let Some(next) = leased.next_due {
                    self.next_lease = self.next_lease.min(next);
                }
                leased.due.into_iter().for_each(|due| self.accept(due));
            }
            Ok(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "due deliveries cannot be read, again soon");
            }
            Err(error) => tracing::error!(%error, "the look for due deliveries was lost"),
        }
    }
}
