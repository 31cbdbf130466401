//! Taking the due deliveries of one endpoint.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use jiff::Timestamp;
use loggia_delivery::{
    AbandonReason, DeliveryId, Due, Endpoint, EndpointId, LeaseRequest, Notification,
    NotificationId,
};

use crate::column::{Reading, millis};
use crate::delivery::{PENDING, WAS};
use crate::sql::{self, Backend, Columns, Connection, Kind, Row, Rows};
use crate::{BadRow, StorageError, enqueue};

/// What was read already: a body that goes to many endpoints is in memory once.
pub(super) type Bodies = HashMap<NotificationId, Arc<Notification>>;

/// At most `limit` due deliveries of an endpoint; not leased yet, see [`mark`]. Those that cannot be
/// read are given up.
pub(super) async fn take(
    connection: &mut Connection,
    (request, endpoint, limit): (&LeaseRequest, &Arc<Endpoint>, usize),
    bodies: &mut Bodies,
    now: Timestamp,
) -> Result<Vec<Due>, StorageError> {
    let rows = if endpoint.in_order {
        in_line(connection, endpoint.id, limit, now).await?
    } else {
        due(connection, endpoint.id, limit, now).await?
    };
    let mut taken = Vec::with_capacity(rows.len());
    for row in &rows {
        match read(row, (request, endpoint), bodies) {
            Ok(due) => taken.push(due),
            Err(bad) => abandon(connection, row, &bad, endpoint.id, now).await?,
        }
    }
    Ok(taken)
}

/// What a [`Due`] is read from. SQLite plans a statement anew for each value of a bare `LIMIT $3`, and not
/// for one that is computed.
macro_rules! select_due {
    ($rest:literal) => {
        concat!(
            "SELECT n.*, d.attempts, d.earlier, d.key, d.due, d.state AS delivery_state,
                 d.node AS delivery_node, d.deadline AS delivery_deadline
             FROM delivery d JOIN notification n ON n.id = d.notification ",
            $rest
        )
    };
}

async fn due(
    connection: &mut Connection,
    endpoint: EndpointId,
    limit: usize,
    now: Timestamp,
) -> Result<Vec<Row>, StorageError> {
    let text = match connection.backend() {
        Backend::Sqlite => select_due!(
            "WHERE d.state = 'pending' AND d.endpoint = $1 AND d.due <= $2
             ORDER BY d.due LIMIT CAST($3 AS BIGINT)"
        ),
        Backend::Postgres => select_due!(
            "WHERE d.state = 'pending' AND d.endpoint = $1 AND d.due <= $2
             ORDER BY d.due LIMIT CAST($3 AS BIGINT) FOR UPDATE OF d SKIP LOCKED"
        ),
    };
    sql::query(text)
        .bind(&endpoint.as_bytes()[..])
        .bind(millis(now))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await
        .map_err(StorageError::doing("read due deliveries"))
}

/// The run of the oldest open deliveries of an endpoint that wants order. What somebody holds, this node
/// included, or what waits for its next attempt, ends it: how that goes is not on record yet.
async fn in_line(
    connection: &mut Connection,
    endpoint: EndpointId,
    limit: usize,
    now: Timestamp,
) -> Result<Vec<Row>, StorageError> {
    if !hold(connection, endpoint).await? {
        return Ok(Vec::new());
    }
    let rows = sql::query(select_due!(
        "WHERE d.in_order = 1 AND d.state IN ('pending', 'leased') AND d.endpoint = $1
         ORDER BY d.notification LIMIT CAST($2 AS BIGINT)"
    ))
    .bind(&endpoint.as_bytes()[..])
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(&mut *connection)
    .await
    .map_err(StorageError::doing("read due deliveries in order"))?;
    if rows.is_empty() {
        adopt(connection, endpoint).await?;
    }
    let mut run = Vec::with_capacity(rows.len());
    for row in rows {
        let reading = Reading::new("delivery", "(in order)", &row);
        let is_pending = reading.get::<&str>("delivery_state")? == "pending";
        if !is_pending || reading.get::<i64>("due")? > millis(now) {
            break;
        }
        run.push(row);
    }
    Ok(run)
}

