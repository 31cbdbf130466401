//! What one run may use up, and how it is stopped.

use std::cell::Cell;
use std::fmt;
use std::panic::resume_unwind;

use crate::Room;

/// Terms that one run may evaluate, and sixteens of bytes that it may build: a quarter of a second or
/// so. A reducer that goes through a state of a thousand entries needs some ten thousand.
pub const MOST_STEPS: u64 = 1_000_000;

/// Bytes that one value may weigh: what a state may have, and room to work with it.
pub const MOST_VALUE: u64 = 2 * 1024 * 1024;

/// Bytes of stack that one run may use: some thousands of nested calls.
pub const MOST_DEPTH: usize = 16 * 1024 * 1024;

/// Bytes that are built for one step.
const BYTES_OF_STEP: u64 = 16;

/// Why a run was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// It took [`MOST_STEPS`].
    Steps,
    /// It built a value of more than [`MOST_VALUE`], or one that is nested too deep.
    Value,
    /// It called itself too deep: [`MOST_DEPTH`].
    Depth,
}

impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steps => write!(f, "it did not end within {MOST_STEPS} steps"),
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
}

/// Sets the limits for what `work` does, and lifts them afterwards, however it ends; what it has taken
/// counts as spent in `room`.
pub(crate) fn within<T>(room: &Room, work: impl FnOnce() -> T) -> T {
    struct Lift<'a>(&'a Room);
    impl Drop for Lift<'_> {
        fn drop(&mut self) {
            self.0.spend(MOST_STEPS.saturating_sub(LEFT.get()));
            LEFT.set(u64::MAX);
            BASE.set(0);
        }
    }
    let _lift = Lift(room);
    LEFT.set(MOST_STEPS);
    BASE.set(here());
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
}

/// Takes what building so many bytes costs.
pub(crate) fn charge_bytes(bytes: u64) {
    charge(1 + bytes / BYTES_OF_STEP);
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
