//! The state machine under any order of events.

use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{
    CancelReason, Effect, Event, Lease, Misstep, NodeId, Profile, RetryAfter, Schedule, State,
    Terms, Verdict,
};
use proptest::prelude::*;

use crate::world::START;

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        1 => Just(Verdict::Success),
        8 => proptest::option::of(0_i64..200_000).prop_map(|seconds| {
            let asked = seconds.map(|s| RetryAfter::Delay(SignedDuration::from_secs(s)));
            Verdict::Transient(asked)
        }),
        1 => Just(Verdict::Permanent),
        1 => Just(Verdict::Gone),
    ]
}

/// An event, and how many seconds after the one before.
fn step() -> impl Strategy<Value = (Event, i64)> {
    let lease = (1_i64..100_000).prop_map(|until| {
        let until = START + SignedDuration::from_secs(until);
        Event::Lease(Lease {
            node: NodeId::new("here"),
            until,
        })
    });
    let event = prop_oneof![
        6 => lease,
        6 => (verdict(), any::<u64>()).prop_map(|(verdict, chance)| Event::Settle { verdict, chance }),
        1 => Just(Event::Release),
        1 => (0_i64..400_000).prop_map(|due| Event::Postpone(START + SignedDuration::from_secs(due))),
        1 => Just(Event::Cancel(CancelReason::Disabled)),
        1 => Just(Event::Cancel(CancelReason::Owner)),
        2 => (0_i64..400_000).prop_map(|end| Event::Replay {
            deadline: START + SignedDuration::from_secs(end),
        }),
    ];
    (event, 0_i64..20_000)
}

fn check_move(
    event: &Event,
    before: &State,
    after: &State,
    effect: Effect,
    now: Timestamp,
    terms: &Terms<'_>,
) {
    assert!(after.attempts() <= terms.schedule.attempts, "{after:?}");
    if let Event::Replay { .. } = event {
        assert!(!before.is_open(), "only what has ended is replayed");
        assert_eq!((after.attempts(), effect), (0, Effect::Nothing));
    } else {
        assert!(before.is_open(), "what has ended does not move: {before:?}");
        let made = after.attempts() - before.attempts();
        let reported = u32::from(matches!(effect, Effect::Report(_)));
        assert_eq!(
            made, reported,
            "an attempt counts once, and nothing else does"
        );
    }
    if let Effect::Attempt(number) = effect {
        assert_eq!(number, before.attempts() + 1);
        assert!(now < terms.deadline, "no attempt after the deadline");
        match before {
            State::Pending { due, .. } => assert!(*due <= now, "never before it is due"),
            State::Leased { lease, .. } => assert!(lease.until <= now, "never while leased"),
            _ => unreachable!("checked above"),
        }
    }
    if let State::Pending { due, .. } = after {
        assert!(*due < terms.deadline, "nothing waits past its deadline");
    }
}

proptest! {
    #[test]
    fn every_order_of_events_keeps_the_rules(
        steps in proptest::collection::vec(step(), 0..60),
        days in 0_i64..4,
        profile in 0..Profile::ALL.len(),
    ) {
        let schedule = Profile::ALL[profile].wire().schedule;
        let deadline = START + SignedDuration::from_hours(24 * days);
        let mut terms = Terms { schedule: &schedule, deadline };
        let mut now = START;
        let mut state = State::new(now);
        for (event, later) in steps {
            now += SignedDuration::from_secs(later);
            let before = state.clone();
            state = match state.on(event.clone(), &terms, now) {
                Ok((after, effect)) => {
                    if let Event::Replay { deadline } = event {
                        terms.deadline = deadline;
                    }
                    check_move(&event, &before, &after, effect, now, &terms);
                    after
                }
                Err(Misstep { state, .. }) => {
                    prop_assert_eq!(&state, &before, "a misstep loses nothing");
                    state
                }
            };
        }
    }

    #[test]
    fn any_delivery_comes_to_an_end(
        verdicts in proptest::collection::vec((verdict(), any::<u64>()), 100),
        days in 1_i64..10,
    ) {
        let deadline = START + SignedDuration::from_hours(24 * days);
        let terms = Terms { schedule: &Schedule::UNTIL_DEADLINE, deadline };
        let mut state = State::new(START);
        for (verdict, chance) in verdicts {
            let State::Pending { due, .. } = state else { break };
            let lease = Lease { node: NodeId::new("here"), until: deadline };
            let (leased, _) = state.on(Event::Lease(lease), &terms, due).expect("it is due");
            let settled = leased.on(Event::Settle { verdict, chance }, &terms, due);
            state = settled.expect("it is leased").0;
        }
        prop_assert!(!state.is_open());
    }
}