/// Puts in line what was enqueued by somebody who did not know yet that the endpoint wants order: it
/// is taken the next time.
async fn adopt(connection: &mut Connection, endpoint: EndpointId) -> Result<(), StorageError> {
    sql::query(
        "UPDATE delivery SET in_order = 1
         WHERE state = 'pending' AND endpoint = $1 AND in_order = 0",
    )
    .bind(&endpoint.as_bytes()[..])
    .execute(connection)
    .await
    .map_err(StorageError::doing("put deliveries in order"))?;
    Ok(())
}

/// Whether nobody else is taking what is in line for this endpoint; nobody will before the
/// transaction ends.
async fn hold(connection: &mut Connection, endpoint: EndpointId) -> Result<bool, StorageError> {
    if connection.backend() == Backend::Sqlite {
        return Ok(true);
    }
    sql::query_scalar("SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))")
        .bind(format!("the line of {endpoint}"))
        .fetch_one(connection)
        .await
        .map_err(StorageError::doing("look whether a line is free"))
}

const LEASES: Columns = &[
    ("notification", Kind::Blob),
    ("endpoint", Kind::Blob),
    ("until", Kind::Integer),
    ("node", Kind::Text),
    WAS,
];

/// Leases what was taken.
pub(super) async fn mark(connection: &mut Connection, taken: &[Due]) -> Result<(), StorageError> {
    let mut rows = Rows::new(LEASES);
    for due in taken {
        rows.push([
            due.id.notification.as_bytes()[..].into(),
            due.id.endpoint.as_bytes()[..].into(),
            millis(due.lease.until).into(),
            due.lease.node.as_str().into(),
            PENDING.into(),
        ]);
    }
    rows.execute(
        connection,
        "UPDATE delivery SET state = 'leased', due = r.until, node = r.node
         FROM r WHERE delivery.notification = r.notification AND delivery.endpoint = r.endpoint
             AND delivery.state = r.was",
    )
    .await
    .map_err(StorageError::doing("lease deliveries"))?;
    Ok(())
}

/// Gives up a delivery that cannot be read, so that it does not keep the others from being taken.
async fn abandon(
    connection: &mut Connection,
    row: &Row,
    bad: &BadRow,
    endpoint: EndpointId,
    now: Timestamp,
) -> Result<(), StorageError> {
    log_abandoned(bad, endpoint);
    let notification: Vec<u8> = Reading::new("notification", "(unreadable)", row).get("id")?;
    sql::query(
        "UPDATE delivery SET state = 'abandoned', due = NULL, ended_at = $1, reason = $2
         WHERE notification = $3 AND endpoint = $4 AND state = 'pending'",
    )
    .bind(millis(now))
    .bind(AbandonReason::Unreadable.as_str())
    .bind(notification)
    .bind(&endpoint.as_bytes()[..])
    .execute(connection)
    .await
    .map_err(StorageError::doing("abandon an unreadable delivery"))?;
    Ok(())
}

/// Apart, because the borrowed cause must not live over an await.
fn log_abandoned(bad: &BadRow, endpoint: EndpointId) {
    let error = bad as &dyn std::error::Error;
    tracing::error!(error, %endpoint, "a delivery cannot be read and is abandoned");
}

fn read(
    row: &Row,
    (request, endpoint): (&LeaseRequest, &Arc<Endpoint>),
    bodies: &mut Bodies,
) -> Result<Due, BadRow> {
    let unnamed = Reading::new("notification", "(unreadable)", row);
    let notification = unnamed.parse("id", NotificationId::from_slice)?;
    let id = DeliveryId {
        notification,
        endpoint: endpoint.id,
    };
    let reading = Reading::new("delivery", id, row);
    let notification = match bodies.entry(notification) {
        Entry::Occupied(known) => known.get().clone(),
        Entry::Vacant(place) => {
            let read = enqueue::read(row, notification)?;
            place.insert(Arc::new(read)).clone()
        }
    };
    Ok(Due {
        id,
        notification,
        endpoint: endpoint.clone(),
        deadline: reading.time("delivery_deadline")?,
        attempts: reading.count("attempts")?,
        earlier: reading.count("earlier")?,
        key: reading.get("key")?,
        since: reading.time("due")?,
        lease: request.lease.clone(),
    })
}
