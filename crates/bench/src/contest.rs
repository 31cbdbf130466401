//! Several ways of doing the same, measured side by side in one run.
//!
//! The lanes take turns in short slices, many rounds over, and every ratio is formed within a
//! round: what slows the machine for a while slows both sides of it. The median of the rounds is
//! the result, the middle half of them its spread.

use std::hint::black_box;

use crate::cpu;
use crate::figures::{Verdict, nanoseconds, per_second, row};

/// A slice of a lane, in nanoseconds: a thousand times what reading the clock takes.
const SLICE: u64 = 4_000_000;
/// Rounds of slices; odd, so that one of them is the median.
const ROUNDS: usize = 21;
/// Repetitions in one slice at most: lanes may prepare something for each.
const MOST_REPETITIONS: u32 = 1 << 16;

/// Does the work so many times and says how many nanoseconds that took.
type Run<'a> = Box<dyn FnMut(u32) -> u64 + 'a>;

/// Several ways of doing the same.
pub struct Contest<'a> {
    title: String,
    shown: Shown,
    lanes: Vec<Lane<'a>>,
}

/// What the ratios are ratios of.
#[derive(Clone, Copy)]
enum Shown {
    /// Time to the time of the first lane; a goal is the most.
    Cost,
    /// Speed to the speed of the first lane; a goal is the least.
    Speed,
}

struct Lane<'a> {
    name: &'static str,
    goal: Option<f64>,
    run: Run<'a>,
}

impl<'a> Contest<'a> {
    /// A contest against this way.
    pub fn against<T>(
        title: impl Into<String>,
        name: &'static str,
        mut work: impl FnMut() -> T + 'a,
    ) -> Self {
        Self::against_timed(title, name, move |times| repeat(times, &mut work))
    }

    /// A contest against a way that takes its own time, because it has something to prepare.
    pub fn against_timed(
        title: impl Into<String>,
        name: &'static str,
        run: impl FnMut(u32) -> u64 + 'a,
    ) -> Self {
        let contest = Self {
            title: title.into(),
            shown: Shown::Cost,
            lanes: Vec::new(),
        };
        contest.timed(name, None, run)
    }

    /// Another way, with the ratio that it should not exceed.
    #[must_use]
    pub fn lane<T>(
        self,
        name: &'static str,
        goal: Option<f64>,
        mut work: impl FnMut() -> T + 'a,
    ) -> Self {
        self.timed(name, goal, move |times| repeat(times, &mut work))
    }

    /// Another way, which takes its own time.
    #[must_use]
    pub fn timed(
        mut self,
        name: &'static str,
        goal: Option<f64>,
        run: impl FnMut(u32) -> u64 + 'a,
    ) -> Self {
        self.lanes.push(Lane {
            name,
            goal,
            run: Box::new(run),
        });
        self
    }

    /// The same contest, told the other way round: ratios of speeds, with goals that they should
    /// not fall below.
    #[must_use]
    pub fn by_speed(mut self) -> Self {
        self.shown = Shown::Speed;
        self
    }

    /// Runs the contest and prints what came out.
    pub fn run(mut self) {
        println!("\n{}", self.title);
        let repetitions: Vec<u32> = self.lanes.iter_mut().map(Lane::repetitions).collect();
        let mut rounds: Vec<Vec<f64>> = vec![Vec::with_capacity(ROUNDS); self.lanes.len()];
        for _ in 0..ROUNDS {
            for ((lane, &times), taken) in self.lanes.iter_mut().zip(&repetitions).zip(&mut rounds)
            {
                taken.push((lane.run)(times) as f64 / f64::from(times));
            }
        }
        for (lane, taken) in self.lanes.iter().zip(&rounds) {
            let ratios = taken
                .iter()
                .zip(&rounds[0])
                .map(|(own, base)| match self.shown {
                    Shown::Cost => own / base,
                    Shown::Speed => base / own,
                });
            let time = Spread::of(taken.iter().copied());
            lane.print(self.shown, time.median, Spread::of(ratios));
        }
    }
}

impl Lane<'_> {
    /// How often the work fits into a slice. Warms up on the way.
    fn repetitions(&mut self) -> u32 {
        let mut times = 1;
        loop {
            let taken = (self.run)(times).max(1);
            if taken >= SLICE / 4 || times >= MOST_REPETITIONS / 4 {
                let fitting = u64::from(times) * SLICE / taken;
                return u32::try_from(fitting).map_or(MOST_REPETITIONS, |fitting| {
                    fitting.clamp(1, MOST_REPETITIONS)
                });
            }
            times *= 2;
        }
    }

    fn print(&self, shown: Shown, time: f64, ratio: Spread) {
        let ratios = format!(
            "{:.2} ({:.2}–{:.2})",
            ratio.median, ratio.lower, ratio.upper
        );
        match shown {
            Shown::Cost => {
                let verdict = Verdict::of(ratio.median, self.goal, |goal| format!("{goal:.2}"));
                row(self.name, &nanoseconds(time), &ratios, &verdict);
            }
            Shown::Speed => {
                let verdict = Verdict::at_least(ratio.median, self.goal);
                let name = format!("{}, {}", self.name, per_second(time));
                row(&name, &nanoseconds(time), &ratios, &verdict);
            }
        }
    }
}

fn repeat<T>(times: u32, work: &mut impl FnMut() -> T) -> u64 {
    let ((), taken) = cpu::time(|| {
        for _ in 0..times {
            black_box(work());
        }
    });
    taken
}

/// The middle of many measurements, and the middle half.
struct Spread {
    lower: f64,
    median: f64,
    upper: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let at = |quarter: usize| values[(values.len() - 1) * quarter / 4];
        Self {
            lower: at(1),
            median: at(2),
            upper: at(3),
        }
    }
}
