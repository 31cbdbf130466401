//! The way into the engine for those who enqueue.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::{self, PermitIterator};

use super::{Message, lease};
use crate::clock::after;
use crate::{Due, EndpointId, Lease, NodeId};

/// Offers an engine work straight from memory. Cheap to clone.
///
/// Before the transaction: [`Handle::reserve`]. In it: enqueue with [`Reservation::lease`]. After
/// its commit: [`Reservation::offer`]. Without room there is no lease, the deliveries are pending,
/// and the engine finds them when it next looks.
#[derive(Clone)]
pub struct Handle {
    node: NodeId,
    outbox: mpsc::Sender<Message>,
    gate: Gate,
    offered_for: SignedDuration,
}

/// Whether an engine is at work, as far as its handle can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulse {
    /// It has not begun yet.
    Starting,
    /// It runs, and last looked at what there is to do at this time; while it is well that is not
    /// longer ago than [`Limits::poll`](crate::Limits::poll) and a moment.
    Beating(Timestamp),
    /// It is stopping, or has ended in whatever way.
    Ended,
}

/// What the engine lets its handles see of itself.
#[derive(Clone)]
pub(super) struct Gate(Arc<Seen>);

struct Seen {
    /// Whether the engine has voided its old leases and is alive, and so may give new ones.
    open: AtomicBool,
    /// Whether it has no room for more: what is offered then would go back to the queue.
    crowded: AtomicBool,
    /// The millisecond of the last turn of its loop.
    turned: AtomicI64,
    /// Whether the last outcomes could not be written.
    stuck: AtomicBool,
}

impl Gate {
    pub(super) fn shut() -> Self {
        Self(Arc::new(Seen {
            open: AtomicBool::new(false),
            crowded: AtomicBool::new(false),
            turned: AtomicI64::new(0),
            stuck: AtomicBool::new(false),
        }))
    }

    pub(super) fn open(&self) {
        self.0.open.store(true, Ordering::Release);
    }

    /// A heartbeat came too late.
    pub(super) fn close(&self) {
        self.0.open.store(false, Ordering::Release);
    }

    /// Another turn of the loop begins.
    pub(super) fn turn(&self, now: Timestamp, crowded: bool) {
        self.0.crowded.store(crowded, Ordering::Relaxed);
        self.0.turned.store(now.as_millisecond(), Ordering::Relaxed);
    }

    /// Outcomes were written, or could not be.
    pub(super) fn recorded(&self, done: bool) {
        self.0.stuck.store(!done, Ordering::Relaxed);
    }

    fn is_open(&self) -> bool {
        self.0.open.load(Ordering::Acquire)
    }

    fn has_room(&self) -> bool {
        self.is_open() && !self.0.crowded.load(Ordering::Relaxed)
    }

    fn turned(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.turned.load(Ordering::Relaxed))
            .expect("written from a time only")
    }
}

impl Handle {
    pub(super) fn new(
        node: NodeId,
        outbox: mpsc::Sender<Message>,
        gate: Gate,
        offered_for: SignedDuration,
    ) -> Self {
        Self {
            node,
            outbox,
            gate,
            offered_for,
        }
    }

    /// Asks for room for so many deliveries; never waits.
    pub fn reserve(&self, count: usize, now: Timestamp) -> Reservation<'_> {
        let room = self
            .gate
            .has_room()
            .then(|| self.outbox.try_reserve_many(count).ok())
            .flatten();
        let lease = Lease {
            node: self.node.clone(),
            until: lease::first(after(now, self.offered_for)),
        };
        Reservation {
            handle: self,
            granted: room.map(|room| (room, lease)),
        }
    }

    /// Whether the engine is at work.
    pub fn pulse(&self) -> Pulse {
        if self.outbox.is_closed() {
            return Pulse::Ended;
        }
        match self.gate.is_open() {
            true => Pulse::Beating(self.gate.turned()),
            false => Pulse::Starting,
        }
    }

    /// Whether the last outcomes could not be written; they are tried again until they are.
    pub fn is_stuck(&self) -> bool {
        self.gate.0.stuck.load(Ordering::Relaxed)
    }

    /// Tells that there may be due work in the queue.
    pub fn wake(&self) {
        if self.outbox.try_send(Message::Wake).is_err() {
            // A full inbox wakes the engine as well, a closed one has nobody to wake.
            tracing::trace!("nobody to wake");
        }
    }

    /// Tells that an endpoint was disabled, deleted or changed, here or on another node, after the
    /// commit that did it: what waits for it in memory goes back to the queue, which cancels it or
    /// hands it out again with the settings that hold now. Waits while the inbox is full.
    pub async fn endpoint_dropped(&self, endpoint: EndpointId) {
        if self.outbox.send(Message::Dropped(endpoint)).await.is_err() {
            tracing::trace!("the engine has stopped, nothing waits in memory");
        }
    }
}

/// Room in the engine for deliveries that are about to be enqueued.
#[must_use = "enqueue with its lease, commit, then offer"]
pub struct Reservation<'a> {
    handle: &'a Handle,
    granted: Option<(PermitIterator<'a, Message>, Lease)>,
}

impl Reservation<'_> {
    /// The lease to enqueue with; none if there is no room.
    pub fn lease(&self) -> Option<&Lease> {
        self.granted.as_ref().map(|(_, lease)| lease)
    }

    /// Hands over what was enqueued, after the commit.
    ///
    /// What is beyond the room that was asked for stays leased until its lease lapses.
    pub fn offer(self, due: Vec<Due>) {
        let Some((room, _)) = self.granted else {
            return self.handle.wake();
        };
        let (offered, asked) = (due.len(), room.len());
        if offered > asked {
            tracing::error!(
                offered,
                asked,
                "more deliveries were offered than room was asked for"
            );
        }
        for (permit, due) in room.zip(due) {
            permit.send(Message::Offered(Box::new(due)));
        }
    }
}
