//! How fast an endpoint may be asked: its owner's limit, and what its answers say.

use std::num::NonZeroU32;

use jiff::{SignedDuration, Timestamp};

use crate::Health;
use crate::clock::after;

/// The pause after the failure with which probing begins; it doubles with each further one.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(1);

/// The longest pause between probes: a receiver that is back is noticed within five minutes.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// A new lane starts with this share of its places, so that many that hang at once do not take all
/// of the engine's.
const START: usize = 4;

/// A token bucket: never more than so many attempts in any second, at most a tenth of them at once.
///
/// It belongs to one engine: with several nodes, each keeps to the limit for itself.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: NonZeroU32,
    /// Between two tokens.
    interval: SignedDuration,
    /// All tokens but one, as time: how far ahead of its pace the bucket may be.
    slack: SignedDuration,
    /// When the bucket would be full again, were the slack nothing.
    full_at: Timestamp,
}

impl Bucket {
    pub(super) fn new(per_second: NonZeroU32) -> Self {
        let rate = i64::from(per_second.get());
        let burst = (rate / 10).max(1);
        // What is at once counts against what trickles in within the same second.
        let trickle = rate - burst + 1;
        let interval = (1_000_000_000 + trickle - 1) / trickle;
        Self {
            rate: per_second,
            interval: SignedDuration::from_nanos(interval),
            slack: SignedDuration::from_nanos(interval.saturating_mul(burst - 1)),
            full_at: Timestamp::MIN,
        }
    }

    /// Attempts a second.
    pub(super) fn rate(&self) -> NonZeroU32 {
        self.rate
    }

    /// Attempts a minute.
    pub(super) fn per_minute(&self) -> usize {
        usize::try_from(self.rate.get()).map_or(usize::MAX, |rate| rate.saturating_mul(60))
    }

    /// When all tokens are back.
    pub(super) fn full_at(&self, now: Timestamp) -> Timestamp {
        self.full_at
            .min(after(after(now, self.slack), self.interval))
    }

    /// From when on there is a token.
    pub(super) fn ready_at(&self, now: Timestamp) -> Timestamp {
        let ready = self.full_at.checked_sub(self.slack);
        let latest = after(now, self.interval);
        // Later than that only if the clock was set back.
        ready.unwrap_or(Timestamp::MIN).min(latest)
    }

    pub(super) fn take(&mut self, now: Timestamp) {
        let most = after(after(now, self.slack), self.interval);
        self.full_at = after(self.full_at.max(now), self.interval).min(most);
    }
}

/// What the answers of an endpoint say about how many attempts to have in flight to it.
#[derive(Debug)]
pub(super) struct Circuit {
    /// In a row.
    failures: u32,
    /// Places, while it is closed.
    places: usize,
    most: usize,
    /// No attempt before, while it is probed.
    retry_at: Timestamp,
}

impl Circuit {
    pub(super) fn new(health: &Health, most: usize) -> Self {
        Self {
            failures: health.consecutive_failures,
            places: (most / START).max(1),
            most,
            retry_at: Timestamp::MIN,
        }
    }

    /// Whether one attempt at a time is let through.
    pub(super) fn is_probing(&self) -> bool {
        self.failures >= Health::PROBING
    }

    /// How many attempts may be in flight.
    pub(super) fn places(&self) -> usize {
        match self.is_probing() {
            true => 1,
            false => self.places,
        }
    }

    /// When the next probe may be made; long past if it is not probed.
    pub(super) fn retry_at(&self, now: Timestamp) -> Timestamp {
        match self.is_probing() {
            // Later than that only if the clock was set back.
            true => self.retry_at.min(after(now, LONGEST_PAUSE)),
            false => Timestamp::MIN,
        }
    }

    /// Places double with every success, from one after a time of probing.
    pub(super) fn succeeded(&mut self) {
        self.places = match self.is_probing() {
            true => 1,
            false => self.places.saturating_mul(2).min(self.most),
        };
        self.failures = 0;
    }

    /// It says that it is no more: nothing goes out to it while that is being written down.
    pub(super) fn gone(&mut self, now: Timestamp) {
        self.failures = self.failures.max(Health::PROBING);
        self.failed(now);
    }

    pub(super) fn failed(&mut self, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        let Some(beyond) = self.failures.checked_sub(Health::PROBING) else {
            return;
        };
        let factor = 1_i32.checked_shl(beyond.min(16)).unwrap_or(i32::MAX);
        let pause = FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE);
        self.retry_at = after(now, pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(millis).expect("in range")
    }

    /// The times at which a bucket that is always asked gives tokens, over three seconds.
    fn taken(per_second: u32) -> Vec<Timestamp> {
        let mut bucket = Bucket::new(NonZeroU32::new(per_second).expect("not zero"));
        let (mut now, mut taken) = (at(0), Vec::new());
        while now < at(3000) {
            now = now.max(bucket.ready_at(now));
            bucket.take(now);
            taken.push(now);
        }
        taken
    }

    #[test]
    fn no_second_has_more_attempts_than_allowed_and_few_have_many_less() {
        for rate in [1, 2, 7, 10, 19, 20, 100, 999, 5000] {
            let times = taken(rate);
            let rate = usize::try_from(rate).expect("it fits");
            for pair in times.windows(rate + 1) {
                let window = pair[rate].duration_since(pair[0]);
                assert!(window >= SignedDuration::from_secs(1), "{rate}: {window:?}");
            }
            assert!(times.len() >= 3 * rate * 9 / 10, "{rate}: {}", times.len());
        }
    }

    #[test]
    fn a_clock_that_is_set_back_holds_nobody_up() {
        let mut bucket = Bucket::new(NonZeroU32::MIN);
        bucket.take(at(1_000_000));
        assert_eq!(bucket.ready_at(at(0)), at(1000));
        let mut circuit = Circuit::new(&Health::default(), 8);
        (0..20).for_each(|_| circuit.failed(at(10_000_000)));
        assert_eq!(circuit.retry_at(at(0)), at(300_000));
    }

    #[test]
    fn probing_begins_with_the_fifth_failure_and_its_pauses_grow() {
        let mut circuit = Circuit::new(&Health::default(), 8);
        for _ in 0..4 {
            circuit.failed(at(0));
            assert_eq!((circuit.places(), circuit.is_probing()), (2, false));
        }
        let pauses = (0..11).map(|_| {
            circuit.failed(at(0));
            assert_eq!((circuit.places(), circuit.is_probing()), (1, true));
            circuit.retry_at(at(0)).as_second()
        });
        let pauses: Vec<_> = pauses.collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        let places = (0..5).map(|_| {
            circuit.succeeded();
            circuit.places()
        });
        assert_eq!(places.collect::<Vec<_>>(), [1, 2, 4, 8, 8]);
        assert_eq!(circuit.retry_at(at(0)), Timestamp::MIN);
    }
}
