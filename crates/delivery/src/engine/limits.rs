//! The engine's bounds, all in one place.

use std::time::Duration;

use jiff::SignedDuration;

use crate::{Profile, Schedule};

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
    /// Bytes of the bodies of those; a body that several wait with counts for each of them.
    pub waiting_bytes: usize,
    /// Deliveries of one endpoint that wait in memory, and no more than an eighth of the room that is
    /// left; the rest waits in the queue.
    pub waiting_per_endpoint: usize,
    /// Deliveries that were offered and not yet looked at.
    pub offered: usize,
    /// Outcomes that wait to be written before no new attempt is started.
    pub unrecorded: usize,
    /// Deliveries leased at once.
    pub lease_batch: usize,
    /// How long a node's word that it lives is good for: what a node that died held goes out from
    /// another after so long. At least twice [`Limits::attempt`] and a moment, or else no attempt
    /// would fit; what is less counts as that.
    pub lease_for: SignedDuration,
    /// How long one delivery stays with a node that lives and took it from the queue: longer than most
    /// waits in a lane.
    pub hold_for: SignedDuration,
    /// How long one stays with the node that enqueued it. What got lost between the commit and the
    /// engine goes out after so long: who enqueued went away, or never heard of the commit. What waits
    /// in a lane for longer is held by the next lease. At least twice [`Limits::attempt`] and a
    /// moment, or else no attempt would fit; what is less counts as that.
    pub offered_for: SignedDuration,
    /// How often to look for due work that nobody announced, and how long to wait after an error.
    pub poll: Duration,
    /// The deadline of an attempt.
    pub attempt: Duration,
    /// How long a graceful stop may take.
    pub stop: Duration,
    /// How many attempts a delivery of the profiles `wisp` and `wisp2` gets, if it is not what their
    /// schedules say: three and twelve.
    pub wisp_attempts: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            in_flight: 1024,
            per_endpoint: 8,
            per_host: 32,
            waiting: 16_384,
            waiting_bytes: 64 * 1024 * 1024,
            waiting_per_endpoint: 256,
            offered: 1024,
            unrecorded: 2048,
            lease_batch: 256,
            lease_for: SignedDuration::from_secs(30),
            hold_for: SignedDuration::from_mins(5),
            offered_for: SignedDuration::from_mins(1),
            poll: Duration::from_secs(1),
            attempt: Duration::from_secs(10),
            stop: Duration::from_secs(15),
            wisp_attempts: None,
        }
    }
}

/// What a transport may take beyond its deadline before the engine ends the attempt itself.
const GRACE: SignedDuration = SignedDuration::from_secs(1);

impl Limits {
    /// The longest that an attempt can take.
    pub(super) fn attempt_span(&self) -> SignedDuration {
        grace(self.attempt)
    }

    pub(super) fn poll_span(&self) -> SignedDuration {
        span(self.poll)
    }

    pub(super) fn stop_span(&self) -> SignedDuration {
        span(self.stop)
    }

    /// How long a heartbeat is good for: with two of three missing, an attempt still fits.
    pub(super) fn life(&self) -> SignedDuration {
        let least = self.attempt_span().saturating_mul(2);
        self.lease_for.max(least)
    }

    /// How long the first lease of a delivery is.
    pub(super) fn first_lease(&self) -> SignedDuration {
        let least = self.attempt_span().saturating_mul(2);
        self.offered_for.max(least)
    }

    /// The schedule of a profile, as configured.
    pub(super) fn schedule(&self, profile: Profile) -> Schedule {
        let schedule = profile.wire().schedule;
        match (profile, self.wisp_attempts) {
            (Profile::Wisp | Profile::Wisp2, Some(attempts)) => Schedule {
                attempts: attempts.max(1),
                ..schedule
            },
            _ => schedule,
        }
    }
}

pub(super) fn grace(timeout: Duration) -> SignedDuration {
    span(timeout).saturating_add(GRACE)
}

fn span(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
