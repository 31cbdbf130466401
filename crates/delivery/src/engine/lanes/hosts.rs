//! Attempts in flight to each host, whoever's endpoints they are.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::EndpointId;

/// Hosts that have attempts in flight.
pub(super) struct Hosts {
    hosts: HashMap<Arc<str>, Host>,
    most: usize,
}

#[derive(Default)]
struct Host {
    flying: usize,
    /// Lanes that left the round because of this host; each at most once.
    parked: VecDeque<EndpointId>,
}

impl Hosts {
    pub(super) fn new(most: usize) -> Self {
        Self {
            hosts: HashMap::new(),
            most: most.max(1),
        }
    }

    /// Takes a place at a host, or parks the lane there; whether it got the place.
    pub(super) fn take_place(&mut self, name: &Arc<str>, lane: EndpointId) -> bool {
        let host = self.hosts.entry(name.clone()).or_default();
        let free = host.flying < self.most;
        match free {
            true => host.flying += 1,
            false => host.parked.push_back(lane),
        }
        free
    }

    /// Frees a place at a host.
    pub(super) fn free_place(&mut self, name: &Arc<str>) {
        if let Some(host) = self.hosts.get_mut(name) {
            host.flying = host.flying.saturating_sub(1);
        }
    }

    /// The lane that has waited longest for a place at a host, if there is one free now.
    pub(super) fn call(&mut self, name: &Arc<str>) -> Option<EndpointId> {
        let host = self.hosts.get_mut(name)?;
        if host.flying >= self.most {
            return None;
        }
        let called = host.parked.pop_front();
        if called.is_none() && host.flying == 0 {
            self.hosts.remove(name);
        }
        called
    }
}
