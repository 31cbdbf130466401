//! New deliveries as rows.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use loggia_delivery::{EndpointId, Notification, NotificationId, Recipient};

use crate::StorageError;
use crate::column::{Reading, millis};
use crate::delivery::{PENDING, StateColumns, WAS, read_id};
use crate::endpoint::Found;
use crate::enqueue::New;
use crate::sql::{Columns, Connection, Kind, Rows};

const DELIVERIES: Columns = &[
    ("notification", Kind::Blob),
    ("endpoint", Kind::Blob),
    ("state", Kind::Text),
    ("attempts", Kind::Integer),
    ("deadline", Kind::Integer),
    ("due", Kind::Integer),
    ("node", Kind::Text),
    ("ended_at", Kind::Integer),
    ("reason", Kind::Text),
    ("key", Kind::Text),
    ("topic", Kind::Text),
    ("created_at", Kind::Integer),
    ("in_order", Kind::Integer),
];

/// Inserts the deliveries; whose are new.
pub(super) async fn insert(
    connection: &mut Connection,
    notifications: &[NotificationId],
    deliveries: &[New<'_>],
    now: Timestamp,
) -> Result<HashSet<(NotificationId, EndpointId)>, StorageError> {
    let mut rows = Rows::new(DELIVERIES);
    for (notification, new) in notifications.iter().zip(deliveries) {
        let columns = StateColumns::of(&new.state);
        let in_order = matches!(&new.found, Found::Readable(endpoint) if endpoint.in_order);
        rows.push([
            notification.as_bytes()[..].into(),
            new.recipient.endpoint.as_bytes()[..].into(),
            columns.state.into(),
            columns.attempts.into(),
            millis(new.deadline).into(),
            columns.due.into(),
            columns.node.into(),
            columns.ended_at.into(),
            columns.reason.into(),
            new.recipient.key.as_deref().into(),
            new.recipient.topic.as_deref().into(),
            millis(now).into(),
            in_order.into(),
        ]);
    }
    let inserted = rows
        .fetch_all(
            connection,
            "INSERT INTO delivery
                 (notification, endpoint, state, attempts, deadline, due, node, ended_at, reason,
                  key, topic, created_at, in_order)
             SELECT r.notification, r.endpoint, r.state, r.attempts, r.deadline, r.due, r.node,
                 r.ended_at, r.reason, r.key, r.topic, r.created_at, r.in_order
             FROM r WHERE true
             ON CONFLICT (notification, endpoint) DO NOTHING
             RETURNING notification, endpoint",
        )
        .await
        .map_err(StorageError::doing("insert deliveries"))?;
    let read = |row| {
        let id = read_id(&Reading::new("delivery", "(new)", row))?;
        Ok((id.notification, id.endpoint))
    };
    inserted.iter().map(read).collect()
}

const TOPICS: Columns = &[
    ("notification", Kind::Blob),
    ("endpoint", Kind::Blob),
    ("topic", Kind::Text),
    ("at", Kind::Integer),
    WAS,
];

/// Cancels what waits with an older state of the same topics.
pub(super) async fn supersede(
    connection: &mut Connection,
    new: &[(&Arc<Notification>, New<'_>)],
    now: Timestamp,
) -> Result<(), StorageError> {
    let mut rows = Rows::new(TOPICS);
    for (notification, new) in new {
        let Recipient {
            endpoint, topic, ..
        } = new.recipient;
        if let Some(topic) = topic {
            rows.push([
                notification.id.as_bytes()[..].into(),
                endpoint.as_bytes()[..].into(),
                topic.into(),
                millis(now).into(),
                PENDING.into(),
            ]);
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    rows.execute(
        connection,
        "UPDATE delivery SET state = 'cancelled', due = NULL, ended_at = r.at, reason = 'superseded'
         FROM r WHERE delivery.endpoint = r.endpoint AND delivery.topic = r.topic
             AND delivery.notification < r.notification AND delivery.state = r.was",
    )
    .await
    .map_err(StorageError::doing("supersede deliveries"))?;
    Ok(())
}
