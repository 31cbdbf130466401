//! The store as the design has it, in memory: what it does is done at one moment, whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{
    CancelReason, DeliveryId, DisableReason, Due, Effect, Endpoint, EndpointId, EndpointState,
    Event, HealthRules, Lease, LeaseRequest, Leased, Life, NodeId, Notification, Recorded, Settled,
    State, Terms,
};

pub struct Store {
    pub alone: bool,
    pub endpoints: BTreeMap<EndpointId, Endpoint>,
    pub rows: BTreeMap<DeliveryId, Row>,
    lives: BTreeMap<String, Timestamp>,
}

pub struct Row {
    pub state: State,
    pub notification: Arc<Notification>,
    pub deadline: Timestamp,
    pub earlier: u32,
    pub replays: u32,
    since: Timestamp,
}

/// Twelve failures in a minute and an endpoint is disabled: within reach of a schedule.
const RULES: HealthRules = HealthRules {
    failures: 12,
    over: SignedDuration::from_secs(60),
};

impl Store {
    pub fn new(alone: bool, endpoints: impl IntoIterator<Item = Endpoint>) -> Self {
        let endpoints = endpoints.into_iter();
        Self {
            alone,
            endpoints: endpoints.map(|endpoint| (endpoint.id, endpoint)).collect(),
            rows: BTreeMap::new(),
            lives: BTreeMap::new(),
        }
    }

    /// Whether others leave alone what this node holds.
    pub fn lives(&self, node: &NodeId, truly: Timestamp) -> bool {
        self.alone
            || self
                .lives
                .get(node.as_str())
                .is_some_and(|until| *until > truly)
    }

    pub fn heartbeat(
        &mut self,
        node: &NodeId,
        lasts: SignedDuration,
        now: Timestamp,
        truly: Timestamp,
    ) -> Life {
        if self.alone {
            let (until, lapsed) = (Timestamp::MAX, false);
            return Life { until, lapsed };
        }
        let lapsed = !self.lives(node, truly);
        self.lives.insert(node.as_str().to_owned(), truly + lasts);
        Life {
            until: now + lasts,
            lapsed,
        }
    }

    pub fn void_leases(&mut self, node: &NodeId, now: Timestamp) -> u64 {
        self.free(|lease| lease.node == *node, now)
    }

    fn free(&mut self, is_free: impl Fn(&Lease) -> bool, now: Timestamp) -> u64 {
        let mut freed = 0;
        for (id, row) in &mut self.rows {
            if let State::Leased { lease, .. } = &row.state
                && is_free(lease)
            {
                step(&self.endpoints[&id.endpoint], row, Event::Release, now);
                row.since = now;
                freed += 1;
            }
        }
        freed
    }

    /// Enqueues for one endpoint; a delivery to attempt from memory, if the lease was of use.
    pub fn enqueue(
        &mut self,
        notification: &Arc<Notification>,
        endpoint: EndpointId,
        lease: Option<&Lease>,
        now: Timestamp,
    ) -> (DeliveryId, Option<Due>) {
        let (notification, endpoint) = (notification.clone(), &self.endpoints[&endpoint]);
        let id = DeliveryId {
            notification: notification.id,
            endpoint: endpoint.id,
        };
        let mut open = self
            .rows
            .iter()
            .filter(|(known, row)| known.endpoint == endpoint.id && row.state.is_open());
        let oldest = open.next().is_none();
        let mut row = Row {
            state: State::new(now),
            deadline: notification.deadline,
            notification,
            earlier: 0,
            replays: 0,
            since: now,
        };
        let mut due = None;
        match (endpoint.state, lease) {
            (EndpointState::Disabled { .. }, _) => {
                step(
                    endpoint,
                    &mut row,
                    Event::Cancel(CancelReason::Disabled),
                    now,
                );
            }
            (EndpointState::Active, Some(lease)) if oldest || !endpoint.in_order => {
                due = take(endpoint, id, &mut row, lease, now);
            }
            (EndpointState::Active, _) => {}
        }
        self.rows.insert(id, row);
        (id, due)
    }

    pub fn lease(&mut self, request: &LeaseRequest, now: Timestamp, truly: Timestamp) -> Leased {
        let own = &request.lease.node;
        let lives = self.lives.clone();
        let dead = |lease: &Lease| {
            let until = lives.get(lease.node.as_str());
            !self.alone && until.is_none_or(|until| *until <= truly)
        };
        let lapsed = |lease: &Lease| lease.node == *own && lease.until <= now;
        let free = self.rows.iter().filter_map(|(id, row)| match &row.state {
            State::Leased { lease, .. } if dead(lease) || lapsed(lease) => Some(*id),
            _ => None,
        });
        for id in free.collect::<Vec<_>>() {
            let row = self.rows.get_mut(&id).expect("it was just seen");
            step(&self.endpoints[&id.endpoint], row, Event::Release, now);
            row.since = now;
        }
        let mut leased = Leased::default();
        let endpoints: Vec<_> = self.endpoints.keys().copied().collect();
        for endpoint in endpoints {
            if !request.except.contains(&endpoint) {
                self.lease_of(endpoint, request, &mut leased, now);
            }
        }
        leased
    }

