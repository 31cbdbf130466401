//! One endpoint's lane.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;

use super::super::pace::{Bucket, Circuit};
use crate::{Due, Overlap};

pub(super) struct Lane {
    pub(super) waiting: VecDeque<Due>,
    /// Of the bodies of those.
    bytes: usize,
    pub(super) flying: usize,
    pub(super) place: Place,
    /// The host that it was called back into the round by.
    pub(super) called: Option<Arc<str>>,
    pub(super) circuit: Circuit,
    bucket: Option<Bucket>,
    /// Whether deliveries go one at a time and by their ids.
    pub(super) in_order: bool,
    /// Whether it had to leave work in the queue.
    pub(super) starved: bool,
    /// Whether its settings are to be taken from the next delivery.
    pub(super) stale: bool,
}

/// Where a lane is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Nowhere: it has no work, or no place for another attempt.
    Out,
    /// In the round.
    InRound,
    /// At its host, which has no place for another attempt.
    Parked,
    /// Until this time.
    Asleep(Timestamp),
}

impl Lane {
    pub(super) fn of(due: &Due, most: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            bytes: 0,
            flying: 0,
            place: Place::Out,
            called: None,
            circuit: Circuit::new(&due.endpoint.health, most),
            bucket: due.endpoint.per_second.map(Bucket::new),
            in_order: due.endpoint.in_order,
            starved: false,
            stale: false,
        }
    }

    /// Puts a delivery at the end; by its id if the endpoint wants order.
    pub(super) fn put(&mut self, due: Due) {
        if std::mem::take(&mut self.stale) {
            self.in_order = due.endpoint.in_order;
            // A bucket of the same rate is kept, with what was taken from it.
            let rate = due.endpoint.per_second;
            if self.bucket.as_ref().map(Bucket::rate) != rate {
                self.bucket = rate.map(Bucket::new);
            }
        }
        let mut at = self.waiting.len();
        while self.in_order && at > 0 && self.waiting[at - 1].id.notification > due.id.notification
        {
            at -= 1;
        }
        self.bytes += due.notification.body.len();
        self.waiting.insert(at, due);
    }

    /// What waited for so long that its lease ended was leased again: it is held by that one now.
    pub(super) fn renew_lease(&mut self, due: &Due) {
        let waits = self.waiting.iter_mut().find(|waits| waits.id == due.id);
        if let Some(waits) = waits {
            waits.lease = due.lease.clone();
        }
    }

    /// How many attempts may be in flight.
    pub(super) fn places(&self) -> usize {
        match self.in_order {
            true => 1,
            false => self.circuit.places(),
        }
    }

    /// When the next attempt may be made.
    pub(super) fn not_before(&self, now: Timestamp) -> Timestamp {
        let bucket = self.bucket.as_ref();
        let token = bucket.map_or(Timestamp::MIN, |bucket| bucket.ready_at(now));
        token.max(self.circuit.retry_at(now))
    }

    /// Whether as many, or as much, waits here as may; one always may, and no more than go out within
    /// a minute.
    pub(super) fn is_full(&self, (count, bytes): (usize, usize)) -> bool {
        let count = self.most(count);
        self.waiting.len() >= count || (self.bytes >= bytes && !self.waiting.is_empty())
    }

    /// Whether so much of its share is free that looking for more is worth its while: a lane that was
    /// full would otherwise be filled one by one, and all but one given back each time.
    pub(super) fn is_half_empty(&self, (count, bytes): (usize, usize)) -> bool {
        self.waiting.is_empty()
            || self.waiting.len() <= self.most(count) / 2 && self.bytes <= bytes / 2
    }

    fn most(&self, count: usize) -> usize {
        let paced = self.bucket.as_ref().map_or(count, Bucket::per_minute);
        count.min(paced)
    }

    /// Takes all.
    pub(super) fn empty(&mut self) -> VecDeque<Due> {
        self.bytes = 0;
        std::mem::take(&mut self.waiting)
    }

    /// Takes the first, or a probe.
    pub(super) fn take(&mut self, now: Timestamp) -> Option<Due> {
        let due = self.waiting.remove(self.probe().unwrap_or(0))?;
        self.bytes -= due.notification.body.len();
        self.flying += 1;
        if let Some(bucket) = &mut self.bucket {
            bucket.take(now);
        }
        Some(due)
    }

    /// What to probe with, where attempts differ in their signature: a first attempt may be refused by a
    /// receiver that knows the older secret alone, so that only another one shows whether it is well.
    fn probe(&self) -> Option<usize> {
        let differ = |due: &Due| due.endpoint.profile.wire().overlap == Overlap::InTurn;
        (self.circuit.is_probing() && !self.in_order && self.waiting.front().is_some_and(differ))
            .then(|| self.waiting.iter().position(|due| due.attempts > 0))
            .flatten()
    }

    /// Until when it matters what happened in it.
    pub(super) fn remembered_until(&self, now: Timestamp) -> Timestamp {
        let bucket = self.bucket.as_ref();
        let full = bucket.map_or(Timestamp::MIN, |bucket| bucket.full_at(now));
        full.max(self.circuit.retry_at(now))
    }

    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty()
            && self.flying == 0
            && matches!(self.place, Place::Out | Place::Asleep(_))
    }
}
