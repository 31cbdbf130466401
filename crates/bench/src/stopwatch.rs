//! What takes too long to be repeated often: a few runs, and the median of them.

use crate::cpu;
use crate::figures::{Verdict, nanoseconds, row};

/// Runs of each; odd, so that one of them is the median.
const RUNS: usize = 5;

/// The median of some runs, in nanoseconds. `prepare` is not timed.
pub fn median<P, T>(mut prepare: impl FnMut() -> P, mut work: impl FnMut(P) -> T) -> f64 {
    let mut taken: Vec<u64> = (0..RUNS)
        .map(|_| {
            let prepared = prepare();
            cpu::time(|| work(prepared)).1
        })
        .collect();
    taken.sort_unstable();
    taken[RUNS / 2] as f64
}

/// Prints a time, and its ratio to another.
pub fn print(name: &str, time: f64, base: f64, goal: Option<f64>) {
    let verdict = Verdict::of(time, goal, nanoseconds);
    row(
        name,
        &nanoseconds(time),
        &format!("{:.2}", time / base),
        &verdict,
    );
}
