//! What happens in one schedule, all of it drawn from its seed before it begins.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use jiff::SignedDuration;
use loggia_delivery::{Limits, Profile};

use super::dice::Dice;

/// One schedule.
#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    /// Whether the store belongs to one process, which keeps its name over restarts.
    pub alone: bool,
    pub nodes: usize,
    pub limits: Limits,
    pub endpoints: Vec<Place>,
    /// By time.
    pub steps: Vec<(SignedDuration, Step)>,
}

/// An endpoint, and how it behaves as time goes by; afterwards it is well.
#[derive(Clone, Debug)]
pub struct Place {
    pub host: usize,
    pub profile: Profile,
    pub in_order: bool,
    pub per_second: Option<NonZeroU32>,
    pub phases: Vec<(SignedDuration, Mood)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Well,
    Slow,
    Failing,
    Refusing,
    /// Answers at the end of its time, or never.
    Hanging,
    /// Asks for so many seconds.
    Busy(u32),
    NotFound,
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A notification to so many endpoints from this one on, with so many seconds to live; perhaps
    /// the one who told is lost between the commit and the offer.
    Tell {
        node: usize,
        first: usize,
        count: usize,
        lasts: i64,
        lost: bool,
    },
    /// Dies, and is started again after so many seconds.
    Crash {
        node: usize,
        seconds: i64,
    },
    /// Stands still for so many seconds.
    Pause {
        node: usize,
        seconds: i64,
    },
    /// Its clock is set.
    Jump {
        node: usize,
        seconds: i64,
    },
    /// Is stopped in an orderly way, and started again.
    Stop {
        node: usize,
        seconds: i64,
    },
    /// The store answers nobody for so many seconds.
    Outage {
        seconds: i64,
    },
    /// The next writing of outcomes is done, and its answer lost.
    LoseAnswer,
    Rotate {
        endpoint: usize,
    },
    Disable {
        endpoint: usize,
    },
    Enable {
        endpoint: usize,
    },
    /// The delivery that so many were made before.
    Replay {
        delivery: usize,
    },
    Cancel {
        delivery: usize,
    },
}

/// How long there are new steps.
const ACTIVE: i64 = 150;

impl fmt::Display for Plan {
    /// One line for each endpoint and step.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (nodes, alone) = (self.nodes, self.alone);
        writeln!(f, "{nodes} nodes, alone: {alone}, {:?}", self.limits)?;
        for (place, endpoint) in self.endpoints.iter().enumerate() {
            writeln!(f, "{place}: {endpoint:?}")?;
        }
        for (at, step) in &self.steps {
            writeln!(f, "{:9.3} {step:?}", at.as_secs_f64())?;
        }
        Ok(())
    }
}

impl Plan {
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let alone = dice.percent(30);
        let nodes = if alone { 1 } else { dice.index(3) + 1 };
        let limits = limits(&mut dice);
        let count = dice.index(5) + 1;
        let endpoints: Vec<_> = (0..count).map(|_| place(&mut dice)).collect();
        let tells = dice.of(5..30);
        let troubles = dice.of(0..9);
        let mut steps = Vec::new();
        for _ in 0..tells {
            let step = tell(&mut dice, nodes, count);
            // Now and then many at the same time.
            let at = dice.of(0..ACTIVE * 1000);
            let at = if dice.percent(40) {
                at / 30_000 * 30_000
            } else {
                at
            };
            steps.push((SignedDuration::from_millis(at), step));
        }
        for _ in 0..troubles {
            let step = trouble(&mut dice, nodes, count);
            let at = dice.of(0..ACTIVE * 1000);
            steps.push((SignedDuration::from_millis(at), step));
        }
        steps.sort_by_key(|(at, _)| *at);
        Self {
            seed,
            alone,
            nodes,
            limits,
            endpoints,
            steps,
        }
    }
}

