//! Events between the wire and the store.

use jiff::Timestamp;
use loggia_api::dev::loggia::event::defs;
use loggia_storage::{NewEvent, StoredEvent};

use crate::projections::intake::Given;
use crate::projections::names;
use crate::view::datetime;

/// An event that can be appended, or what is wrong with it.
pub fn new_event(event: &defs::NewEvent, now: Timestamp) -> Result<NewEvent, String> {
    let given = Given {
        aggregate: event.aggregate_id.clone(),
        aggregate_type: event.aggregate_type.clone(),
        kind: event.event_type.clone(),
        data: &event.data,
        expected: event.expected_version,
        correlation: event.correlation_id.clone(),
        causation: event.causation_id.clone(),
        metadata: event.metadata.as_deref(),
    };
    given.check(now)
}

/// What an event has become.
pub fn appended(event: StoredEvent) -> defs::Appended {
    defs::Appended {
        id: names::event(event.id),
        aggregate_id: event.aggregate,
        aggregate_type: event.aggregate_type,
        version: event.version,
        timestamp: datetime(event.created_at),
        extra: Default::default(),
    }
}

/// An event of the history.
pub fn event(event: StoredEvent) -> defs::Event {
    defs::Event {
        id: names::event(event.id),
        aggregate_id: event.aggregate,
        aggregate_type: event.aggregate_type,
        event_type: event.kind,
        version: event.version,
        data: event.data,
        correlation_id: event.correlation,
        causation_id: event.causation,
        metadata: event.metadata,
        timestamp: datetime(event.created_at),
        extra: Default::default(),
    }
}

/// What to say of a version that was not the one expected.
pub fn conflict(place: usize, version: i64) -> String {
    format!("the aggregate of event {place} has version {version}")
}
