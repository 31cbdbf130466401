//! What waits in memory, fairly: a lane for each endpoint, round-robin over the lanes.
//!
//! A lane that may not go on leaves the round: at its own limit it comes back when an attempt of it
//! ends, at its host's limit when one to that host ends, before its time when that has come. So
//! choosing the next delivery never looks at lanes that are blocked.

mod exchange;
mod hosts;
mod lane;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use super::Limits;
use super::pace::Circuit;
use crate::{DeliveryId, Due, EndpointId, Health, Report};
pub(super) use exchange::{Ended, Refused, Rest};
use hosts::Hosts;
use lane::{Lane, Place};

/// Lanes without work are remembered while their endpoints are between two probes, or have used up
/// part of what they may get in a second. Beyond so many lanes they are not: the next delivery to
/// such an endpoint goes out at once.
const MOST_REMEMBERED: usize = 16_384;

pub(super) struct Lanes {
    lanes: HashMap<EndpointId, Lane>,
    hosts: Hosts,
    /// Lanes that have work and were not found blocked; each at most once.
    round: VecDeque<EndpointId>,
    /// Lanes whose time has not come. An entry counts only if it is what its lane says.
    asleep: BinaryHeap<Reverse<(Timestamp, EndpointId)>>,
    /// Lanes that take no more from the queue: each has work in memory.
    full: HashSet<EndpointId>,
    /// Lanes that are between two probes.
    paused: HashSet<EndpointId>,
    /// Everything that waits or is in flight. What has settled is not: as soon as its outcome is
    /// committed, and before this side hears of it, the queue may hand it out again.
    known: HashSet<DeliveryId>,
    waiting: usize,
    waiting_bytes: usize,
    bounds: Bounds,
    /// A lane that had to leave work in the queue has room again.
    hunger: bool,
}

/// A lane takes this share of the room that is left, so that many long ones leave some for others.
const SHARE: usize = 8;

/// What of the engine's limits is about lanes.
struct Bounds {
    waiting: usize,
    waiting_bytes: usize,
    per_lane: usize,
    per_endpoint: usize,
}