impl Plan {
    /// Whether nothing happens that may make a delivery arrive twice.
    pub fn is_quiet(&self) -> bool {
        let mut steps = self.steps.iter();
        steps.all(|(_, step)| {
            matches!(
                step,
                Step::Tell { lost: false, .. }
                    | Step::LoseAnswer
                    | Step::Rotate { .. }
                    | Step::Disable { .. }
                    | Step::Enable { .. }
                    | Step::Replay { .. }
                    | Step::Cancel { .. }
            )
        })
    }
}

fn limits(dice: &mut Dice) -> Limits {
    Limits {
        in_flight: dice.index(6) + 2,
        per_endpoint: dice.index(4) + 1,
        per_host: dice.index(4) + 1,
        waiting: dice.index(40) + 2,
        waiting_bytes: 600,
        waiting_per_endpoint: dice.index(5) + 1,
        offered: dice.index(5) + 1,
        unrecorded: dice.index(6) + 1,
        lease_batch: dice.index(6) + 1,
        lease_for: SignedDuration::from_secs(30),
        hold_for: SignedDuration::from_secs(dice.of(20..90)),
        offered_for: SignedDuration::from_secs(dice.of(20..90)),
        poll: Duration::from_secs(20),
        attempt: Duration::from_secs(10),
        stop: Duration::from_secs(5),
        wisp_attempts: dice.percent(50).then_some(4),
    }
}

fn place(dice: &mut Dice) -> Place {
    let profiles = [
        Profile::Stream,
        Profile::Wisp,
        Profile::Wisp2,
        Profile::Bettermode,
        Profile::SpaceWebhook,
    ];
    let mut at = 0;
    let phases = (0..dice.index(4)).map(|_| {
        at += dice.of(1..40_000);
        (SignedDuration::from_millis(at), mood(dice))
    });
    let phases = phases.collect();
    Place {
        host: dice.index(3),
        profile: profiles[dice.index(profiles.len())],
        in_order: dice.percent(30),
        per_second: NonZeroU32::new(u32::try_from(dice.of(1..3)).expect("small"))
            .filter(|_| dice.percent(30)),
        phases,
    }
}

fn mood(dice: &mut Dice) -> Mood {
    match dice.index(12) {
        0..3 => Mood::Well,
        3 => Mood::Slow,
        4..7 => Mood::Failing,
        7 => Mood::Refusing,
        8 => Mood::Hanging,
        9 => Mood::Busy(u32::try_from(dice.of(1..100)).expect("small")),
        10 => Mood::NotFound,
        _ if dice.percent(30) => Mood::Gone,
        _ => Mood::Failing,
    }
}

fn tell(dice: &mut Dice, nodes: usize, endpoints: usize) -> Step {
    Step::Tell {
        node: dice.index(nodes),
        first: dice.index(endpoints),
        count: dice.index(endpoints) + 1,
        lasts: if dice.percent(20) {
            dice.of(1..60)
        } else {
            10_000
        },
        lost: dice.percent(5),
    }
}

fn trouble(dice: &mut Dice, nodes: usize, endpoints: usize) -> Step {
    let node = dice.index(nodes);
    let endpoint = dice.index(endpoints);
    let delivery = dice.index(60);
    match dice.index(13) {
        0 | 1 => Step::Crash {
            node,
            seconds: dice.of(0..60),
        },
        2 | 3 => Step::Pause {
            node,
            seconds: dice.of(1..70),
        },
        4 => Step::Jump {
            node,
            seconds: dice.of(-600..600),
        },
        5 => Step::Stop {
            node,
            seconds: dice.of(0..30),
        },
        6 => Step::Outage {
            seconds: dice.of(1..50),
        },
        7 => Step::LoseAnswer,
        8 => Step::Rotate { endpoint },
        9 => Step::Disable { endpoint },
        10 => Step::Enable { endpoint },
        11 => Step::Replay { delivery },
        _ => Step::Cancel { delivery },
    }
}
