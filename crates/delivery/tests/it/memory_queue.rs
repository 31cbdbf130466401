//! A queue in memory, strict about moves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{
    Attempt, CancelReason, DeliveryId, Due, Effect, Endpoint, EndpointId, EndpointState, Event,
    HealthRules, Lease, LeaseRequest, Leased, Life, NodeId, Notification, Queue, Recorded, Settled,
    State,
};

/// A queue in memory that checks every move it is told of.
#[derive(Clone, Default)]
pub struct MemoryQueue(Arc<Mutex<Rows>>);

#[derive(Default)]
pub struct Rows {
    pub endpoints: BTreeMap<EndpointId, Endpoint>,
    pub deliveries: BTreeMap<DeliveryId, Row>,
    pub attempts: BTreeMap<DeliveryId, Vec<Attempt>>,
    /// How many records fail before one works.
    pub failing_records: u32,
    pub leases: u32,
    /// Whether nodes live only as long as they say so.
    pub mortal: bool,
    /// How many heartbeats fail before one works.
    pub failing_beats: u32,
}

pub struct Row {
    pub state: State,
    pub notification: Arc<Notification>,
}

#[derive(Debug, thiserror::Error)]
#[error("the queue is told to fail")]
pub struct ToldToFail;

impl MemoryQueue {
    pub fn lock(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().expect("no test panics with the lock")
    }

    pub fn state(&self, id: DeliveryId) -> State {
        self.lock().deliveries[&id].state.clone()
    }

    /// Frees leases whose time is over.
    pub fn free_lapsed(&self, now: Timestamp) {
        for row in self.lock().deliveries.values_mut() {
            if let State::Leased { attempts, lease } = &row.state
                && lease.until <= now
            {
                let attempts = *attempts;
                row.state = State::Pending { attempts, due: now };
            }
        }
    }

    /// Changes an endpoint, as its owner would.
    pub fn endpoint(&self, id: EndpointId, change: impl FnOnce(&mut Endpoint)) {
        let mut rows = self.lock();
        change(rows.endpoints.get_mut(&id).expect("it was enqueued"));
    }

    pub fn enqueue(
        &self,
        notification: &Arc<Notification>,
        endpoint: &Endpoint,
        lease: Option<&Lease>,
        now: Timestamp,
    ) -> (DeliveryId, Option<Due>) {
        let id = DeliveryId {
            notification: notification.id,
            endpoint: endpoint.id,
        };
        let state = match lease {
            Some(lease) => State::Leased {
                attempts: 0,
                lease: lease.clone(),
            },
            None => State::new(now),
        };
        let due = lease.map(|lease| Due {
            id,
            notification: notification.clone(),
            endpoint: Arc::new(endpoint.clone()),
            deadline: notification.deadline,
            attempts: 0,
            earlier: 0,
            key: None,
            since: now,
            lease: lease.clone(),
        });
        let mut rows = self.lock();
        rows.endpoints
            .entry(endpoint.id)
            .or_insert_with(|| endpoint.clone());
        rows.deliveries.insert(
            id,
            Row {
                state,
                notification: notification.clone(),
            },
        );
        (id, due)
    }
}

impl Queue for MemoryQueue {
    type Error = ToldToFail;

    async fn heartbeat(
        &self,
        _: &NodeId,
        lasts: SignedDuration,
        now: Timestamp,
    ) -> Result<Life, ToldToFail> {
        let mut rows = self.lock();
        if rows.failing_beats > 0 {
            rows.failing_beats -= 1;
            return Err(ToldToFail);
        }
        let until = if rows.mortal {
            now + lasts
        } else {
            Timestamp::MAX
        };
        let lapsed = false;
        Ok(Life { until, lapsed })
    }

