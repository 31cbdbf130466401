//! What the engine asks of the store that holds its work.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    Attempt, DeliveryId, Endpoint, EndpointId, Lease, NodeId, Notification, Report, State, Terms,
};

/// The durable queue. Implemented over a database, elsewhere.
///
/// Enqueueing is not here: it happens in the transaction of its cause, which only the store knows.
pub trait Queue: Send + Sync + 'static {
    /// What may go wrong.
    type Error: Error + Send + Sync + 'static;

    /// Frees everything that `node` held when it last stopped; how many deliveries that were.
    fn void_leases(
        &self,
        node: &NodeId,
        now: Timestamp,
    ) -> impl Future<Output = Result<u64, Self::Error>> + Send;

    /// Takes due deliveries. What is past its deadline expires instead, and what goes to a
    /// disabled endpoint is cancelled.
    fn lease(
        &self,
        request: &LeaseRequest,
        now: Timestamp,
    ) -> impl Future<Output = Result<Leased, Self::Error>> + Send;

    /// Writes what became of deliveries that `node` had leased, all in one transaction, and moves
    /// their endpoints' health.
    fn record(
        &self,
        node: &NodeId,
        settled: &[Settled],
        now: Timestamp,
    ) -> impl Future<Output = Result<Recorded, Self::Error>> + Send;
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
    /// Attempts made.
    pub attempts: u32,
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
    pub stale: usize,
}
