//! When attempts happen, and how the gap between them grows.

use jiff::{SignedDuration, Timestamp};

use crate::RetryAfter;
use crate::clock::after;

/// The gaps between the attempts of a delivery, as data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// How many attempts there are at most.
    pub attempts: u32,
    /// The longest gap after the first, second … attempt, in seconds; the last one repeats.
    pub gaps: &'static [u32],
}

/// No receiver may put us off for longer than a day.
const CAP: SignedDuration = SignedDuration::from_hours(24);

impl Schedule {
    /// Eight attempts over at most 27 h 35 min: what the field settled on for webhooks.
    pub const STANDARD: Self = Self {
        attempts: 8,
        gaps: &[5, 300, 1800, 7200, 18_000, 36_000, 36_000],
    };

    /// For what has an end of its own, such as a registration: hourly at the slowest until then. A
    /// hundred attempts outlast any registration of a day.
    pub const UNTIL_DEADLINE: Self = Self {
        attempts: 100,
        gaps: &[5, 60, 300, 1800, 3600],
    };

    /// When to attempt again after `made` attempts, the last of which ended at `now`; none if that
    /// was the last.
    ///
    /// Full jitter: the gap is drawn evenly from nothing to its longest, so that receivers that
    /// failed together are not asked together. What the receiver asked for is a lower bound.
    pub fn next(
        &self,
        made: u32,
        asked: Option<RetryAfter>,
        chance: u64,
        now: Timestamp,
    ) -> Option<Timestamp> {
        if made >= self.attempts {
            return None;
        }
        let step = usize::try_from(made.saturating_sub(1)).unwrap_or(usize::MAX);
        let gap = self
            .gaps
            .get(step)
            .or(self.gaps.last())
            .copied()
            .unwrap_or(0);
        let drawn = after(now, jitter(gap, chance));
        let asked = asked.map_or(now, |asked| asked.time(now));
        Some(drawn.max(asked).min(after(now, CAP)))
    }
}

/// An even share of the gap, in milliseconds: `chance` is a random number over the whole of `u64`.
fn jitter(gap: u32, chance: u64) -> SignedDuration {
    let longest = u128::from(gap) * 1000;
    let drawn = (u128::from(chance) * (longest + 1)) >> 64;
    SignedDuration::from_millis(i64::try_from(drawn).expect("at most u32::MAX seconds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn gap(made: u32, asked: Option<&str>, chance: u64) -> Option<i64> {
        let asked = asked.and_then(RetryAfter::parse);
        let next = Schedule::STANDARD.next(made, asked, chance, NOW)?;
        Some(next.duration_since(NOW).as_secs())
    }

    #[test]
    fn the_standard_schedule_goes_from_5_seconds_to_10_hours() {
        let longest: Vec<_> = (1..=8).map(|made| gap(made, None, u64::MAX)).collect();
        let expected = [5, 300, 1800, 7200, 18_000, 36_000, 36_000].map(Some);
        assert_eq!(longest[..7], expected);
        assert_eq!(longest[7], None);
        assert_eq!(gap(3, None, 0), Some(0));
        assert_eq!(gap(2, None, u64::MAX / 2), Some(150));
    }

    #[test]
    fn what_the_receiver_asks_is_a_lower_bound_up_to_a_day() {
        assert_eq!(gap(1, Some("60"), 0), Some(60));
        assert_eq!(gap(6, Some("60"), u64::MAX), Some(36_000));
        assert_eq!(gap(1, Some("999999999"), 0), Some(86_400));
        assert_eq!(gap(1, Some("Thu, 01 Jan 1970 00:10:00 GMT"), 0), Some(600));
        assert_eq!(gap(1, Some("Thu, 01 Jan 1960 00:10:00 GMT"), 0), Some(0));
        assert_eq!(gap(8, Some("60"), 0), None);
    }
}
