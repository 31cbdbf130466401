//! One batch, computed: no store, no waiting.

use std::collections::HashMap;

use jiff::Timestamp;
use loggia_reducer::{MOST_STEPS, Room};
use loggia_storage::{Fold, KeptState, NewNotice, Parked, StoredEvent};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::projections::definition::Compiled;
use crate::projections::envelope::{self, Change};
use crate::projections::names;

/// Bytes of one state. A notification has it whole, and has to fit into a delivery.
const MOST_STATE: usize = 256 * 1024;
/// Bytes of notifications after which a batch ends.
const MOST_BODIES: usize = 8 * 1024 * 1024;
/// Steps of programs after which a batch ends: a second or so, since others wait for the thread.
const MOST_SPENT: u64 = 4 * MOST_STEPS;
/// Bytes of what a projection names by itself.
const MOST_KEY: usize = 512;

/// An event on its way into a state.
pub(super) struct Event {
    stored: StoredEvent,
    /// As programs see it.
    json: String,
    /// What it is folded into.
    pub(super) key: String,
}

/// An event as programs see it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Seen<'a> {
    id: &'a str,
    aggregate_id: &'a str,
    aggregate_type: &'a str,
    event_type: &'a str,
    version: i64,
    data: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    causation_id: Option<&'a str>,
    timestamp: Timestamp,
}

/// An event that cannot be folded, and why.
pub(super) type Stopped = Option<(StoredEvent, String)>;

/// What a batch begins with.
pub(super) struct Batch {
    /// The projection's id, as it is written.
    pub(super) projection: String,
    /// Its last notification.
    pub(super) sequence: i64,
    /// Whether it names by itself what events are folded into.
    pub(super) keyed: bool,
    /// The states of all that the events are folded into, as far as there are any.
    pub(super) states: HashMap<String, KeptState>,
    /// The position of the last event that was read, selected or not.
    pub(super) last: i64,
    /// When this is.
    pub(super) now: Timestamp,
}

impl Event {
    /// Folded into its aggregate, unless [`keys`] says otherwise.
    pub(super) fn new(stored: StoredEvent) -> serde_json::Result<Self> {
        let metadata = stored.metadata.as_deref();
        let seen = Seen {
            id: &names::event(stored.id),
            aggregate_id: &stored.aggregate,
            aggregate_type: &stored.aggregate_type,
            event_type: &stored.kind,
            version: stored.version,
            data: serde_json::from_str(&stored.data)?,
            metadata: metadata.map(serde_json::from_str).transpose()?,
            correlation_id: stored.correlation.as_deref(),
            causation_id: stored.causation.as_deref(),
            timestamp: stored.created_at,
        };
        Ok(Self {
            json: serde_json::to_string(&seen)?,
            key: stored.aggregate.clone(),
            stored,
        })
    }
}

/// Events with what they are folded into.
pub(super) struct Keyed {
    /// Those that are not skipped.
    pub(super) events: Vec<Event>,
    /// The first that cannot be named.
    pub(super) stopped: Stopped,
    /// The position of the last event that was looked at.
    pub(super) last: i64,
}

/// Names what each event is folded into; those that are skipped are left out. Ends before the first
/// that cannot be named.
pub(super) fn keys(compiled: &Compiled, events: Vec<Event>, last: i64, room: &Room) -> Keyed {
    let Some(program) = &compiled.key else {
        return Keyed {
            events,
            stopped: None,
            last,
        };
    };
    let mut keyed = Vec::with_capacity(events.len());
    for mut event in events {
        let position = event.stored.position;
        let given = program.run("null", &event.json, room);
        let given = given.map_err(|fault| format!("the key: {fault}"));
        match given.and_then(|given| read_key(given.as_ref().map(|given| given.json.as_str()))) {
            Ok(None) => {}
            Ok(Some(key)) => {
                event.key = key;
                keyed.push(event);
            }
            Err(error) => {
                return Keyed {
                    events: keyed,
                    stopped: Some((event.stored, error)),
                    last,
                };
            }
        }
        if room.spent() > MOST_SPENT {
            return Keyed {
                events: keyed,
                stopped: None,
                last: position,
            };
        }
    }
    Keyed {
        events: keyed,
        stopped: None,
        last,
    }
}

