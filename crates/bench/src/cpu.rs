//! The CPU time of this thread: what others do on the machine does not count.

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds that this thread has run.
fn now() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let nanoseconds = i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec);
    u64::try_from(nanoseconds).expect("a thread has not run for centuries")
}

/// How long something runs, in nanoseconds.
pub fn time<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let start = now();
    let result = work();
    (result, now() - start)
}
