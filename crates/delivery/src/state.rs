//! The life of a delivery, as a pure function of state, event and time.

mod reason;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

pub use reason::{AbandonReason, CancelReason};

use crate::{Outcome, Report, Schedule, Verdict};

/// One process among those that share a queue.
///
/// Where there is only one it stays the same over restarts, so that it knows its own old leases.
/// Where there are several it is new for each start, so that nobody takes one life for another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NodeId(Arc<str>);

impl NodeId {
    /// A node of this name.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One node's expiring right to a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Who holds it.
    pub node: NodeId,
    /// From this time on anybody may take the delivery.
    pub until: Timestamp,
}

/// Where a delivery stands. `attempts` counts those that ended since it was made or last replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits for its next attempt.
    Pending {
        /// Attempts made.
        attempts: u32,
        /// When the next one is due.
        due: Timestamp,
    },
    /// A node is about to make an attempt, or is making it.
    Leased {
        /// Attempts made.
        attempts: u32,
        /// Whose it is.
        lease: Lease,
    },
    /// It arrived.
    Delivered {
        /// Attempts made.
        attempts: u32,
        /// When.
        at: Timestamp,
    },
    /// Its deadline passed, or would before another attempt could be made.
    Expired {
        /// Attempts made.
        attempts: u32,
        /// When that was noticed.
        at: Timestamp,
    },
    /// Given up by rule: a dead letter.
    Abandoned {
        /// Attempts made.
        attempts: u32,
        /// When.
        at: Timestamp,
        /// Which rule.
        reason: AbandonReason,
    },
    /// It will not be made, for a reason that is none of its own.
    Cancelled {
        /// Attempts made.
        attempts: u32,
        /// When.
        at: Timestamp,
        /// Why.
        reason: CancelReason,
    },
}

/// What moves a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A node takes it to make the next attempt.
    Lease(Lease),
    /// The attempt ended so; `chance` is a random number for the jitter of the next.
    Settle {
        /// What the outcome means.
        verdict: Verdict,
        /// Any of all `u64`, evenly.
        chance: u64,
    },
    /// The node gives it back without an attempt, or died.
    Release,
    /// The node gives it back without an attempt, because its endpoint keeps failing and is only
    /// probed: it is due at this time.
    Postpone(Timestamp),
    /// It will not be made.
    Cancel(CancelReason),
    /// What has ended begins anew, with all of its attempts; they are numbered on from where the
    /// last life of it ended.
    Replay {
        /// Its new deadline: the old one may be what ended it.
        deadline: Timestamp,
    },
}

/// What is to be done about a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Nothing,
    /// Make this attempt, counted from 1, while the lease lasts.
    Attempt(u32),
    /// Tell the endpoint's health.
    Report(Report),
}

/// What a delivery's moves are bound by.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The schedule of its endpoint's profile.
    pub schedule: &'a Schedule,
    /// When it stops to interest its receiver.
    pub deadline: Timestamp,
}

/// An event that the state does not allow. Holds the state, so that nothing is lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a {state} delivery cannot {event}")]
pub struct Misstep {
    /// The state, unchanged.
    pub state: State,
    /// What was asked of it.
    pub event: &'static str,
}

impl State {
    /// A new delivery, due at once.
    pub fn new(now: Timestamp) -> Self {
        Self::Pending {
            attempts: 0,
            due: now,
        }
    }

    /// The state after `event` at `now`, and what is to be done about it.
    pub fn on(
        self,
        event: Event,
        terms: &Terms<'_>,
        now: Timestamp,
    ) -> Result<(Self, Effect), Misstep> {
        match (self, event) {
            (Self::Pending { attempts, due }, Event::Lease(lease)) if due <= now => {
                Ok(leased(attempts, lease, terms, now))
            }
            (
                Self::Leased {
                    attempts,
                    lease: old,
                },
                Event::Lease(lease),
            ) if old.until <= now => Ok(leased(attempts, lease, terms, now)),
            (Self::Leased { attempts, .. }, Event::Settle { verdict, chance }) => Ok(settled(
                attempts.saturating_add(1),
                verdict,
                chance,
                terms,
                now,
            )),
            (Self::Leased { attempts, .. }, Event::Release) => {
                Ok((pending(attempts, now, terms, now), Effect::Nothing))
            }
            (Self::Leased { attempts, .. }, Event::Postpone(due)) => {
                Ok((pending(attempts, due, terms, now), Effect::Nothing))
            }
            (
                Self::Delivered { .. }
                | Self::Expired { .. }
                | Self::Abandoned { .. }
                | Self::Cancelled { .. },
                Event::Replay { deadline },
            ) => {
                let terms = Terms { deadline, ..*terms };
                Ok((pending(0, now, &terms, now), Effect::Nothing))
            }
            (
                Self::Pending { attempts, .. } | Self::Leased { attempts, .. },
                Event::Cancel(reason),
            ) => Ok((
                Self::Cancelled {
                    attempts,
                    at: now,
                    reason,
                },
                Effect::Nothing,
            )),
            (state, event) => Err(Misstep {
                state,
                event: event.verb(),
            }),
        }
    }

