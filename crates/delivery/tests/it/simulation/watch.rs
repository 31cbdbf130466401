//! What must hold at every moment, whatever happens.

use std::collections::{BTreeMap, HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{
    AbandonReason, CancelReason, DeliveryId, EndpointId, Lease, NodeId, Profile, Settled, State,
    Verdict,
};

use super::plan::Plan;
use super::store::{Row, Store};

/// Who makes an attempt, as the watch sees it.
pub struct Start<'a> {
    pub id: DeliveryId,
    pub place: usize,
    pub node: &'a NodeId,
    /// The node's own time, and until when it stood still last.
    pub now: Timestamp,
    pub paused_until: Timestamp,
}

/// An attempt that is under way.
struct Flight {
    id: DeliveryId,
    node: NodeId,
    host: usize,
}

/// What is known of a delivery beside its row.
#[derive(Default)]
struct Track {
    /// In the log.
    last_number: u32,
    successes: u32,
    /// The last answer ended it.
    ended: bool,
    /// True time, by the `Retry-After` of its last answer.
    asked: Option<Timestamp>,
    /// The same, once that is on record.
    not_before: Option<Timestamp>,
    /// When its owner last reached into it.
    touched: Option<Timestamp>,
    permanent: bool,
    gone: bool,
}

pub struct Watch {
    plan: Plan,
    flights: BTreeMap<u64, Flight>,
    begun: u64,
    tracks: HashMap<DeliveryId, Track>,
    starts: HashMap<(String, EndpointId), VecDeque<Timestamp>>,
    disabled: HashMap<EndpointId, Timestamp>,
    last_jump: Timestamp,
    /// Whether what happens is to be shown if a rule is broken.
    told: bool,
    log: VecDeque<String>,
    broken: Option<String>,
}

/// A delivery as the log shows it: the number of its notification, and its endpoint's.
pub fn short(id: &DeliveryId) -> String {
    let last = |bytes: &[u8; 16]| bytes[15];
    let (told, place) = (
        last(id.notification.as_bytes()),
        last(id.endpoint.as_bytes()),
    );
    format!("d{told}/e{}", place.saturating_sub(1))
}

/// So many lines of what happened last are shown.
const SHOWN: usize = 120;

impl Watch {
    pub fn new(plan: Plan, told: bool) -> Self {
        Self {
            plan,
            flights: BTreeMap::new(),
            begun: 0,
            tracks: HashMap::new(),
            starts: HashMap::new(),
            disabled: HashMap::new(),
            last_jump: Timestamp::MIN,
            told,
            log: VecDeque::new(),
            broken: None,
        }
    }

    pub fn say(&mut self, truly: Timestamp, line: impl FnOnce() -> String) {
        if !self.told || self.broken.is_some() {
            return;
        }
        let second = truly.duration_since(crate::world::START).as_secs_f64();
        self.log.push_back(format!("{second:9.3} {}", line()));
        if self.log.len() > SHOWN {
            self.log.pop_front();
        }
    }

    fn check(&mut self, holds: bool, rule: impl FnOnce() -> String) {
        if !holds && self.broken.is_none() {
            self.broken = Some(rule());
        }
    }

    /// Which rule was broken first, if any, with what led to it.
    pub fn broken(&self) -> Option<String> {
        let rule = self.broken.as_ref()?;
        let log: Vec<_> = self.log.iter().map(String::as_str).collect();
        Some(format!("{rule}\n{}\n{}", self.plan, log.join("\n")))
    }

    pub fn jumped(&mut self, truly: Timestamp) {
        self.last_jump = truly;
    }

    pub fn touched(&mut self, id: DeliveryId, truly: Timestamp) {
        let track = self.tracks.entry(id).or_default();
        track.touched = Some(truly);
        track.not_before = None;
        track.ended = false;
    }

    pub fn disabled(&mut self, endpoint: EndpointId, truly: Timestamp) {
        self.disabled.entry(endpoint).or_insert(truly);
    }

    pub fn enabled(&mut self, endpoint: EndpointId) {
        self.disabled.remove(&endpoint);
    }

