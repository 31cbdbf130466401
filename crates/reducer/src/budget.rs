//! What one run may use up, and how it is stopped.

use std::cell::Cell;
use std::fmt;
use std::panic::resume_unwind;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::Room;

/// Terms that one run may evaluate, and sixteens of bytes that it may build: a quarter of a second or
/// so. A reducer that goes through a state of a thousand entries needs some ten thousand.
pub const MOST_STEPS: u64 = 1_000_000;

/// Bytes that one value may weigh: what a state may have, and room to work with it.
pub const MOST_VALUE: u64 = 2 * 1024 * 1024;

/// Bytes of stack that one run may use: some thousands of nested calls.
pub const MOST_DEPTH: usize = 16 * 1024 * 1024;

/// CPU time of one run, many times of what [`MOST_STEPS`] take: a net below them, for what a step of the
/// interpreter may turn out to take.
pub const MOST_TIME: Duration = Duration::from_secs(5);

/// Bytes that are built for one step.
const BYTES_OF_STEP: u64 = 16;

/// Bytes that are looked through for one step.
const BYTES_READ_OF_STEP: u64 = 256;

/// Charges between two looks at the clock.
const LOOK_AFTER: u32 = 1024;

/// Why a run was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// It took [`MOST_STEPS`].
    Steps,
    /// It took [`MOST_TIME`].
    Time,
    /// It built a value of more than [`MOST_VALUE`], or one that is nested too deep.
    Value,
    /// It called itself too deep: [`MOST_DEPTH`].
    Depth,
}

impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steps => write!(f, "it did not end within {MOST_STEPS} steps"),
            Self::Time => write!(f, "it did not end within {} seconds", MOST_TIME.as_secs()),
            Self::Value => write!(
                f,
                "it built a value of more than {MOST_VALUE} bytes, or one nested too deep"
            ),
            Self::Depth => f.write_str("it calls itself too deep"),
        }
    }
}

thread_local! {
    /// Without a limit while nothing runs: values are also dropped and compared then.
    static LEFT: Cell<u64> = const { Cell::new(u64::MAX) };
    /// Where the stack was when the run began.
    static BASE: Cell<usize> = const { Cell::new(0) };
    /// CPU time of this thread at which the run has to have ended.
    static UNTIL: Cell<Duration> = const { Cell::new(Duration::MAX) };
    /// Charges until the clock is looked at again.
    static LOOK: Cell<u32> = const { Cell::new(LOOK_AFTER) };
}

/// Sets the limits for what `work` does, and lifts them afterwards, however it ends; what it has taken
/// counts as spent in `room`.
pub(crate) fn within<T>(room: &Room, work: impl FnOnce() -> T) -> T {
    within_time(room, MOST_TIME, work)
}

fn within_time<T>(room: &Room, most: Duration, work: impl FnOnce() -> T) -> T {
    struct Lift<'a>(&'a Room);
    impl Drop for Lift<'_> {
        fn drop(&mut self) {
            self.0.spend(MOST_STEPS.saturating_sub(LEFT.get()));
            LEFT.set(u64::MAX);
            BASE.set(0);
            UNTIL.set(Duration::MAX);
        }
    }
    let _lift = Lift(room);
    LEFT.set(MOST_STEPS);
    BASE.set(here());
    UNTIL.set(used() + most);
    LOOK.set(LOOK_AFTER);
    work()
}

/// Takes so many steps from what is left.
pub(crate) fn charge(steps: u64) {
    let left = LEFT.get();
    match left.checked_sub(steps) {
        _ if left == u64::MAX => {}
        Some(left) => LEFT.set(left),
        None => {
            LEFT.set(0);
            stop(Spent::Steps)
        }
    }
    let look = LOOK.get();
    LOOK.set(look - 1);
    if look == 1 {
        LOOK.set(LOOK_AFTER);
        if used() > UNTIL.get() {
            stop(Spent::Time);
        }
    }
}

/// CPU time that this thread has used.
fn used() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Takes what building so many bytes costs.
pub(crate) fn charge_bytes(bytes: u64) {
    charge(1 + bytes / BYTES_OF_STEP);
}

/// Takes what looking through so many bytes costs.
pub(crate) fn charge_reading(bytes: u64) {
    charge(1 + bytes / BYTES_READ_OF_STEP);
}

/// Takes one step, and looks how deep the stack is.
pub(crate) fn step() {
    charge(1);
    let base = BASE.get();
    if base != 0 && base.abs_diff(here()) > MOST_DEPTH {
        stop(Spent::Depth);
    }
}

/// Ends the run. By unwinding, since a program may catch every error that it is told of. No panic is
/// reported: the hook for that is passed by.
pub(crate) fn stop(why: Spent) -> ! {
    resume_unwind(Box::new(why))
}

/// About where the stack is.
#[inline(never)]
fn here() -> usize {
    let local = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&local)).addr()
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn steps_that_take_too_long_are_stopped_by_the_clock() {
        let spent = Room::with(|room| {
            let steps = || (0..2 * LOOK_AFTER).for_each(|_| charge(1));
            let run = || within_time(room, Duration::ZERO, steps);
            let stopped = catch_unwind(AssertUnwindSafe(run)).expect_err("no time is left");
            stopped.downcast::<Spent>().ok().map(|spent| *spent)
        });
        assert_eq!(spent.expect("a thread"), Some(Spent::Time));
    }
}
