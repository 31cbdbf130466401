//! Times that two processes of one machine can compare.

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds since the machine was started.
pub fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let nanoseconds = i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec);
    u64::try_from(nanoseconds).expect("no machine runs for centuries")
}
