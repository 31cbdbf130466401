//! From the queue into a lane, from a lane into an attempt, and what follows from how it went.

use jiff::Timestamp;
use tokio::task::{self, JoinError};

use super::Engine;
use super::attempt::{self, Attempted};
use super::lanes::{Ended, Refused, Rest};
use super::lease;
use crate::clock::after;
use crate::{
    Clock, Due, Effect, EndpointId, Event, Lease, LeaseRequest, Leased, Queue, Report, Settled,
    Terms, Transport,
};

impl<Q: Queue, T: Transport, C: Clock> Engine<Q, T, C> {
    /// Puts a delivery into its lane, or gives it back to the queue.
    pub(super) fn accept(&mut self, due: Due, now: Timestamp) {
        if !self.alive {
            return self.give_back(due, Event::Release);
        }
        match self.lanes.push(due, now) {
            Ok(()) => {}
            Err(Refused::Known(due)) => self.come_again(*due, now),
            Err(Refused::Full(due)) => self.give_back(*due, Event::Release),
            Err(Refused::Paused(due, until)) => self.give_back(*due, Event::Postpone(until)),
        }
    }

    /// A delivery came that is here already. If an attempt of it is in flight under another lease, it was
    /// ended and begun anew meanwhile: that attempt will change nothing any more, so this one has to
    /// come again once it is over.
    fn come_again(&mut self, due: Due, now: Timestamp) {
        let mut flying = self.flying.values();
        if flying.any(|(flying, _)| flying.id == due.id && flying.lease != due.lease) {
            let later = after(now, self.limits.poll_span());
            self.give_back(due, Event::Postpone(later));
        }
    }

    /// Gives back what waits for an endpoint: the queue knows how the endpoint is now.
    pub(super) fn return_lane(&mut self, endpoint: EndpointId, now: Timestamp) {
        let due = self.lanes.empty(endpoint, now);
        self.give_back_rest(Rest { due, until: None });
    }

    pub(super) fn give_back_rest(&mut self, rest: Rest) {
        for due in rest.due {
            let event = rest.until.map_or(Event::Release, Event::Postpone);
            self.give_back(due, event);
        }
    }

    /// Moves a delivery without an attempt.
    pub(super) fn give_back(&mut self, due: Due, event: Event) {
        self.meters.returned();
        let now = self.clock.now();
        let moved = due.state().on(event, &due.terms(), now);
        let (state, _) = moved.expect("a leased delivery can be given back");
        let settled = Settled {
            id: due.id,
            lease: due.lease.clone(),
            state,
            attempt: None,
            report: None,
        };
        self.keep(settled, due);
    }

    pub(super) fn start_attempts(&mut self, now: Timestamp) {
        let enough = after(now, self.limits.attempt_span());
        while self.may_attempt()
            && let Some(due) = self.lanes.next(now)
        {
            if enough > due.lease.until || due.deadline <= now {
                let ended = Ended {
                    report: None,
                    open: true,
                };
                let rest = self.lanes.ended(&due, ended, now);
                self.give_back(due, Event::Release);
                self.give_back_rest(rest);
                continue;
            }
            self.meters.started(now.duration_since(due.since));
            let attempt = attempt::make(&due, &self.means, self.limits.attempt, now);
            let handle = self.attempts.spawn(attempt);
            self.flying.insert(handle.id(), (due, now));
        }
        if self.lanes.take_hunger() {
            self.next_lease = now;
        }
    }

    pub(super) fn attempted(&mut self, ended: Result<(task::Id, Attempted), JoinError>) {
        let (id, attempted) = match ended {
            Ok((id, attempted)) => (id, Some(attempted)),
            Err(error) => (error.id(), None),
        };
        let Some((due, started)) = self.flying.remove(&id) else {
            return;
        };
        let now = self.clock.now();
        let attempted = attempted.unwrap_or_else(|| attempt::lost(&due, started, now));
        let profile = due.endpoint.profile;
        self.meters
            .ended(profile, &attempted.outcome, attempted.took());
        let settled = self.settle(&due, attempted, now);
        let ended = Ended {
            report: settled.report,
            open: settled.state.is_open(),
        };
        let rest = self.lanes.ended(&due, ended, now);
        let gone = (settled.report == Some(Report::Gone)).then_some(due.id.endpoint);
        self.keep(settled, due);
        self.give_back_rest(rest);
        if let Some(endpoint) = gone {
            // After the outcome that disables it, so that the queue cancels what comes back.
            self.return_lane(endpoint, now);
        }
    }

    fn settle(&mut self, due: &Due, attempted: Attempted, now: Timestamp) -> Settled {
        let profile = due.endpoint.profile;
        let verdict = attempted.outcome.verdict(profile.wire().success);
        let event = Event::Settle {
            verdict,
            chance: (self.chance)(),
        };
        let terms = Terms {
            schedule: &self.limits.schedule(profile),
            deadline: due.deadline,
        };
        let moved = due.state().on(event, &terms, now);
        let (state, effect) = moved.expect("a leased delivery can settle");
        let report = match effect {
            Effect::Report(report) => Some(report),
            Effect::Nothing | Effect::Attempt(_) => None,
        };
        let attempt = attempted.record(due.number(state.attempts()), verdict);
        Settled {
            id: due.id,
            lease: due.lease.clone(),
            state,
            attempt: Some(attempt),
            report,
        }
    }

    pub(super) fn start_leasing(&mut self, now: Timestamp) {
        let room = self.lanes.room();
        if !self.leasing.is_empty() || !self.alive || now < self.next_lease || room == 0 {
            return;
        }
        let batch = self.limits.lease_batch;
        self.last_lease = lease::next(after(now, self.limits.hold_for), self.last_lease);
        let request = LeaseRequest {
            lease: Lease {
                node: self.node.clone(),
                until: self.last_lease,
            },
            limit: room.min(batch),
            // A lane that is looked at has at least so much room, unless memory is short.
            per_endpoint: self.limits.waiting_per_endpoint.div_ceil(2).min(batch),
            except: self.lanes.closed(),
        };
        self.next_lease = after(now, self.limits.poll_span());
        let queue = self.queue.clone();
        self.leasing
            .spawn(async move { queue.lease(&request, now).await });
    }

    pub(super) fn leased(&mut self, ended: Result<Result<Leased, Q::Error>, JoinError>) {
        let changed = std::mem::take(&mut self.changed);
        match ended {
            Ok(Ok(leased)) => {
                if let Some(next) = leased.next_due {
                    self.next_lease = self.next_lease.min(next);
                }
                self.meters.leased(leased.due.len());
                let now = self.clock.now();
                for due in leased.due {
                    match changed.contains(&due.id.endpoint) {
                        true => self.give_back(due, Event::Release),
                        false => self.accept(due, now),
                    }
                }
            }
            Ok(Err(error)) => {
                self.meters.failed();
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "due deliveries cannot be read, again soon");
            }
            Err(error) => {
                self.meters.failed();
                tracing::error!(%error, "the look for due deliveries was lost");
            }
        }
    }
}
