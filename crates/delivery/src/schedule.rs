//! When attempts happen, and how the gap between them grows.

use jiff::{SignedDuration, Timestamp};

use crate::RetryAfter;
use crate::clock::after;

/// When the attempts of a delivery happen, as data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// How many attempts there are at most.
    pub attempts: u32,
    /// The longest gap after each attempt.
    pub gaps: Gaps,
    /// Which part of the longest gap is waited.
    pub jitter: Jitter,
    /// What a receiver's `Retry-After` does.
    pub asked: Asked,
}

/// The longest gap after the first, second … attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gaps {
    /// These, in seconds; the last one repeats.
    Steps(&'static [u32]),
    /// Doubles from one second.
    Doubling {
        /// No longer than this, in seconds.
        most: u32,
    },
}

/// Which part of the longest gap is waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jitter {
    /// All of it.
    None,
    /// Anything from nothing to all of it, evenly: receivers that failed together are not asked
    /// together.
    Full,
    /// From half of it to just under all of it: the next gap is never shorter where gaps double at least.
    Half,
}

/// What a receiver's `Retry-After` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It is a lower bound; nobody puts us off for longer than this many seconds.
    AtLeast(u32),
    /// It takes the place of the gap, up to this many seconds.
    Instead(u32),
}

const DAY: u32 = 24 * 60 * 60;

impl Schedule {
    /// Eight attempts over at most 27 h 35 min: what the field settled on for webhooks.
    pub const STANDARD: Self = Self {
        attempts: 8,
        gaps: Gaps::Steps(&[5, 300, 1800, 7200, 18_000, 36_000, 36_000]),
        jitter: Jitter::Full,
        asked: Asked::AtLeast(DAY),
    };

    /// For what has an end of its own, such as a registration: hourly at the slowest until then. A
    /// hundred attempts outlast any registration of a day.
    pub const UNTIL_DEADLINE: Self = Self {
        attempts: 100,
        gaps: Gaps::Steps(&[5, 60, 300, 1800, 3600]),
        ..Self::STANDARD
    };

    /// Wisp's, as its documentation has it: three attempts, the second after one second and the third
    /// after two more. A receiver that asks for more time gets up to five minutes, which it does not
    /// say. See [`Limits::wisp_attempts`](crate::Limits).
    pub const WISP: Self = Self {
        attempts: 3,
        gaps: Gaps::Doubling { most: 300 },
        jitter: Jitter::None,
        asked: Asked::AtLeast(300),
    };

    /// The newer service's: twelve attempts within twenty minutes.
    pub const WISP_2: Self = Self {
        attempts: 12,
        gaps: Gaps::Doubling { most: 300 },
        jitter: Jitter::Half,
        asked: Asked::Instead(300),
    };

    /// Hapnd's five attempts. Its gaps are not published; these grow sixfold over at most 43 min,
    /// and half jitter keeps every gap longer than the one before, as its documentation promises.
    pub const HAPND: Self = Self {
        attempts: 5,
        gaps: Gaps::Steps(&[10, 60, 360, 2160]),
        jitter: Jitter::Half,
        asked: Asked::AtLeast(DAY),
    };

    /// For Bettermode's receivers, of whose retries only the existence is published: five attempts
    /// over at most 36 min, because they are told to forget what is older than a quarter of an hour
    /// and so recognise a repetition only for a while.
    pub const BETTERMODE: Self = Self {
        attempts: 5,
        gaps: Gaps::Steps(&[5, 60, 300, 1800]),
        ..Self::STANDARD
    };

    /// For notices to a chat room: three attempts within a minute or so, since an older message
    /// only puzzles its readers.
    pub const STREAM: Self = Self {
        attempts: 3,
        gaps: Gaps::Steps(&[5, 60]),
        ..Self::STANDARD
    };

    /// When to attempt again after `made` attempts, the last of which ended at `now`; none if that
    /// was the last. `chance` is a random number over the whole of `u64`.
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
        let drawn = after(now, self.jitter.draw(self.gaps.after(made), chance));
        let asked = asked.map(|asked| asked.time(now));
        Some(match (self.asked, asked) {
            (Asked::AtLeast(most), asked) => {
                let latest = after(now, SignedDuration::from_secs(most.into()));
                drawn.max(asked.unwrap_or(drawn)).min(latest)
            }
            (Asked::Instead(_), None) => drawn,
            (Asked::Instead(most), Some(asked)) => {
                asked.clamp(now, after(now, SignedDuration::from_secs(most.into())))
            }
        })
    }
}