    /// Attempts made.
    pub fn attempts(&self) -> u32 {
        match *self {
            Self::Pending { attempts, .. }
            | Self::Leased { attempts, .. }
            | Self::Delivered { attempts, .. }
            | Self::Expired { attempts, .. }
            | Self::Abandoned { attempts, .. }
            | Self::Cancelled { attempts, .. } => attempts,
        }
    }

    /// The name in storage.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Leased { .. } => "leased",
            Self::Delivered { .. } => "delivered",
            Self::Expired { .. } => "expired",
            Self::Abandoned { .. } => "abandoned",
            Self::Cancelled { .. } => "cancelled",
        }
    }

    /// Whether there is work left: pending or leased.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Pending { .. } | Self::Leased { .. })
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Event {
    fn verb(&self) -> &'static str {
        match self {
            Self::Lease(_) => "be leased",
            Self::Settle { .. } => "settle",
            Self::Release => "be released",
            Self::Postpone(_) => "be postponed",
            Self::Cancel(_) => "be cancelled",
            Self::Replay { .. } => "be replayed",
        }
    }
}

fn leased(attempts: u32, lease: Lease, terms: &Terms<'_>, now: Timestamp) -> (State, Effect) {
    if terms.deadline <= now {
        return (State::Expired { attempts, at: now }, Effect::Nothing);
    }
    (
        State::Leased { attempts, lease },
        Effect::Attempt(attempts.saturating_add(1)),
    )
}

fn settled(
    attempts: u32,
    verdict: Verdict,
    chance: u64,
    terms: &Terms<'_>,
    now: Timestamp,
) -> (State, Effect) {
    let abandoned = |reason| State::Abandoned {
        attempts,
        at: now,
        reason,
    };
    match verdict {
        Verdict::Success => (
            State::Delivered { attempts, at: now },
            Effect::Report(Report::Succeeded),
        ),
        Verdict::Gone => {
            let reason = CancelReason::Gone;
            (
                State::Cancelled {
                    attempts,
                    at: now,
                    reason,
                },
                Effect::Report(Report::Gone),
            )
        }
        Verdict::Permanent => (
            abandoned(AbandonReason::Permanent),
            Effect::Report(Report::Failed),
        ),
        Verdict::Transient(asked) => {
            let state = match terms.schedule.next(attempts, asked, chance, now) {
                Some(due) => pending(attempts, due, terms, now),
                None => abandoned(AbandonReason::AttemptsUsedUp),
            };
            (state, Effect::Report(Report::Failed))
        }
    }
}

/// Pending, unless no attempt could be made before the deadline: then that is said now, and not
/// hours later.
fn pending(attempts: u32, due: Timestamp, terms: &Terms<'_>, now: Timestamp) -> State {
    if due >= terms.deadline {
        State::Expired { attempts, at: now }
    } else {
        State::Pending { attempts, due }
    }
}

/// One HTTP request of a delivery, for the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Counted from 1, and on over replays.
    pub number: u32,
    /// When it began.
    pub started: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// How it went; an answer's body is cut to [`Attempt::EXCERPT`] bytes.
    pub outcome: Outcome,
    /// Whether the receiver said in its answer that it failed, under a status of success. Known where
    /// the whole answer is, see [`Success::Succeeded`](crate::Success::Succeeded).
    pub refused: bool,
}

impl Attempt {
    /// This much of an answer is kept: enough to recognise an error page by.
    pub const EXCERPT: usize = 1024;

    /// The attempt with its answer's body cut to size.
    #[must_use]
    pub fn excerpted(mut self) -> Self {
        if let Outcome::Answered(answer) = &mut self.outcome
            && answer.body.len() > Self::EXCERPT
        {
            // A copy, so that the rest of the answer is freed.
            answer.body = Bytes::copy_from_slice(&answer.body[..Self::EXCERPT]);
        }
        self
    }
}
