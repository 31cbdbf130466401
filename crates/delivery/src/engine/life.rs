//! Whether this node may make attempts: only while others are sure to leave alone what it holds.

use jiff::{SignedDuration, Timestamp};

use crate::clock::after;
use crate::{Clock, Life};

/// A moment, by the clock and by what has passed: the one may be set, the other may stand still
/// while the computer sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    clock: Timestamp,
    passed: SignedDuration,
}

impl Moment {
    pub(super) fn of(clock: &impl Clock) -> Self {
        Self {
            clock: clock.now(),
            passed: clock.passed(),
        }
    }

    /// A moment before all others.
    pub(super) const PAST: Self = Self {
        clock: Timestamp::MIN,
        passed: SignedDuration::MIN,
    };

    /// The end of the life that was asked for at this moment.
    pub(super) fn end(self, life: Life) -> Self {
        if life.until == Timestamp::MAX {
            return Self {
                clock: Timestamp::MAX,
                passed: SignedDuration::MAX,
            };
        }
        let lasts = life.until.duration_since(self.clock);
        Self {
            clock: life.until,
            passed: self.passed.saturating_add(lasts),
        }
    }

    /// Whether something that begins now and takes so long is over before this moment.
    pub(super) fn outlasts(self, now: Self, span: SignedDuration) -> bool {
        let clock = after(now.clock, span) < self.clock;
        let passed = now.passed.saturating_add(span) < self.passed;
        self.clock == Timestamp::MAX || (clock && passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(clock: i64, passed: i64) -> Moment {
        Moment {
            clock: Timestamp::from_second(clock).expect("in range"),
            passed: SignedDuration::from_secs(passed),
        }
    }

    #[test]
    fn a_life_ends_by_whichever_of_the_two_comes_first() {
        let until = Timestamp::from_second(130).expect("in range");
        let lapsed = false;
        let end = moment(100, 5).end(Life { until, lapsed });
        let span = SignedDuration::from_secs(10);
        assert!(end.outlasts(moment(119, 24), span));
        assert!(
            !end.outlasts(moment(120, 24), span),
            "the clock says that it is late"
        );
        assert!(!end.outlasts(moment(0, 25), span), "the clock was set back");
        assert!(!Moment::PAST.outlasts(moment(0, 0), SignedDuration::ZERO));
    }

    #[test]
    fn a_node_that_is_alone_never_dies() {
        let until = Timestamp::MAX;
        let lapsed = true;
        let end = moment(100, 5).end(Life { until, lapsed });
        assert!(end.outlasts(moment(1_000_000, 1_000_000), SignedDuration::MAX));
    }
}
