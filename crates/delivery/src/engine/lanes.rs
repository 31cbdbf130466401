//! What waits in memory, fairly: a lane for each endpoint, round-robin over the lanes.
//!
//! A lane at its limit, or at its host's, leaves the round and comes back when an attempt of that
//! endpoint or host ends, so that choosing the next delivery does not look at blocked lanes.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::Limits;
use crate::{DeliveryId, Due, EndpointId, Report};

/// After so many failures in a row a lane lets one attempt through at a time.
const PROBING: u32 = 5;

pub(super) struct Lanes {
    lanes: HashMap<EndpointId, Lane>,
    hosts: HashMap<Arc<str>, Host>,
    /// Lanes that have work and were not found blocked; each at most once.
    round: VecDeque<EndpointId>,
    /// Everything that waits or is in flight. What has settled is not: as soon as its outcome is
    /// committed, and before this side hears of it, the queue may hand it out again.
    known: HashSet<DeliveryId>,
    waiting: usize,
    most_waiting: usize,
    most_waiting_per_lane: usize,
    per_endpoint: usize,
    per_host: usize,
    /// A lane that had to leave work in the queue has room again.
    hunger: bool,
}

struct Lane {
    waiting: VecDeque<Due>,
    flying: usize,
    failures: u32,
    /// Whether it is in the round, or parked at its host.
    in_round: bool,
    /// Whether it had to leave work in the queue.
    starved: bool,
}

#[derive(Default)]
struct Host {
    flying: usize,
    /// Lanes that left the round because of this host; each at most once.
    parked: VecDeque<EndpointId>,
}

/// Why a delivery was not taken.
pub(super) enum Refused {
    /// It is here already.
    Known,
    /// Its lane, or all of the memory, is full.
    Full(Box<Due>),
}

