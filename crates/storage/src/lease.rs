//! Taking due work: a little of every endpoint that has some, so that no backlog hides another's.

use std::sync::Arc;

use jiff::Timestamp;
use loggia_delivery::{
    AbandonReason, DeliveryId, DisableReason, Due, Endpoint, EndpointId, EndpointState,
    LeaseRequest, Leased, NotificationId,
};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::column::{Reading, millis};
use crate::endpoint::Found;
use crate::{BadRow, Storage, StorageError, endpoint, enqueue};

/// At most so many lapsed leases are freed at a time.
const LAPSED: u32 = 1000;

/// An endpoint that has pending deliveries, and when the first of them is due.
struct Lane {
    endpoint: EndpointId,
    due: Timestamp,
}

pub(crate) async fn lease(
    storage: &Storage,
    request: &LeaseRequest,
    now: Timestamp,
) -> Result<Leased, StorageError> {
    let doing = StorageError::doing("look for due deliveries");
    let mut reader = storage.readers().acquire().await.map_err(doing)?;
    if any_lapsed(&mut reader, now).await? {
        free_lapsed(storage, now).await?;
    }
    let lanes = lanes(&mut reader, request.limit, &request.except).await?;
    drop(reader);
    let next_due = lanes.iter().map(|lane| lane.due).find(|due| *due > now);
    let due: Vec<Lane> = lanes.into_iter().filter(|lane| lane.due <= now).collect();
    if due.is_empty() {
        return Ok(Leased {
            due: Vec::new(),
            next_due,
        });
    }
    take(storage, request, &due, now).await
}

async fn take(
    storage: &Storage,
    request: &LeaseRequest,
    lanes: &[Lane],
    now: Timestamp,
) -> Result<Leased, StorageError> {
    let share = (request.limit / lanes.len()).clamp(1, request.per_endpoint.max(1));
    let mut taken = Vec::new();
    let mut tx = storage.begin().await?;
    for lane in lanes {
        let room = request.limit.saturating_sub(taken.len());
        if room == 0 {
            break;
        }
        let sealer = &storage.inner.sealer;
        let found = endpoint::find_or_disable(tx.sql(), sealer, lane.endpoint, now).await?;
        let Found::Readable(endpoint) = found else {
            continue;
        };
        if let EndpointState::Disabled { .. } = endpoint.state {
            // Cancels what is pending; the reason that stands is kept.
            endpoint::disable(tx.sql(), endpoint.id, DisableReason::Owner, now).await?;
            continue;
        }
        expire(tx.sql(), endpoint.id, now).await?;
        taken.extend(take_lane(tx.sql(), request, *endpoint, share.min(room), now).await?);
    }
    let next_due = first_due(tx.sql(), &request.except).await?;
    tx.commit().await?;
    Ok(Leased {
        due: taken,
        next_due,
    })
}

async fn take_lane(
    connection: &mut SqliteConnection,
    request: &LeaseRequest,
    endpoint: Endpoint,
    limit: usize,
    now: Timestamp,
) -> Result<Vec<Due>, StorageError> {
    let rows = sqlx::query(
        "SELECT n.*, d.attempts, d.deadline AS delivery_deadline
         FROM delivery d JOIN notification n ON n.id = d.notification
         WHERE d.state = 'pending' AND d.endpoint = ? AND d.due <= ?
         ORDER BY d.due LIMIT ?",
    )
    .bind(&endpoint.id.as_bytes()[..])
    .bind(millis(now))
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(&mut *connection)
    .await
    .map_err(StorageError::doing("read due deliveries"))?;
    let endpoint = Arc::new(endpoint);
    let mut taken = Vec::with_capacity(rows.len());
    for row in &rows {
        match read_due(row, &endpoint, request) {
            Ok(due) => {
                mark(connection, &due).await?;
                taken.push(due);
            }
            Err(bad) => abandon(connection, row, &bad, endpoint.id, now).await?,
        }
    }
    Ok(taken)
}

async fn mark(connection: &mut SqliteConnection, due: &Due) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE delivery SET state = 'leased', due = ?, node = ?
         WHERE notification = ? AND endpoint = ? AND state = 'pending'",
    )
    .bind(millis(due.lease.until))
    .bind(due.lease.node.as_str())
    .bind(&due.id.notification.as_bytes()[..])
    .bind(&due.id.endpoint.as_bytes()[..])
    .execute(connection)
    .await
    .map_err(StorageError::doing("lease a delivery"))?;
    Ok(())
}

