//! The heartbeat, and what becomes of the work of a node that lost its life.

use tokio::task::JoinError;

use jiff::SignedDuration;

use super::{Engine, Moment};
use crate::clock::after;
use crate::{Clock, Event, Life, Queue, Transport};

/// So many heartbeats fit into a life.
const BEATS: i32 = 3;

impl<Q: Queue, T: Transport, C: Clock> Engine<Q, T, C> {
    pub(super) fn start_beating(&mut self) {
        let begun = Moment::of(&*self.clock);
        let now = self.clock.now();
        if !self.beating.is_empty() || now < self.next_beat {
            return;
        }
        let (queue, node, lasts) = (self.queue.clone(), self.node.clone(), self.limits.life());
        self.next_beat = after(now, lasts / BEATS);
        self.beating
            .spawn(async move { (begun, queue.heartbeat(&node, lasts, now).await) });
    }

    pub(super) fn beaten(&mut self, ended: Result<(Moment, Result<Life, Q::Error>), JoinError>) {
        match ended {
            Ok((begun, Ok(life))) => return self.live(begun, life),
            Ok((_, Err(error))) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "no heartbeat, again soon");
            }
            Err(error) => tracing::error!(%error, "a heartbeat was lost, again soon"),
        }
        self.meters.failed();
        self.next_beat = after(self.clock.now(), self.limits.poll_span());
    }

    /// A heartbeat that was begun in that moment was heard.
    pub(super) fn live(&mut self, begun: Moment, life: Life) {
        if life.lapsed {
            self.lose_life();
        }
        self.life = begun.end(life);
        let now = Moment::of(&*self.clock);
        if self.life.outlasts(now, SignedDuration::ZERO) {
            self.alive = true;
            self.gate.open();
        }
    }

    /// Notices a heartbeat that came too late, or not at all.
    pub(super) fn mind_life(&mut self) {
        let now = Moment::of(&*self.clock);
        if !self.life.outlasts(now, SignedDuration::ZERO) {
            self.lose_life();
        }
    }

    /// Others may have taken what this node holds: it makes no attempt of that. What it gives back
    /// is written only where nobody has.
    fn lose_life(&mut self) {
        if !self.alive {
            return;
        }
        self.alive = false;
        self.gate.close();
        let held = self.lanes.empty_all(self.clock.now());
        tracing::warn!(
            deliveries = held.len(),
            "this node was not heard of in time"
        );
        for due in held {
            self.give_back(due, Event::Release);
        }
    }

    /// Whether one more attempt may be made now, and others leave its delivery alone until it ends.
    pub(super) fn may_attempt(&self) -> bool {
        self.flying.len() < self.limits.in_flight
            && self.outcomes.len() < self.limits.unrecorded
            && self.alive
            && (self.life).outlasts(Moment::of(&*self.clock), self.limits.attempt_span())
    }
}