impl Gaps {
    /// The longest gap after `made` attempts, in milliseconds.
    fn after(self, made: u32) -> u64 {
        let step = made.saturating_sub(1);
        let seconds = match self {
            Self::Steps(steps) => {
                let index = usize::try_from(step).unwrap_or(usize::MAX);
                steps.get(index).or(steps.last()).copied().unwrap_or(0)
            }
            Self::Doubling { most } => 1_u32.checked_shl(step).unwrap_or(u32::MAX).min(most),
        };
        u64::from(seconds) * 1000
    }
}

impl Jitter {
    /// An even share of the gap, in whole milliseconds.
    fn draw(self, gap: u64, chance: u64) -> SignedDuration {
        let share = |of: u64| u64::try_from((u128::from(chance) * u128::from(of)) >> 64);
        let drawn = match self {
            Self::None => Ok(gap),
            Self::Full => share(gap + 1),
            Self::Half => share(gap / 2).map(|share| gap - gap / 2 + share),
        };
        let drawn = drawn.expect("a share is no more than the whole");
        SignedDuration::from_millis(i64::try_from(drawn).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn millis(schedule: Schedule, made: u32, asked: Option<&str>, chance: u64) -> Option<i64> {
        let asked = asked.and_then(RetryAfter::parse);
        let next = schedule.next(made, asked, chance, NOW)?;
        i64::try_from(next.duration_since(NOW).as_millis()).ok()
    }

    fn gap(made: u32, asked: Option<&str>, chance: u64) -> Option<i64> {
        millis(Schedule::STANDARD, made, asked, chance).map(|millis| millis / 1000)
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
        assert_eq!(gap(1, Some("Fri, 01 Jan 1960 00:10:00 GMT"), 0), Some(0));
        assert_eq!(gap(8, Some("60"), 0), None);
    }

    #[test]
    fn wisp_waits_one_second_and_two_or_what_the_receiver_asks() {
        let wisp = |made, asked, chance| millis(Schedule::WISP, made, asked, chance);
        for chance in [0, u64::MAX] {
            assert_eq!(wisp(1, None, chance), Some(1000));
            assert_eq!(wisp(2, None, chance), Some(2000));
            assert_eq!(wisp(3, None, chance), None);
        }
        assert_eq!(wisp(1, Some("2"), 0), Some(2000));
        assert_eq!(wisp(2, Some("0"), 0), Some(2000));
        assert_eq!(wisp(1, Some("3600"), 0), Some(300_000));
    }

    #[test]
    fn the_newer_wisp_doubles_from_a_second_to_five_minutes_and_draws_the_upper_half() {
        let ceilings = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300];
        for (made, ceiling) in (1..).zip(ceilings) {
            let ceiling = ceiling * 1000;
            assert_eq!(millis(Schedule::WISP_2, made, None, 0), Some(ceiling / 2));
            assert_eq!(
                millis(Schedule::WISP_2, made, None, u64::MAX),
                Some(ceiling - 1)
            );
        }
        assert_eq!(millis(Schedule::WISP_2, 12, None, 0), None);
        assert_eq!(ceilings.iter().sum::<i64>(), 1111);
    }

    #[test]
    fn the_newer_wisp_takes_what_the_receiver_asks_instead_up_to_five_minutes() {
        let asked = |made, text| millis(Schedule::WISP_2, made, Some(text), u64::MAX);
        assert_eq!(asked(11, "2"), Some(2000));
        assert_eq!(asked(1, "0"), Some(0));
        assert_eq!(asked(1, "3600"), Some(300_000));
        assert_eq!(asked(1, "Fri, 01 Jan 1960 00:10:00 GMT"), Some(0));
    }

    #[test]
    fn gaps_of_hapnd_grow_whatever_is_drawn() {
        let drawn = |made, chance| millis(Schedule::HAPND, made, None, chance);
        for made in 1..4 {
            assert!(drawn(made + 1, 0) > drawn(made, u64::MAX));
        }
        assert_eq!(drawn(5, 0), None);
    }
}