    /// An attempt begins.
    pub fn start(&mut self, store: &Store, start: &Start<'_>, truly: Timestamp) -> u64 {
        let id = start.id;
        self.say(truly, || {
            format!("{} attempts {}", start.node.as_str(), short(&id))
        });
        self.check_holders(store, start, truly);
        self.check_caps(start);
        self.check_rate(start, truly);
        self.check_order(store, start, truly);
        self.check_times(store, start, truly);
        self.begun += 1;
        let flight = Flight {
            id,
            node: start.node.clone(),
            host: self.plan.endpoints[start.place].host,
        };
        self.flights.insert(self.begun, flight);
        self.begun
    }

    /// Whether an attempt was signed with the current secret or the one before.
    pub fn verified(&mut self, id: DeliveryId, holds: bool) {
        self.check(holds, || {
            format!("{} is signed with an old secret", short(&id))
        });
    }

    pub fn end(&mut self, flight: u64) {
        self.flights.remove(&flight);
    }

    fn check_holders(&mut self, store: &Store, start: &Start<'_>, truly: Timestamp) {
        let recently = truly - SignedDuration::from_secs(15);
        let touched = self.tracks.get(&start.id).and_then(|track| track.touched);
        let flights = self.flights.values();
        let others = flights.filter(|flight| flight.id == start.id);
        let live = others
            .filter(|flight| store.lives(&flight.node, truly))
            .count();
        let excused = touched.is_some_and(|touched| touched > recently);
        self.check(live == 0 || excused, || {
            format!("two live holders of {}", short(&start.id))
        });
    }

    fn check_caps(&mut self, start: &Start<'_>) {
        let host = self.plan.endpoints[start.place].host;
        let limits = &self.plan.limits;
        let own = || {
            self.flights
                .values()
                .filter(|flight| flight.node == *start.node)
        };
        let of_endpoint = own().filter(|flight| flight.id.endpoint == start.id.endpoint);
        let counts = [
            (own().count(), limits.in_flight),
            (of_endpoint.count(), limits.per_endpoint),
            (
                own().filter(|flight| flight.host == host).count(),
                limits.per_host,
            ),
        ];
        let holds = counts.iter().all(|(count, most)| count < most);
        self.check(holds, || format!("a cap is exceeded: {counts:?}"));
    }

    fn check_rate(&mut self, start: &Start<'_>, truly: Timestamp) {
        let second = SignedDuration::from_secs(1);
        let Some(rate) = self.plan.endpoints[start.place].per_second else {
            return;
        };
        let rate = usize::try_from(rate.get()).expect("small");
        let key = (start.node.as_str().to_owned(), start.id.endpoint);
        let starts = self.starts.entry(key).or_default();
        starts.push_back(truly);
        starts.retain(|start| truly.duration_since(*start) < second);
        let (count, jumped) = (starts.len(), self.last_jump + second > truly);
        self.check(count <= rate || jumped, || {
            format!("{count} attempts within a second, allowed are {rate}")
        });
    }

    fn check_order(&mut self, store: &Store, start: &Start<'_>, truly: Timestamp) {
        let id = start.id;
        if !self.plan.endpoints[start.place].in_order || store.rows[&id].replays > 0 {
            return;
        }
        let flights = self.flights.values();
        let beside = flights.filter(|flight| flight.id.endpoint == id.endpoint);
        let beside = beside
            .filter(|flight| store.lives(&flight.node, truly))
            .count();
        self.check(beside == 0, || format!("{} is not alone", short(&id)));
        let earlier = store.rows.iter().filter(|(other, row)| {
            other.endpoint == id.endpoint
                && other.notification < id.notification
                && row.state.is_open()
                && row.replays == 0
                && !self.tracks.get(other).is_some_and(|track| track.ended)
                && !self.is_over(start, row)
        });
        let earlier: Vec<_> = earlier.map(|(other, _)| *other).collect();
        let holds = earlier.is_empty();
        self.check(holds, || {
            format!("{} overtakes {}", short(&id), short(&earlier[0]))
        });
    }

    /// Whether its holder may have given a delivery up with its last answer, without that being on
    /// record yet: it was the last attempt, or the next would be past the deadline.
    fn is_over(&self, start: &Start<'_>, row: &Row) -> bool {
        let profile = self.plan.endpoints[start.place].profile;
        let (attempts, longest) = match profile {
            Profile::Stream => (3, 60),
            Profile::Wisp => (self.plan.limits.wisp_attempts.unwrap_or(3), 300),
            Profile::Wisp2 => (self.plan.limits.wisp_attempts.unwrap_or(12), 300),
            Profile::Bettermode => (5, 1800),
            _ => (100, 3600),
        };
        // No receiver asks for more than a hundred seconds.
        let latest = start.now + SignedDuration::from_secs(longest.max(100));
        row.state.attempts() + 1 >= attempts || latest >= row.deadline
    }