fn read_key(json: Option<&str>) -> Result<Option<String>, String> {
    let key: Option<String> = match json.map(serde_json::from_str) {
        None => return Ok(None),
        Some(Ok(key)) => key,
        Some(Err(_)) => return Err("the key is neither a text nor null".to_owned()),
    };
    match key {
        Some(key) if key.is_empty() || key.len() > MOST_KEY || key.contains('\0') => {
            Err(format!("the key is not 1 to {MOST_KEY} bytes without NUL"))
        }
        key => Ok(key),
    }
}

impl Batch {
    /// Folds the events in their order, and ends before the first that cannot be.
    pub(super) fn fold(
        mut self,
        compiled: &Compiled,
        events: Vec<Event>,
        stopped: Stopped,
        room: &Room,
    ) -> serde_json::Result<Fold> {
        let mut fold = Fold {
            cursor: self.last,
            states: Vec::new(),
            notices: Vec::new(),
            parked: None,
        };
        let mut touched: Vec<String> = Vec::new();
        let mut stopped = stopped;
        let mut bytes = 0;
        for event in events {
            let position = event.stored.position;
            match self.step(compiled, &event, room) {
                Ok(changed) => {
                    touched.push(event.key.clone());
                    if changed {
                        let notice = self.notice(&event, fold.notices.len())?;
                        bytes += notice.body.len();
                        fold.notices.push(notice);
                    }
                }
                Err(error) => {
                    stopped = Some((event.stored, error));
                    break;
                }
            }
            if bytes > MOST_BODIES || room.spent() > MOST_SPENT {
                fold.cursor = position;
                stopped = None;
                break;
            }
        }
        if let Some((event, error)) = stopped {
            fold.cursor = event.position - 1;
            fold.parked = Some(Parked {
                event: Some(event.id),
                error,
                at: self.now,
            });
        }
        touched.sort();
        touched.dedup();
        let states = touched.iter().filter_map(|key| self.states.remove(key));
        fold.states = states.collect();
        Ok(fold)
    }

    /// Folds one event; whether the state is another one by it.
    fn step(&mut self, compiled: &Compiled, event: &Event, room: &Room) -> Result<bool, String> {
        let state = self.states.get(&event.key);
        let json = state.map_or("null", |state| state.state.as_str());
        let given = compiled.reducer.run(json, &event.json, room);
        let given = given.map_err(|fault| fault.to_string())?;
        let given = given.filter(|given| given.is_new);
        let changed = given.is_some();
        let state = match given {
            Some(given) => given.json,
            None => json.to_owned(),
        };
        if changed {
            if state.len() > MOST_STATE {
                return Err(format!("the state has more than {MOST_STATE} bytes"));
            }
            if let Some(state_type) = &compiled.state_type {
                let checked = state_type.check(&state);
                checked.map_err(|error| format!("the state is not of its type: {error}"))?;
            }
        }
        let before = self.states.get(&event.key).map_or(0, |state| state.version);
        let version = match self.keyed {
            true => before + 1,
            // Its aggregate begins again at 1 when all events before it are swept; the state does not.
            false => event.stored.version.max(before + 1),
        };
        let kept = KeptState {
            key: event.key.clone(),
            version,
            state,
        };
        self.states.insert(event.key.clone(), kept);
        Ok(changed)
    }

    /// The notification of the state that an event has just changed.
    fn notice(&self, event: &Event, before: usize) -> serde_json::Result<NewNotice> {
        let state = &self.states[&event.key];
        let sequence = self.sequence + 1 + i64::try_from(before).unwrap_or(i64::MAX);
        let body = envelope::write(&Change {
            sequence,
            projection: &self.projection,
            aggregate: &event.key,
            aggregate_type: &event.stored.aggregate_type,
            version: state.version,
            state: &state.state,
            event: &names::event(event.stored.id),
            now: self.now,
        })?;
        Ok(NewNotice { sequence, body })
    }
}
