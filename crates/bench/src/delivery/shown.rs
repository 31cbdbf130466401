//! The lines of the table.

use super::engine::Done;
use crate::figures::{Verdict, row};

/// Deliveries a second.
pub fn rate(done: &Done) -> f64 {
    done.delivered as f64 / done.seconds
}

/// One line: CPU per delivery, rate, share of the client alone, memory.
pub fn line(name: &str, done: &Done, base: Option<(f64, Option<f64>)>, goal: Option<f64>) {
    let rate = rate(done);
    let cpu = format!("{:.1} µs", done.cpu * 1e6 / done.delivered as f64);
    let share = base.map_or(String::new(), |(base, _)| format!("{:.2}", rate / base));
    let verdict = base.map_or(Verdict::None, |(base, goal)| {
        Verdict::at_least(rate / base, goal)
    });
    row(&format!("{name}, CPU"), &cpu, &share, &verdict);
    row(
        &format!("{name}, {:.1} MiB", done.peak),
        &format!("{rate:.0}/s"),
        "",
        &Verdict::at_least(rate, goal),
    );
}

/// p50 and p99 of these waits in nanoseconds, of which there should be so many.
pub fn latencies(name: &str, mut waits: Vec<u64>, wanted: usize, goal: Option<[f64; 2]>) {
    waits.sort_unstable();
    if waits.len() < wanted {
        println!(
            "  {name}: {} of {wanted} arrived in time to be seen",
            waits.len()
        );
    }
    for (index, (title, share)) in [("p50", 0.5), ("p99", 0.99)].into_iter().enumerate() {
        let at = ((waits.len() as f64 * share) as usize).min(waits.len().saturating_sub(1));
        let wait = waits.get(at).map_or(f64::NAN, |&wait| wait as f64 / 1e6);
        let verdict = Verdict::of(wait, goal.map(|goal| goal[index]), |goal| {
            format!("{goal} ms")
        });
        row(
            &format!("{name}, {title}"),
            &format!("{wait:.2} ms"),
            "",
            &verdict,
        );
    }
}