impl Lanes {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            lanes: HashMap::new(),
            hosts: Hosts::new(limits.per_host),
            round: VecDeque::new(),
            asleep: BinaryHeap::new(),
            full: HashSet::new(),
            paused: HashSet::new(),
            known: HashSet::new(),
            waiting: 0,
            waiting_bytes: 0,
            bounds: Bounds {
                waiting: limits.waiting,
                waiting_bytes: limits.waiting_bytes,
                per_lane: limits.waiting_per_endpoint.max(1),
                per_endpoint: limits.per_endpoint.max(1),
            },
            hunger: false,
        }
    }

    /// How many deliveries may wait in one lane now, and how many bytes of bodies.
    fn share(&self) -> (usize, usize) {
        let count = self.bounds.waiting.saturating_sub(self.waiting) / SHARE;
        let bytes = self.bounds.waiting_bytes.saturating_sub(self.waiting_bytes) / SHARE;
        (count.clamp(1, self.bounds.per_lane), bytes)
    }

    /// How many more deliveries may wait.
    pub(super) fn room(&self) -> usize {
        if self.waiting_bytes >= self.bounds.waiting_bytes {
            return 0;
        }
        self.bounds.waiting.saturating_sub(self.waiting)
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// How many lanes there are, and how many of them are between two probes.
    pub(super) fn open(&self) -> (usize, usize) {
        (self.lanes.len(), self.paused.len())
    }

    /// The endpoints whose work is to stay in the queue for now: their lanes are full, until they
    /// are half empty, or between two probes.
    pub(super) fn closed(&mut self) -> Vec<EndpointId> {
        for id in &self.full {
            if let Some(lane) = self.lanes.get_mut(id) {
                lane.starved = true;
            }
        }
        self.full.union(&self.paused).copied().collect()
    }

    /// Whether a lane that had to leave work in the queue has room again since last asked.
    pub(super) fn take_hunger(&mut self) -> bool {
        std::mem::take(&mut self.hunger)
    }

    /// Puts a delivery into its lane: at the end, or by its id if the endpoint wants order.
    pub(super) fn push(&mut self, due: Due, now: Timestamp) -> Result<(), Refused> {
        let id = due.id.endpoint;
        if self.known.contains(&due.id) {
            if let Some(lane) = self.lanes.get_mut(&id) {
                lane.renew_lease(&due);
            }
            return Err(Refused::Known(Box::new(due)));
        }
        let (room, share) = (self.room(), self.share());
        if let Some(lane) = self.lanes.get_mut(&id) {
            let retry_at = lane.circuit.retry_at(now);
            if retry_at > now {
                return Err(Refused::Paused(Box::new(due), retry_at));
            }
            if lane.is_full(share) {
                lane.starved = true;
                self.full.insert(id);
                return Err(Refused::Full(Box::new(due)));
            }
        }
        if room == 0 {
            return Err(Refused::Full(Box::new(due)));
        }
        self.known.insert(due.id);
        self.waiting += 1;
        self.waiting_bytes += due.notification.body.len();
        let most = self.bounds.per_endpoint;
        let lane = self.lanes.entry(id).or_insert_with(|| Lane::of(&due, most));
        if lane.is_idle() {
            // It may be asleep only to be remembered.
            lane.place = Place::Out;
        }
        lane.put(due);
        if lane.is_full(share) {
            self.full.insert(id);
        }
        self.enter_round(id);
        Ok(())
    }

    /// Takes the next delivery to attempt, if any may be attempted now.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<Due> {
        self.wake(now);
        while let Some(id) = self.round.pop_front() {
            let lane = self.lanes.get_mut(&id);
            let called = lane.and_then(|lane| lane.called.take());
            let due = self.take_from(id, now);
            if let Some(host) = called {
                // Whoever was called for a place and did not need it leaves it to the next.
                self.call_parked(&host);
            }
            if due.is_some() {
                self.enter_round(id);
                return due;
            }
            self.drop_idle(id, now);
        }
        None
    }

    /// When the next lane wakes, if one sleeps.
    pub(super) fn wakes_at(&self) -> Option<Timestamp> {
        self.asleep.peek().map(|Reverse((at, _))| *at)
    }

    /// The clock was set back: whoever sleeps looks again how long.
    pub(super) fn rouse(&mut self, now: Timestamp) {
        let sleepers = std::mem::take(&mut self.asleep);
        for Reverse((at, id)) in sleepers.into_sorted_vec() {
            self.wake_one(id, at);
            self.drop_idle(id, now);
        }
    }

    /// Brings lanes back into the round whose time has come.
    fn wake(&mut self, now: Timestamp) {
        while let Some(&Reverse((at, id))) = self.asleep.peek()
            && at <= now
        {
            self.asleep.pop();
            self.wake_one(id, at);
            self.drop_idle(id, now);
        }
    }

    fn wake_one(&mut self, id: EndpointId, at: Timestamp) {
        let Some(lane) = self.lanes.get_mut(&id) else {
            return;
        };
        if lane.place != Place::Asleep(at) {
            return;
        }
        lane.place = Place::Out;
        if self.paused.remove(&id) {
            // What the queue has kept for it may be looked at now.
            self.hunger = true;
        }
        self.enter_round(id);
    }

    /// The first of a lane that just left the round, unless the lane or its host may not go on.
    fn take_from(&mut self, id: EndpointId, now: Timestamp) -> Option<Due> {
        let share = self.share();
        let lane = self.lanes.get_mut(&id)?;
        lane.place = Place::Out;
        let first = lane.waiting.front()?;
        if lane.flying >= lane.places() {
            return None;
        }
        let host = first.endpoint.target.host().clone();
        let not_before = lane.not_before(now);
        if not_before > now {
            self.sleep(id, not_before);
            return None;
        }
        if !self.hosts.take_place(&host, id) {
            lane.place = Place::Parked;
            return None;
        }
        let due = lane.take(now)?;
        self.waiting -= 1;
        self.waiting_bytes -= due.notification.body.len();
        // Looked at by the room that there was before, which is near enough.
        if lane.is_half_empty(share) {
            self.full.remove(&id);
            self.hunger |= std::mem::take(&mut lane.starved);
        }
        Some(due)
    }

    fn sleep(&mut self, id: EndpointId, until: Timestamp) {
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.place = Place::Asleep(until);
            self.asleep.push(Reverse((until, id)));
        }
    }

    /// An attempt ended, or was not made after all. What the rest of its lane is to do in the queue
    /// instead is returned.
    pub(super) fn ended(&mut self, due: &Due, ended: Ended, now: Timestamp) -> Rest {
        let id = due.id.endpoint;
        self.known.remove(&due.id);
        let host = due.endpoint.target.host();
        self.hosts.free_place(host);
        self.call_parked(host);
        let Some(lane) = self.lanes.get_mut(&id) else {
            return Rest::default();
        };
        lane.flying = lane.flying.saturating_sub(1);
        match ended.report {
            Some(Report::Succeeded) => lane.circuit.succeeded(),
            Some(Report::Failed) => lane.circuit.failed(now),
            Some(Report::Gone) => lane.circuit.gone(now),
            None => {}
        }
        let held_up = lane.in_order && ended.open;
        let retry_at = lane.circuit.retry_at(now);
        if retry_at > now {
            let rest = self.empty(id, now);
            self.pause(id, retry_at);
            let until = Some(retry_at);
            return Rest { due: rest, until };
        }
        self.resume(id);
        let rest = match held_up {
            true => self.empty(id, now),
            false => VecDeque::new(),
        };
        self.enter_round(id);
        self.drop_idle(id, now);
        Rest {
            due: rest,
            until: None,
        }
    }

    /// No attempt to this endpoint before its next probe. In the round or at its host it has
    /// nothing to offer any more, and goes to sleep when it is come upon there.
    fn pause(&mut self, id: EndpointId, until: Timestamp) {
        self.paused.insert(id);
        let place = self.lanes.get(&id).map(|lane| lane.place);
        if matches!(place, Some(Place::Out | Place::Asleep(_))) {
            self.sleep(id, until);
        }
    }

    /// The endpoint answers again.
    fn resume(&mut self, id: EndpointId) {
        if self.paused.remove(&id)
            && let Some(lane) = self.lanes.get_mut(&id)
        {
            self.hunger = true;
            if matches!(lane.place, Place::Asleep(_)) {
                lane.place = Place::Out;
            }
        }
    }

    /// Takes everything that waits for an endpoint that was changed, and forgets how it failed.
    pub(super) fn renew(&mut self, id: EndpointId, now: Timestamp) -> VecDeque<Due> {
        self.resume(id);
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.circuit = Circuit::new(&Health::default(), self.bounds.per_endpoint);
        }
        self.empty(id, now)
    }

    /// Takes everything that waits for an endpoint.
    pub(super) fn empty(&mut self, id: EndpointId, now: Timestamp) -> VecDeque<Due> {
        let Some(lane) = self.lanes.get_mut(&id) else {
            return VecDeque::new();
        };
        let emptied = lane.empty();
        // Its settings may be others by the time that it has work again.
        lane.stale = true;
        self.full.remove(&id);
        self.waiting -= emptied.len();
        for due in &emptied {
            self.known.remove(&due.id);
            self.waiting_bytes -= due.notification.body.len();
        }
        if std::mem::take(&mut lane.starved) {
            self.hunger = true;
        }
        self.drop_idle(id, now);
        emptied
    }

    /// Takes everything that waits.
    pub(super) fn empty_all(&mut self, now: Timestamp) -> Vec<Due> {
        let mut ids: Vec<_> = self.lanes.keys().copied().collect();
        // In an order that does not hang on the hash.
        ids.sort_unstable();
        let emptied = ids.into_iter().flat_map(|id| self.empty(id, now));
        emptied.collect()
    }

    fn enter_round(&mut self, id: EndpointId) {
        if let Some(lane) = self.lanes.get_mut(&id)
            && lane.place == Place::Out
            && !lane.waiting.is_empty()
            && lane.flying < lane.places()
        {
            lane.place = Place::InRound;
            self.round.push_back(id);
        }
    }

    /// Calls the next lane into the round that is parked at a host, if the host has a place for it.
    fn call_parked(&mut self, host: &Arc<str>) {
        if let Some(id) = self.hosts.call(host)
            && let Some(lane) = self.lanes.get_mut(&id)
        {
            lane.place = Place::InRound;
            lane.called = Some(host.clone());
            self.round.push_back(id);
        }
    }

    /// Removes a lane without work, or puts it to sleep if there is something to remember of it.
    fn drop_idle(&mut self, id: EndpointId, now: Timestamp) {
        let Some(lane) = self.lanes.get(&id).filter(|lane| lane.is_idle()) else {
            return;
        };
        let until = lane.remembered_until(now);
        if until <= now || self.lanes.len() > MOST_REMEMBERED {
            self.paused.remove(&id);
            self.lanes.remove(&id);
        } else if lane.place == Place::Out {
            self.sleep(id, until);
        }
    }
}
