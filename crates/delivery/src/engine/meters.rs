//! What the engine measures. Every name and label of its metrics is here; none has a host, a URL or
//! an owner in it, so that their number is bounded.

use std::collections::HashMap;

use jiff::SignedDuration;
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use crate::{Outcome, Profile};

pub(super) struct Meters {
    /// `loggia_delivery_age_seconds`: from when a delivery was due to the start of its attempt.
    age: Histogram,
    /// `loggia_delivery_attempt_seconds`: how long attempts take.
    attempt: Histogram,
    /// `loggia_delivery_record_batch`: outcomes that are written in one transaction.
    batch: Histogram,
    /// `loggia_delivery_in_flight`: attempts.
    in_flight: Gauge,
    /// `loggia_delivery_waiting`: deliveries in memory.
    waiting: Gauge,
    /// `loggia_delivery_outcomes_waiting`: outcomes that are not on disk yet.
    outcomes: Gauge,
    /// `loggia_delivery_lanes`: endpoints that have work here, or are remembered.
    lanes: Gauge,
    /// `loggia_delivery_lanes_paused`: endpoints that are between two probes.
    paused: Gauge,
    /// `loggia_delivery_alive`: whether this node may make attempts.
    alive: Gauge,
    /// `loggia_delivery_leased_total`: deliveries that came from the queue.
    leased: Counter,
    /// `loggia_delivery_offered_total`: deliveries that came straight from memory.
    offered: Counter,
    /// `loggia_delivery_returned_total`: deliveries that went back to the queue without an attempt.
    returned: Counter,
    /// `loggia_delivery_stale_total`: outcomes of deliveries that were not held any more.
    stale: Counter,
    /// `loggia_delivery_errors_total`: times that the queue failed.
    errors: Counter,
    /// `loggia_delivery_attempts_total`, by `profile` and by `outcome`, see [`class`].
    attempts: HashMap<(Profile, &'static str), Counter>,
}

/// Where things stand.
pub(super) struct Levels {
    pub(super) in_flight: usize,
    pub(super) waiting: usize,
    pub(super) outcomes: usize,
    pub(super) lanes: usize,
    pub(super) paused: usize,
    pub(super) alive: bool,
}

impl Meters {
    /// Meters of the recorder that is installed now.
    pub(super) fn new() -> Self {
        Self {
            age: histogram!("loggia_delivery_age_seconds"),
            attempt: histogram!("loggia_delivery_attempt_seconds"),
            batch: histogram!("loggia_delivery_record_batch"),
            in_flight: gauge!("loggia_delivery_in_flight"),
            waiting: gauge!("loggia_delivery_waiting"),
            outcomes: gauge!("loggia_delivery_outcomes_waiting"),
            lanes: gauge!("loggia_delivery_lanes"),
            paused: gauge!("loggia_delivery_lanes_paused"),
            alive: gauge!("loggia_delivery_alive"),
            leased: counter!("loggia_delivery_leased_total"),
            offered: counter!("loggia_delivery_offered_total"),
            returned: counter!("loggia_delivery_returned_total"),
            stale: counter!("loggia_delivery_stale_total"),
            errors: counter!("loggia_delivery_errors_total"),
            attempts: HashMap::new(),
        }
    }

    pub(super) fn started(&self, age: SignedDuration) {
        self.age.record(age.as_secs_f64().max(0.0));
    }

    pub(super) fn ended(&mut self, profile: Profile, outcome: &Outcome, took: SignedDuration) {
        self.attempt.record(took.as_secs_f64().max(0.0));
        let class = class(outcome);
        let counter = self.attempts.entry((profile, class)).or_insert_with(|| {
            counter!("loggia_delivery_attempts_total", "profile" => profile.as_str(), "outcome" => class)
        });
        counter.increment(1);
    }

    pub(super) fn levels(&self, levels: &Levels) {
        self.in_flight.set(level(levels.in_flight));
        self.waiting.set(level(levels.waiting));
        self.outcomes.set(level(levels.outcomes));
        self.lanes.set(level(levels.lanes));
        self.paused.set(level(levels.paused));
        self.alive.set(f64::from(u8::from(levels.alive)));
    }

    pub(super) fn recorded(&self, batch: usize, stale: usize) {
        self.batch.record(level(batch));
        self.stale.increment(count(stale));
    }

    pub(super) fn leased(&self, deliveries: usize) {
        self.leased.increment(count(deliveries));
    }

    pub(super) fn offered(&self) {
        self.offered.increment(1);
    }

    pub(super) fn returned(&self) {
        self.returned.increment(1);
    }

    pub(super) fn failed(&self) {
        self.errors.increment(1);
    }
}

/// The class of an outcome: that of its status, or the kind of its fault.
fn class(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Answered(answer) => match answer.status {
            200..=299 => "2xx",
            300..=399 => "3xx",
            410 => "410",
            429 => "429",
            400..=499 => "4xx",
            500..=599 => "5xx",
            _ => "other",
        },
        Outcome::Failed(fault) => fault.as_str(),
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of what is in memory are far below 2^52"
)]
fn level(number: usize) -> f64 {
    number as f64
}