    async fn void_leases(&self, node: &NodeId, now: Timestamp) -> Result<u64, ToldToFail> {
        let mut voided = 0;
        for row in self.lock().deliveries.values_mut() {
            if let State::Leased { attempts, lease } = &row.state
                && lease.node == *node
            {
                row.state = State::Pending {
                    attempts: *attempts,
                    due: now,
                };
                voided += 1;
            }
        }
        Ok(voided)
    }

    async fn lease(&self, request: &LeaseRequest, now: Timestamp) -> Result<Leased, ToldToFail> {
        let mut rows = self.lock();
        rows.leases += 1;
        let rows = &mut *rows;
        let mut leased = Leased::default();
        let mut held_up = BTreeSet::new();
        for (&id, row) in &mut rows.deliveries {
            let in_order = rows.endpoints[&id.endpoint].in_order;
            if in_order && row.state.is_open() && held_up.contains(&id.endpoint) {
                continue;
            }
            let ready = matches!(row.state, State::Pending { due, .. } if due <= now);
            if in_order && row.state.is_open() && !ready {
                held_up.insert(id.endpoint);
            }
            let State::Pending { due, .. } = row.state else {
                continue;
            };
            if request.except.contains(&id.endpoint) {
                continue;
            }
            let of_lane = leased
                .due
                .iter()
                .filter(|due| due.id.endpoint == id.endpoint)
                .count();
            if due > now || leased.due.len() >= request.limit || of_lane >= request.per_endpoint {
                leased.next_due =
                    Some(leased.next_due.map_or(due, |next: Timestamp| next.min(due)));
                continue;
            }
            let endpoint = Arc::new(rows.endpoints[&id.endpoint].clone());
            let mut due = Due {
                id,
                notification: row.notification.clone(),
                endpoint,
                deadline: row.notification.deadline,
                attempts: 0,
                earlier: 0,
                key: None,
                since: due,
                lease: request.lease.clone(),
            };
            let event = Event::Lease(request.lease.clone());
            let (state, effect) = row
                .state
                .clone()
                .on(event, &due.terms(), now)
                .expect("it is pending and due");
            row.state = state;
            if let Effect::Attempt(number) = effect {
                due.attempts = number - 1;
                leased.due.push(due);
            }
        }
        Ok(leased)
    }

    async fn record(
        &self,
        _: &NodeId,
        settled: &[Settled],
        now: Timestamp,
    ) -> Result<Recorded, ToldToFail> {
        let mut rows = self.lock();
        if rows.failing_records > 0 {
            rows.failing_records -= 1;
            return Err(ToldToFail);
        }
        let mut recorded = Recorded::default();
        for settled in settled {
            if let Some(attempt) = &settled.attempt {
                rows.attempts
                    .entry(settled.id)
                    .or_default()
                    .push(attempt.clone());
            }
            let row = rows
                .deliveries
                .get_mut(&settled.id)
                .expect("it was enqueued");
            match &row.state {
                State::Leased { lease, .. } if *lease == settled.lease => {
                    row.state = settled.state.clone();
                }
                _ => recorded.stale.push(settled.id),
            }
            let endpoint = rows
                .endpoints
                .get_mut(&settled.id.endpoint)
                .expect("it was enqueued");
            if endpoint.state != EndpointState::Active {
                recorded.disabled.push(endpoint.id);
            }
            if let Some(report) = settled.report {
                let (health, disable) = endpoint.health.after(report, &HealthRules::default(), now);
                endpoint.health = health;
                if let Some(reason) = disable {
                    endpoint.state = EndpointState::Disabled { reason, at: now };
                    recorded.disabled.push(endpoint.id);
                }
            }
        }
        for row in rows
            .deliveries
            .iter_mut()
            .filter(|(id, _)| recorded.disabled.contains(&id.endpoint))
        {
            if let State::Pending { attempts, .. } = row.1.state {
                let reason = CancelReason::Disabled;
                row.1.state = State::Cancelled {
                    attempts,
                    at: now,
                    reason,
                };
            }
        }
        Ok(recorded)
    }
}
