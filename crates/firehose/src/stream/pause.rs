//! How long to wait before another connection is made.

use std::time::Duration;

/// The first ceiling.
const FIRST: Duration = Duration::from_secs(1);
/// No ceiling is higher.
const LAST: Duration = Duration::from_secs(300);
/// The ceiling doubles this often.
const DOUBLINGS: u32 = 9;

/// How long to wait after so many connections in a row came to nothing: anything from zero to a ceiling
/// that doubles from 1 s to 300 s, so that the readers of a source that comes back do not all come back
/// at once.
pub(crate) fn pause(failures: u32, chance: u64) -> Duration {
    let doublings = failures.saturating_sub(1).min(DOUBLINGS);
    let ceiling = (FIRST * 2u32.pow(doublings)).min(LAST);
    let nanos = ceiling.as_nanos() * u128::from(chance) / u128::from(u64::MAX);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::pause;

    #[test]
    fn full_jitter_up_to_a_ceiling_that_doubles() {
        for (failures, seconds) in [
            (0, 1),
            (1, 1),
            (2, 2),
            (3, 4),
            (9, 256),
            (10, 300),
            (99, 300),
        ] {
            assert_eq!(pause(failures, u64::MAX).as_secs(), seconds, "{failures}");
            assert_eq!(pause(failures, 0).as_secs(), 0, "{failures}");
            assert_eq!(
                pause(failures, u64::MAX / 2).as_millis() / 499,
                u128::from(seconds),
                "{failures}"
            );
        }
        assert_eq!(pause(u32::MAX, u64::MAX).as_secs(), 300);
    }
}