/// Gives up a delivery that cannot be read, so that it does not keep the others from being taken.
async fn abandon(
    connection: &mut SqliteConnection,
    row: &SqliteRow,
    bad: &BadRow,
    endpoint: EndpointId,
    now: Timestamp,
) -> Result<(), StorageError> {
    log_abandoned(bad, endpoint);
    let notification: Vec<u8> = Reading::new("notification", "(unreadable)", row).get("id")?;
    sqlx::query(
        "UPDATE delivery SET state = 'abandoned', due = NULL, ended_at = ?, reason = ?
         WHERE notification = ? AND endpoint = ? AND state = 'pending'",
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

fn read_due(
    row: &SqliteRow,
    endpoint: &Arc<Endpoint>,
    request: &LeaseRequest,
) -> Result<Due, BadRow> {
    let unnamed = Reading::new("notification", "(unreadable)", row);
    let notification = unnamed.parse("id", NotificationId::from_slice)?;
    let id = DeliveryId {
        notification,
        endpoint: endpoint.id,
    };
    let reading = Reading::new("delivery", id, row);
    Ok(Due {
        id,
        notification: Arc::new(enqueue::read(row, notification)?),
        endpoint: endpoint.clone(),
        deadline: reading.time("delivery_deadline")?,
        attempts: reading.count("attempts")?,
        lease: request.lease.clone(),
    })
}

async fn expire(
    connection: &mut SqliteConnection,
    endpoint: EndpointId,
    now: Timestamp,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE delivery SET state = 'expired', due = NULL, ended_at = ?1
         WHERE state = 'pending' AND endpoint = ?2 AND due <= ?1 AND deadline <= ?1",
    )
    .bind(millis(now))
    .bind(&endpoint.as_bytes()[..])
    .execute(connection)
    .await
    .map_err(StorageError::doing("expire deliveries"))?;
    Ok(())
}

async fn any_lapsed(
    connection: &mut SqliteConnection,
    now: Timestamp,
) -> Result<bool, StorageError> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM delivery WHERE state = 'leased' AND due <= ?)")
        .bind(millis(now))
        .fetch_one(connection)
        .await
        .map_err(StorageError::doing("look for lapsed leases"))
}

async fn free_lapsed(storage: &Storage, now: Timestamp) -> Result<(), StorageError> {
    let mut tx = storage.begin().await?;
    let freed = sqlx::query(
        "UPDATE delivery SET state = 'pending', due = ?1, node = NULL
         WHERE (notification, endpoint) IN
             (SELECT notification, endpoint FROM delivery
              WHERE state = 'leased' AND due <= ?1 LIMIT ?2)",
    )
    .bind(millis(now))
    .bind(LAPSED)
    .execute(tx.sql())
    .await
    .map_err(StorageError::doing("free lapsed leases"))?;
    tx.commit().await?;
    tracing::warn!(
        deliveries = freed.rows_affected(),
        "leases lapsed, their deliveries go out again"
    );
    Ok(())
}

/// The endpoints that have work, first due first: one seek for each, however long its backlog.
async fn lanes(
    connection: &mut SqliteConnection,
    limit: usize,
    except: &[EndpointId],
) -> Result<Vec<Lane>, StorageError> {
    // One more than could be served, so that the first that is not is known.
    let limit = limit.saturating_add(except.len()).saturating_add(1);
    let rows = sqlx::query(
        "WITH RECURSIVE lane (endpoint) AS (
             SELECT min(endpoint) FROM delivery WHERE state = 'pending'
             UNION ALL
             SELECT (SELECT min(d.endpoint) FROM delivery d
                     WHERE d.state = 'pending' AND d.endpoint > lane.endpoint)
             FROM lane WHERE lane.endpoint IS NOT NULL
         )
         SELECT endpoint, (SELECT min(d.due) FROM delivery d
                 WHERE d.state = 'pending' AND d.endpoint = lane.endpoint) AS due
         FROM lane WHERE endpoint IS NOT NULL
         ORDER BY due LIMIT ?",
    )
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await
    .map_err(StorageError::doing("look for due deliveries"))?;
    let mut lanes = Vec::with_capacity(rows.len());
    for row in &rows {
        let reading = Reading::new("delivery", "(lane)", row);
        let endpoint = reading.parse("endpoint", EndpointId::from_slice)?;
        if !except.contains(&endpoint) {
            lanes.push(Lane {
                endpoint,
                due: reading.time("due")?,
            });
        }
    }
    Ok(lanes)
}

/// When the first pending delivery is due that does not go to any of these.
pub(crate) async fn first_due(
    connection: &mut SqliteConnection,
    except: &[EndpointId],
) -> Result<Option<Timestamp>, StorageError> {
    let lanes = lanes(connection, 0, except).await?;
    Ok(lanes.first().map(|lane| lane.due))
}