impl Lanes {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            lanes: HashMap::new(),
            hosts: HashMap::new(),
            round: VecDeque::new(),
            known: HashSet::new(),
            waiting: 0,
            most_waiting: limits.waiting,
            most_waiting_per_lane: limits.waiting_per_endpoint,
            per_endpoint: limits.per_endpoint.max(1),
            per_host: limits.per_host.max(1),
            hunger: false,
        }
    }

    /// How many more deliveries may wait.
    pub(super) fn room(&self) -> usize {
        self.most_waiting.saturating_sub(self.waiting)
    }

    /// The endpoints whose lanes are full. They leave work in the queue until they are half empty.
    pub(super) fn full(&mut self) -> Vec<EndpointId> {
        let most = self.most_waiting_per_lane;
        let full = self
            .lanes
            .iter_mut()
            .filter(|(_, lane)| lane.waiting.len() >= most);
        let starved = full.map(|(&id, lane)| {
            lane.starved = true;
            id
        });
        starved.collect()
    }

    /// Whether a lane that had to leave work in the queue has room again since last asked.
    pub(super) fn take_hunger(&mut self) -> bool {
        std::mem::take(&mut self.hunger)
    }

    /// Puts a delivery at the end of its lane.
    pub(super) fn push(&mut self, due: Due) -> Result<(), Refused> {
        if self.known.contains(&due.id) {
            return Err(Refused::Known);
        }
        let endpoint = due.id.endpoint;
        let lane = self.lanes.get_mut(&endpoint);
        let lane_full = lane.is_some_and(|lane| {
            lane.starved |= lane.waiting.len() >= self.most_waiting_per_lane;
            lane.waiting.len() >= self.most_waiting_per_lane
        });
        if lane_full || self.room() == 0 {
            return Err(Refused::Full(Box::new(due)));
        }
        self.known.insert(due.id);
        self.waiting += 1;
        let lane = self.lanes.entry(endpoint).or_insert_with(|| Lane::of(&due));
        lane.waiting.push_back(due);
        self.enter_round(endpoint);
        Ok(())
    }

    /// Takes the next delivery to attempt, if any may be attempted now.
    pub(super) fn next(&mut self) -> Option<Due> {
        while let Some(endpoint) = self.round.pop_front() {
            if let Some(due) = self.take_from(endpoint) {
                self.enter_round(endpoint);
                return Some(due);
            }
            self.drop_idle(endpoint);
        }
        None
    }

    /// The first of a lane that just left the round, unless the lane or its host is at its limit.
    fn take_from(&mut self, endpoint: EndpointId) -> Option<Due> {
        let lane = self.lanes.get_mut(&endpoint)?;
        lane.in_round = false;
        let first = lane.waiting.front()?;
        if lane.flying >= lane.most_flying(self.per_endpoint) {
            return None;
        }
        let host = self
            .hosts
            .entry(first.endpoint.target.host().clone())
            .or_default();
        if host.flying >= self.per_host {
            host.parked.push_back(endpoint);
            lane.in_round = true;
            return None;
        }
        lane.flying += 1;
        host.flying += 1;
        self.waiting -= 1;
        let due = lane.waiting.pop_front();
        if lane.starved && lane.waiting.len() <= self.most_waiting_per_lane / 2 {
            lane.starved = false;
            self.hunger = true;
        }
        due
    }

    /// An attempt ended, or was not made after all.
    pub(super) fn ended(&mut self, due: &Due, report: Option<Report>) {
        let endpoint = due.id.endpoint;
        self.known.remove(&due.id);
        if let Some(lane) = self.lanes.get_mut(&endpoint) {
            lane.flying = lane.flying.saturating_sub(1);
            match report {
                Some(Report::Succeeded) => lane.failures = 0,
                Some(Report::Failed | Report::Gone) => {
                    lane.failures = lane.failures.saturating_add(1)
                }
                None => {}
            }
        }
        self.free_host(due.endpoint.target.host());
        self.enter_round(endpoint);
        self.drop_idle(endpoint);
    }

    /// Takes everything that waits for an endpoint.
    pub(super) fn empty(&mut self, endpoint: EndpointId) -> VecDeque<Due> {
        let Some(lane) = self.lanes.get_mut(&endpoint) else {
            return VecDeque::new();
        };
        let emptied = std::mem::take(&mut lane.waiting);
        self.waiting -= emptied.len();
        for due in &emptied {
            self.known.remove(&due.id);
        }
        self.drop_idle(endpoint);
        emptied
    }

    /// Takes everything that waits.
    pub(super) fn empty_all(&mut self) -> Vec<Due> {
        let endpoints: Vec<_> = self.lanes.keys().copied().collect();
        endpoints
            .into_iter()
            .flat_map(|endpoint| self.empty(endpoint))
            .collect()
    }

    fn enter_round(&mut self, endpoint: EndpointId) {
        if let Some(lane) = self.lanes.get_mut(&endpoint)
            && !lane.in_round
            && !lane.waiting.is_empty()
            && lane.flying < lane.most_flying(self.per_endpoint)
        {
            lane.in_round = true;
            self.round.push_back(endpoint);
        }
    }

    /// Frees one place at a host, for the lane that has waited longest for one.
    fn free_host(&mut self, name: &Arc<str>) {
        let Some(host) = self.hosts.get_mut(name) else {
            return;
        };
        host.flying = host.flying.saturating_sub(1);
        if let Some(endpoint) = host.parked.pop_front() {
            // It may have been emptied since: then the next look at it lets it go.
            self.round.push_back(endpoint);
        } else if host.flying == 0 {
            self.hosts.remove(name);
        }
    }

    fn drop_idle(&mut self, endpoint: EndpointId) {
        let idle = |lane: &Lane| lane.waiting.is_empty() && lane.flying == 0 && !lane.in_round;
        if self.lanes.get(&endpoint).is_some_and(idle) {
            self.lanes.remove(&endpoint);
        }
    }
}

impl Lane {
    fn of(due: &Due) -> Self {
        let failures = due.endpoint.health.consecutive_failures;
        Self {
            waiting: VecDeque::new(),
            flying: 0,
            failures,
            in_round: false,
            starved: false,
        }
    }

    fn most_flying(&self, per_endpoint: usize) -> usize {
        if self.failures >= PROBING {
            1
        } else {
            per_endpoint
        }
    }
}
