//! How results are printed.

/// Whether a goal is met.
pub enum Verdict {
    /// There is no goal.
    None,
    /// There is one, and this is to be said about it.
    Said(String),
}

impl Verdict {
    /// Compares a result with the most that it should be.
    pub fn of(result: f64, goal: Option<f64>, shown: impl FnOnce(f64) -> String) -> Self {
        match goal {
            None => Self::None,
            Some(goal) if result <= goal => Self::Said(format!("goal {}: met", shown(goal))),
            Some(goal) => Self::Said(format!("goal {}: MISSED", shown(goal))),
        }
    }

    /// Compares a result with the least that it should be.
    pub fn at_least(result: f64, goal: Option<f64>) -> Self {
        match goal {
            None => Self::None,
            Some(goal) if result >= goal => Self::Said(format!("goal ≥ {goal:.2}: met")),
            Some(goal) => Self::Said(format!("goal ≥ {goal:.2}: MISSED")),
        }
    }
}

/// One line of a result.
pub fn row(name: &str, time: &str, ratio: &str, verdict: &Verdict) {
    let verdict = match verdict {
        Verdict::None => "",
        Verdict::Said(text) => text,
    };
    let line = format!("  {name:<44}{time:>10}  {ratio:<20}{verdict}");
    println!("{}", line.trim_end());
}

/// How often something of this many nanoseconds fits into a second of one core.
pub fn per_second(time: f64) -> String {
    format!("{:.0}/s", 1e9 / time)
}

/// A time in the unit that suits it.
pub fn nanoseconds(time: f64) -> String {
    match time {
        ..1e3 => format!("{time:.0} ns"),
        ..1e6 => format!("{:.2} µs", time / 1e3),
        ..1e9 => format!("{:.2} ms", time / 1e6),
        _ => format!("{:.2} s", time / 1e9),
    }
}
