//! What the engine asks of the store that holds its work.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::{
    Attempt, DeliveryId, Endpoint, EndpointId, Lease, NodeId, Notification, Report, State, Terms,
};

/// The durable queue. Implemented over a database, elsewhere.
///
/// Enqueueing is not here: it happens in the transaction of its cause, which only the store knows.
pub trait Queue: Send + Sync + 'static {
    /// What may go wrong.
    type Error: Error + Send + Sync + 'static;

    /// Says that `node` lives, for `lease_for` from now on. The engine does so every third of that
    /// time; what a node held that has not done so in time is free for others.
    ///
    /// Nodes share the store's clock for this, not their own: the answer is in the caller's, and
    /// never later than what the others will go by. Clocks that are set differently do no harm then.
    /// A store that only one process can use answers [`Timestamp::MAX`].
    fn heartbeat(
        &self,
        node: &NodeId,
        lease_for: SignedDuration,
        now: Timestamp,
    ) -> impl Future<Output = Result<Life, Self::Error>> + Send;

    /// Frees everything that `node` holds, or held when it last stopped; how many deliveries that
    /// were.
    fn void_leases(
        &self,
        node: &NodeId,
        now: Timestamp,
    ) -> impl Future<Output = Result<u64, Self::Error>> + Send;

    /// Takes due deliveries, and those of nodes that live no more. What is past its deadline expires
    /// instead, and what goes to a disabled endpoint is cancelled.
    ///
    /// Of an endpoint that wants order: only a run of its oldest open deliveries, in order, and none
    /// while another node holds one of them. One that waits for its next attempt ends the run.
    fn lease(
        &self,
        request: &LeaseRequest,
        now: Timestamp,
    ) -> impl Future<Output = Result<Leased, Self::Error>> + Send;

    /// Writes what became of deliveries that `node` had leased, all in one transaction, and moves
    /// their endpoints' health. The state of one that is not held any more by the lease that it was
    /// [settled](Settled::lease) under stays as it is. What comes back pending for an endpoint that is disabled by then is
    /// cancelled.
    fn record(
        &self,
        node: &NodeId,
        settled: &[Settled],
        now: Timestamp,
    ) -> impl Future<Output = Result<Recorded, Self::Error>> + Send;
}

/// How long a node lives unless it says so again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// Until then others leave alone what it holds; in the clock of the node.
    pub until: Timestamp,
    /// Whether its last life had ended before this one began: others may have taken what it held.
    /// Also so for a node that was never heard of.
    pub lapsed: bool,
}

/// How much work a node wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRequest {
    /// The lease to give.
    pub lease: Lease,
    /// At most so many deliveries,
    pub limit: usize,
    /// and so many of one endpoint.
    pub per_endpoint: usize,
    /// None of these endpoints: their lanes are full.
    pub except: Vec<EndpointId>,
}

/// What a node got.
#[derive(Clone, Debug, Default)]
pub struct Leased {
    /// The work.
    pub due: Vec<Due>,
    /// When the next pending delivery is due that was not taken, other than for a full lane.
    pub next_due: Option<Timestamp>,
}

/// A delivery that this node holds, with all that an attempt needs: no second read.
#[derive(Clone, Debug)]
pub struct Due {
    /// Which delivery.
    pub id: DeliveryId,
    /// What to send.
    pub notification: Arc<Notification>,
    /// Where to.
    pub endpoint: Arc<Endpoint>,
    /// Until when it interests its receiver.
    pub deadline: Timestamp,
    /// Attempts made since it was made or last replayed.
    pub attempts: u32,
    /// Attempts made before the last replay: the log numbers on from there.
    pub earlier: u32,
    /// What its wire profile names it by, see [`Recipient::key`](crate::Recipient::key).
    pub key: Option<String>,
    /// Since when it has been due: what its age is counted from.
    pub since: Timestamp,
    /// This node's right to it.
    pub lease: Lease,
}

impl Due {
    /// What its moves are bound by.
    pub fn terms(&self) -> Terms<'_> {
        Terms {
            schedule: &self.endpoint.profile.wire().schedule,
            deadline: self.deadline,
        }
    }

    /// The number in the log of an attempt that is counted from the last replay.
    pub fn number(&self, attempt: u32) -> u32 {
        self.earlier.saturating_add(attempt)
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        State::Leased {
            attempts: self.attempts,
            lease: self.lease.clone(),
        }
    }
}

/// What became of a leased delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Which delivery.
    pub id: DeliveryId,
    /// The lease under which it was held. Only if it is this very one that stands, node and time,
    /// may the state be written: the same node may have lost the delivery and taken it anew.
    pub lease: Lease,
    /// Where it stands now.
    pub state: State,
    /// The attempt, if one was made.
    pub attempt: Option<Attempt>,
    /// What it says about the endpoint.
    pub report: Option<Report>,
}

/// What recording found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Endpoints that are disabled, whether by this batch or before: their lanes are to be emptied.
    pub disabled: Vec<EndpointId>,
    /// Deliveries that this node no longer held: their attempt is on record, their state is not
    /// touched.
    pub stale: Vec<DeliveryId>,
}
