//! The engine's bounds, all in one place.

use std::time::Duration;

use jiff::SignedDuration;

/// How much the engine does at once, holds in memory and waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Attempts in flight.
    pub in_flight: usize,
    /// Attempts in flight to one endpoint.
    pub per_endpoint: usize,
    /// Attempts in flight to one host and port, whoever's endpoints they are.
    pub per_host: usize,
    /// Deliveries that wait in memory.
    pub waiting: usize,
    /// Deliveries of one endpoint that wait in memory; the rest waits in the queue.
    pub waiting_per_endpoint: usize,
    /// Deliveries that were offered and not yet looked at.
    pub offered: usize,
    /// Outcomes that wait to be written before no new attempt is started.
    pub unrecorded: usize,
    /// Deliveries leased at once.
    pub lease_batch: usize,
    /// How long a lease lasts: longer than any wait in a lane, because a process voids its own
    /// old leases when it starts and nobody else waits for them.
    pub lease_for: SignedDuration,
    /// How often to look for due work that nobody announced, and how long to wait after an error.
    pub poll: Duration,
    /// The deadline of an attempt.
    pub attempt: Duration,
    /// How long a graceful stop may take.
    pub stop: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            in_flight: 256,
            per_endpoint: 8,
            per_host: 32,
            waiting: 4096,
            waiting_per_endpoint: 64,
            offered: 1024,
            unrecorded: 1024,
            lease_batch: 128,
            lease_for: SignedDuration::from_mins(5),
            poll: Duration::from_secs(1),
            attempt: Duration::from_secs(10),
            stop: Duration::from_secs(15),
        }
    }
}

/// What a transport may take beyond its deadline before the engine ends the attempt itself.
const GRACE: SignedDuration = SignedDuration::from_secs(1);

impl Limits {
    /// The longest that an attempt can take.
    pub(super) fn attempt_span(&self) -> SignedDuration {
        span(self.attempt).saturating_add(GRACE)
    }

    pub(super) fn poll_span(&self) -> SignedDuration {
        span(self.poll)
    }

    pub(super) fn stop_span(&self) -> SignedDuration {
        span(self.stop)
    }
}

pub(super) fn grace(timeout: Duration) -> SignedDuration {
    span(timeout).saturating_add(GRACE)
}

fn span(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