    fn check_times(&mut self, store: &Store, start: &Start<'_>, truly: Timestamp) {
        let id = start.id;
        let deadline = store.rows[&id].deadline;
        self.check(start.now < deadline, || {
            format!("{} is past its deadline", short(&id))
        });
        let track = self.tracks.entry(id).or_default();
        if let Some(not_before) = track.not_before.take() {
            let jumped = self.last_jump > not_before - SignedDuration::from_hours(1);
            self.check(truly >= not_before || jumped, || {
                format!(
                    "{} goes out before its receiver wants to be asked again",
                    short(&id)
                )
            });
        }
        if let Some(&since) = self.disabled.get(&id.endpoint) {
            let known = since + SignedDuration::from_secs(1);
            let slept = start.paused_until >= since;
            self.check(truly <= known || slept, || {
                format!("{} goes to a disabled endpoint", short(&id))
            });
        }
    }

    /// A receiver has answered, or the attempt failed otherwise.
    pub fn answered(&mut self, id: DeliveryId, verdict: Verdict, truly: Timestamp) {
        let asked = match verdict {
            Verdict::Transient(asked) => asked,
            _ => None,
        };
        self.say(truly, || format!("{}: {verdict:?}", short(&id)));
        let track = self.tracks.entry(id).or_default();
        track.successes += u32::from(verdict == Verdict::Success);
        track.ended = !matches!(verdict, Verdict::Transient(_));
        track.asked = asked.map(|asked| asked.time(truly));
        track.permanent |= verdict == Verdict::Permanent;
        track.gone |= verdict == Verdict::Gone;
    }

    /// An outcome is on disk.
    pub fn recorded(&mut self, settled: &Settled, truly: Timestamp) {
        self.say(truly, || {
            format!("{} is {:?}", short(&settled.id), settled.state)
        });
        let Some(attempt) = &settled.attempt else {
            return;
        };
        let track = self.tracks.entry(settled.id).or_default();
        let (last, number) = (track.last_number, attempt.number);
        track.last_number = number;
        if let State::Pending { .. } = settled.state {
            track.not_before = track.asked.take();
        }
        self.check(number > last, || {
            format!(
                "attempt {number} of {} comes after {last}",
                short(&settled.id)
            )
        });
    }

    /// Nothing that is due waits for long once there is no more trouble.
    pub fn check_age(&mut self, store: &Store, truly: Timestamp) {
        // The longest pause between probes, clocks that are ten minutes off either way, a moment.
        let longest = SignedDuration::from_secs(300 + 1200 + 200);
        for (id, row) in store.rows.iter().filter(|(_, row)| row.state.is_open()) {
            if store.endpoints[&id.endpoint].in_order {
                // It may have been due for as long as the one before it waited.
                continue;
            }
            let (State::Pending { due: since, .. }
            | State::Leased {
                lease: Lease { until: since, .. },
                ..
            }) = row.state
            else {
                continue;
            };
            let age = truly.duration_since(since);
            self.check(age < longest, || {
                format!("{} has been due for {age:#}", short(id))
            });
        }
    }

    /// Everything has come to rest.
    pub fn finish(&mut self, store: &Store, quiet: bool) {
        for (id, row) in &store.rows {
            let track = self.tracks.entry(*id).or_default();
            let (successes, permanent, gone) = (track.successes, track.permanent, track.gone);
            let touched = track.touched.is_some();
            let holds = match row.state {
                State::Pending { .. } | State::Leased { .. } => false,
                State::Delivered { .. } => successes > 0,
                State::Expired { at, .. } => at + SignedDuration::from_hours(1) >= row.deadline,
                State::Abandoned { reason, .. } => reason != AbandonReason::Permanent || permanent,
                State::Cancelled { reason, .. } => match reason {
                    CancelReason::Gone => gone,
                    CancelReason::Owner => touched,
                    _ => true,
                },
            };
            self.check(holds, || format!("{} ended as {:?}", short(id), row.state));
            let once = !quiet || successes <= 1 || touched;
            self.check(once, || {
                format!("{} arrived {successes} times for no reason", short(id))
            });
        }
    }
}
