//! The rows of a batch of outcomes.

use std::collections::HashSet;

use jiff::Timestamp;
use loggia_delivery::{DeliveryId, NodeId, Outcome, Settled, State};

use crate::StorageError;
use crate::column::{Reading, millis};
use crate::delivery::{PENDING, StateColumns, WAS, read_id};
use crate::sql::{Columns, Connection, Kind, Rows};

const ATTEMPTS: Columns = &[
    ("notification", Kind::Blob),
    ("endpoint", Kind::Blob),
    ("number", Kind::Integer),
    ("started_at", Kind::Integer),
    ("duration_ms", Kind::Integer),
    ("status", Kind::Integer),
    ("fault", Kind::Text),
    ("retry_after", Kind::Text),
    ("excerpt", Kind::Blob),
    ("refused", Kind::Integer),
];

/// Writes the attempts, unless one is written already or its delivery is gone.
pub(super) async fn insert_attempts(
    connection: &mut Connection,
    settled: &[Settled],
) -> Result<(), StorageError> {
    let mut rows = Rows::new(ATTEMPTS);
    for (id, attempt) in settled
        .iter()
        .filter_map(|one| Some((one.id, one.attempt.as_ref()?)))
    {
        let (answer, fault) = match &attempt.outcome {
            Outcome::Answered(answer) => (Some(answer), None),
            Outcome::Failed(fault) => (None, Some(fault.as_str())),
        };
        rows.push([
            id.notification.as_bytes()[..].to_vec().into(),
            id.endpoint.as_bytes()[..].to_vec().into(),
            attempt.number.into(),
            millis(attempt.started).into(),
            i64::try_from(attempt.duration_ms)
                .unwrap_or(i64::MAX)
                .into(),
            answer.map(|answer| i64::from(answer.status)).into(),
            fault.into(),
            answer
                .and_then(|answer| answer.retry_after.as_deref())
                .into(),
            answer.map(|answer| &answer.body[..]).into(),
            attempt.refused.into(),
        ]);
    }
    rows.execute(
        connection,
        "INSERT INTO attempt (notification, endpoint, number, started_at, duration_ms,
             status, fault, retry_after, excerpt, refused)
         SELECT r.notification, r.endpoint, r.number, r.started_at, r.duration_ms,
             r.status, r.fault, r.retry_after, r.excerpt, r.refused
         FROM r WHERE EXISTS (SELECT 1 FROM delivery d
             WHERE d.notification = r.notification AND d.endpoint = r.endpoint)
         ON CONFLICT (notification, endpoint, number) DO NOTHING",
    )
    .await
    .map_err(StorageError::doing("write attempts"))?;
    Ok(())
}

const STATES: Columns = &[
    ("notification", Kind::Blob),
    ("endpoint", Kind::Blob),
    ("holder", Kind::Text),
    ("until", Kind::Integer),
    ("state", Kind::Text),
    ("attempts", Kind::Integer),
    ("due", Kind::Integer),
    ("node", Kind::Text),
    ("ended_at", Kind::Integer),
    ("reason", Kind::Text),
];

/// Writes the states of deliveries that `holder` holds under the very leases that they were settled
/// under; which those were. What has a holder is leased, until it is due; to ask for that as well would tempt a planner to look through all that is.
pub(super) async fn write_states(
    connection: &mut Connection,
    settled: &[Settled],
    holder: &NodeId,
) -> Result<HashSet<DeliveryId>, StorageError> {
    let mut rows = Rows::new(STATES);
    for one in settled {
        let columns = StateColumns::of(&one.state);
        rows.push([
            one.id.notification.as_bytes()[..].into(),
            one.id.endpoint.as_bytes()[..].into(),
            holder.as_str().into(),
            millis(one.lease.until).into(),
            columns.state.into(),
            columns.attempts.into(),
            columns.due.into(),
            columns.node.into(),
            columns.ended_at.into(),
            columns.reason.into(),
        ]);
    }
    let written = rows
        .fetch_all(
            connection,
            "UPDATE delivery SET state = r.state, attempts = r.attempts, due = r.due, node = r.node,
                 ended_at = r.ended_at, reason = r.reason
             FROM r WHERE delivery.notification = r.notification
                 AND delivery.endpoint = r.endpoint AND delivery.node = r.holder
                 AND delivery.due = r.until
             RETURNING delivery.notification, delivery.endpoint",
        )
        .await
        .map_err(StorageError::doing("write deliveries' states"))?;
    let read = |row| Ok(read_id(&Reading::new("delivery", "(written)", row))?);
    written.iter().map(read).collect()
}

const BACK: Columns = &[
    ("notification", Kind::Blob),
    ("endpoint", Kind::Blob),
    ("at", Kind::Integer),
    WAS,
];

/// Cancels what comes back with a state of a topic of which there is a newer one meanwhile.
pub(super) async fn supersede(
    connection: &mut Connection,
    settled: &[Settled],
    now: Timestamp,
) -> Result<(), StorageError> {
    let mut rows = Rows::new(BACK);
    for one in settled {
        if matches!(one.state, State::Pending { .. }) {
            rows.push([
                one.id.notification.as_bytes()[..].into(),
                one.id.endpoint.as_bytes()[..].into(),
                millis(now).into(),
                PENDING.into(),
            ]);
        }
    }
    rows.execute(
        connection,
        "UPDATE delivery SET state = 'cancelled', due = NULL, ended_at = r.at, reason = 'superseded'
         FROM r WHERE delivery.notification = r.notification AND delivery.endpoint = r.endpoint
             AND delivery.state = r.was AND delivery.topic IS NOT NULL
             AND EXISTS (SELECT 1 FROM delivery newer
                 WHERE newer.topic IS NOT NULL AND newer.endpoint = delivery.endpoint
                     AND newer.topic = delivery.topic
                     AND newer.notification > delivery.notification)",
    )
    .await
    .map_err(StorageError::doing("supersede deliveries"))?;
    Ok(())
}
