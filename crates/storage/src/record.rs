//! Writing outcomes: attempts, states and endpoint health change together.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::Timestamp;
use loggia_delivery::{
    Attempt, DeliveryId, DisableReason, EndpointId, Health, HealthRules, NodeId, Outcome, Recorded,
    Settled, State,
};
use sqlx::SqliteConnection;

use crate::column::millis;
use crate::delivery::StateColumns;
use crate::{StorageError, endpoint, webhook_health};

/// An endpoint that a batch touches.
struct Touched {
    health: Health,
    changed: bool,
    /// Not active before the batch, or disabled by it.
    disable: Option<DisableReason>,
}

pub(crate) async fn record(
    connection: &mut SqliteConnection,
    rules: &HealthRules,
    node: &NodeId,
    settled: &[Settled],
    now: Timestamp,
) -> Result<Recorded, StorageError> {
    let mut recorded = Recorded::default();
    let mut endpoints = BTreeMap::new();
    for settled in settled {
        if let Some(attempt) = &settled.attempt {
            insert_attempt(connection, settled.id, attempt).await?;
        }
        let columns = StateColumns::of(&settled.state);
        if !columns.write(connection, settled.id, node).await? {
            recorded.stale += 1;
        }
        touch(connection, &mut endpoints, settled, rules, now).await?;
    }
    for (id, touched) in endpoints {
        if touched.changed {
            endpoint::write_health(connection, id, &touched.health).await?;
            webhook_health::write(connection, id, &touched.health).await?;
        }
        if let Some(reason) = touched.disable {
            endpoint::disable(connection, id, reason, now).await?;
            recorded.disabled.push(id);
        }
    }
    Ok(recorded)
}

/// Moves the endpoint's health, in the order of the batch.
async fn touch(
    connection: &mut SqliteConnection,
    endpoints: &mut BTreeMap<EndpointId, Touched>,
    settled: &Settled,
    rules: &HealthRules,
    now: Timestamp,
) -> Result<(), StorageError> {
    if settled.report.is_none() && !matches!(settled.state, State::Pending { .. }) {
        return Ok(());
    }
    let id = settled.id.endpoint;
    let touched = match endpoints.entry(id) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(unknown) => {
            let Some(found) = find(connection, id).await? else {
                return Ok(());
            };
            unknown.insert(found)
        }
    };
    if let Some(report) = settled.report {
        let (health, disable) = touched.health.after(report, rules, now);
        touched.health = health;
        touched.changed = true;
        touched.disable = touched.disable.or(disable);
    }
    Ok(())
}

/// The endpoint as it stands. One whose health cannot be read begins anew, disabled: its row is no
/// reason to forget what happened to the others of a batch.
async fn find(
    connection: &mut SqliteConnection,
    id: EndpointId,
) -> Result<Option<Touched>, StorageError> {
    let (health, disable) = match endpoint::health(connection, id).await {
        Ok(None) => return Ok(None),
        Ok(Some((health, true))) => (health, None),
        // The reason that stands is kept; what came back to an inactive endpoint is cancelled.
        Ok(Some((health, false))) => (health, Some(DisableReason::Owner)),
        Err(StorageError::BadRow(bad)) => {
            let error = &bad as &dyn std::error::Error;
            tracing::error!(error, endpoint = %id, "an endpoint cannot be read and is disabled");
            (Health::default(), Some(DisableReason::Unreadable))
        }
        Err(error) => return Err(error),
    };
    Ok(Some(Touched {
        health,
        changed: false,
        disable,
    }))
}

/// Writes the attempt, unless it is written already or its delivery is gone.
async fn insert_attempt(
    connection: &mut SqliteConnection,
    id: DeliveryId,
    attempt: &Attempt,
) -> Result<(), StorageError> {
    let (answer, fault) = match &attempt.outcome {
        Outcome::Answered(answer) => (Some(answer), None),
        Outcome::Failed(fault) => (None, Some(fault.as_str())),
    };
    sqlx::query(
        "INSERT INTO attempt (notification, endpoint, number, started_at, duration_ms,
             status, fault, retry_after, excerpt)
         SELECT d.notification, d.endpoint, ?, ?, ?, ?, ?, ?, ?
         FROM delivery d WHERE d.notification = ? AND d.endpoint = ?
         ON CONFLICT (notification, endpoint, number) DO NOTHING",
    )
    .bind(attempt.number)
    .bind(millis(attempt.started))
    .bind(i64::try_from(attempt.duration_ms).unwrap_or(i64::MAX))
    .bind(answer.map(|answer| i64::from(answer.status)))
    .bind(fault)
    .bind(answer.and_then(|answer| answer.retry_after.as_deref()))
    .bind(answer.map(|answer| &answer.body[..]))
    .bind(&id.notification.as_bytes()[..])
    .bind(&id.endpoint.as_bytes()[..])
    .execute(connection)
    .await
    .map_err(StorageError::doing("write an attempt"))?;
    Ok(())
}