    fn lease_of(
        &mut self,
        endpoint: EndpointId,
        request: &LeaseRequest,
        leased: &mut Leased,
        now: Timestamp,
    ) {
        let endpoint = &self.endpoints[&endpoint];
        let mut taken = 0;
        let rows = self.rows.iter_mut();
        let rows = rows.filter(|(id, row)| id.endpoint == endpoint.id && row.state.is_open());
        for (id, row) in rows {
            let State::Pending { due, .. } = row.state else {
                if endpoint.in_order {
                    return;
                }
                continue;
            };
            if endpoint.state != EndpointState::Active {
                step(endpoint, row, Event::Cancel(CancelReason::Disabled), now);
                continue;
            }
            let full = leased.due.len() >= request.limit || taken >= request.per_endpoint;
            if due > now || full {
                let next = leased.next_due.map_or(due, |next| next.min(due));
                leased.next_due = Some(next);
                if endpoint.in_order {
                    return;
                }
                continue;
            }
            if let Some(due) = take(endpoint, *id, row, &request.lease, now) {
                leased.due.push(due);
                taken += 1;
            }
        }
    }

    /// Writes outcomes; which of them were stale, and which endpoints are disabled.
    pub fn record(&mut self, settled: &[Settled], now: Timestamp) -> Recorded {
        let mut recorded = Recorded::default();
        for settled in settled {
            let row = self.rows.get_mut(&settled.id).expect("it was enqueued");
            match &row.state {
                State::Leased { lease, .. } if *lease == settled.lease => {
                    row.state = settled.state.clone();
                    if let State::Pending { due, .. } = row.state {
                        row.since = due;
                    }
                }
                _ => recorded.stale.push(settled.id),
            }
            let id = settled.id.endpoint;
            let endpoint = self.endpoints.get_mut(&id).expect("it was there");
            let was_active = endpoint.state == EndpointState::Active;
            let mut disabled = !was_active;
            if let Some(report) = settled.report {
                let (health, disable) = endpoint.health.after(report, &RULES, now);
                endpoint.health = health;
                if let Some(reason) = disable
                    && was_active
                {
                    endpoint.state = EndpointState::Disabled { reason, at: now };
                    disabled = true;
                }
            }
            if disabled {
                recorded.disabled.push(id);
            }
        }
        for id in recorded.disabled.clone() {
            self.cancel_pending(id, now);
        }
        recorded
    }

    fn cancel_pending(&mut self, endpoint: EndpointId, now: Timestamp) {
        let endpoint = &self.endpoints[&endpoint];
        for (id, row) in &mut self.rows {
            if id.endpoint == endpoint.id && matches!(row.state, State::Pending { .. }) {
                step(endpoint, row, Event::Cancel(CancelReason::Disabled), now);
            }
        }
    }

    pub fn disable(&mut self, endpoint: EndpointId, now: Timestamp) {
        let row = self.endpoints.get_mut(&endpoint).expect("it was there");
        if row.state == EndpointState::Active {
            let reason = DisableReason::Owner;
            row.state = EndpointState::Disabled { reason, at: now };
        }
        self.cancel_pending(endpoint, now);
    }

    /// Whether it could be replayed.
    pub fn replay(&mut self, id: DeliveryId, deadline: Timestamp, now: Timestamp) -> bool {
        let row = self.rows.get_mut(&id).expect("it was enqueued");
        let made = row.state.attempts();
        if row.state.is_open() || self.endpoints[&id.endpoint].state != EndpointState::Active {
            return false;
        }
        step(
            &self.endpoints[&id.endpoint],
            row,
            Event::Replay { deadline },
            now,
        );
        row.earlier += made;
        row.deadline = deadline;
        row.replays += 1;
        row.since = now;
        true
    }

    /// Whether it could be cancelled.
    pub fn cancel(&mut self, id: DeliveryId, now: Timestamp) -> bool {
        let row = self.rows.get_mut(&id).expect("it was enqueued");
        let open = row.state.is_open();
        if open {
            let event = Event::Cancel(CancelReason::Owner);
            step(&self.endpoints[&id.endpoint], row, event, now);
        }
        open
    }
}

fn terms<'a>(endpoint: &'a Endpoint, row: &Row) -> Terms<'a> {
    Terms {
        schedule: &endpoint.profile.wire().schedule,
        deadline: row.deadline,
    }
}

fn step(endpoint: &Endpoint, row: &mut Row, event: Event, now: Timestamp) -> Effect {
    let moved = row.state.clone().on(event, &terms(endpoint, row), now);
    let (state, effect) = moved.expect("the store asks for moves that there are");
    row.state = state;
    effect
}

fn take(
    endpoint: &Endpoint,
    id: DeliveryId,
    row: &mut Row,
    lease: &Lease,
    now: Timestamp,
) -> Option<Due> {
    let attempts = row.state.attempts();
    let effect = step(endpoint, row, Event::Lease(lease.clone()), now);
    matches!(effect, Effect::Attempt(_)).then(|| Due {
        id,
        notification: row.notification.clone(),
        endpoint: Arc::new(endpoint.clone()),
        deadline: row.deadline,
        attempts,
        earlier: row.earlier,
        key: None,
        since: row.since,
        lease: lease.clone(),
    })
}
