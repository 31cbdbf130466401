//! A notification as it is sent: by webhook, stream and poll alike.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What every notification says that it is.
const TYPE: &str = "projection.state_changed";

/// The envelope of Hapnd's notifications, in the order of its fields.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope<'a> {
    r#type: &'a str,
    /// The number among the notifications of its projection.
    pub sequence: i64,
    /// Which projection.
    pub projection_id: &'a str,
    /// What it is the state of.
    pub aggregate_id: std::borrow::Cow<'a, str>,
    /// Its type.
    pub aggregate_type: std::borrow::Cow<'a, str>,
    /// Its version.
    pub version: i64,
    /// The whole state.
    #[serde(borrow)]
    pub state: &'a RawValue,
    /// The event that changed it.
    pub triggered_by: &'a str,
    /// When.
    pub timestamp: Timestamp,
}

/// What a notification says.
#[derive(Debug)]
pub struct Change<'a> {
    /// The number among the notifications of its projection.
    pub sequence: i64,
    /// Which projection.
    pub projection: &'a str,
    /// What it is the state of.
    pub aggregate: &'a str,
    /// Its type.
    pub aggregate_type: &'a str,
    /// Its version.
    pub version: i64,
    /// The whole state, JSON.
    pub state: &'a str,
    /// The event that changed it.
    pub event: &'a str,
    /// When.
    pub now: Timestamp,
}

/// Writes a notification.
///
/// # Errors
/// The state is no JSON.
pub fn write(change: &Change<'_>) -> serde_json::Result<String> {
    let now = change.now.as_millisecond();
    serde_json::to_string(&Envelope {
        r#type: TYPE,
        sequence: change.sequence,
        projection_id: change.projection,
        aggregate_id: change.aggregate.into(),
        aggregate_type: change.aggregate_type.into(),
        version: change.version,
        state: serde_json::from_str(change.state)?,
        triggered_by: change.event,
        timestamp: Timestamp::from_millisecond(now).unwrap_or(change.now),
    })
}

/// Reads what was written.
///
/// # Errors
/// It was not written by this.
pub fn read(body: &str) -> serde_json::Result<Envelope<'_>> {
    serde_json::from_str(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_is_as_receivers_know_it() {
        let change = Change {
            sequence: 1,
            projection: "proj_abc123",
            aggregate: "order_\"123",
            aggregate_type: "order",
            version: 5,
            state: r#"{"total":125.00,"items":["Widget"]}"#,
            event: "evt_xyz789",
            now: "2026-01-09T12:00:00Z".parse().expect("a time"),
        };
        let written = write(&change).expect("writes");
        let expected = r#"{"type":"projection.state_changed","sequence":1,"projectionId":"proj_abc123","aggregateId":"order_\"123","aggregateType":"order","version":5,"state":{"total":125.00,"items":["Widget"]},"triggeredBy":"evt_xyz789","timestamp":"2026-01-09T12:00:00Z"}"#;
        assert_eq!(written, expected);
        let read = read(&written).expect("reads");
        assert_eq!((read.sequence, &*read.aggregate_id), (1, "order_\"123"));
    }
}
