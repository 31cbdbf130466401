//! How endpoints are doing: read and written for a whole batch of outcomes.

use std::collections::HashMap;

use loggia_delivery::{EndpointId, Health};

use crate::column::{Reading, millis};
use crate::endpoint::{IDS, row};
use crate::sql::{Backend, Columns, Connection, Kind, Rows};
use crate::{BadRow, StorageError};

/// The health of an endpoint and whether it is active, or that its row cannot be read.
pub(crate) type HealthOf = Result<(Health, bool), BadRow>;

/// The health of these endpoints, without their secrets. Nobody else moves it until the transaction
/// ends. Those that are not there are missing.
pub(crate) async fn hold_health(
    connection: &mut Connection,
    ids: impl Iterator<Item = EndpointId>,
) -> Result<HashMap<EndpointId, HealthOf>, StorageError> {
    let ids: Vec<_> = ids.collect();
    let mut wanted = Rows::new(IDS);
    for id in &ids {
        wanted.push([id.as_bytes()[..].into()]);
    }
    let text = match connection.backend() {
        Backend::Sqlite => {
            "SELECT e.id, e.consecutive_failures, e.failing_since, e.last_success, e.disabled_reason
             FROM r JOIN endpoint e ON e.id = r.id"
        }
        // In the order of the ids, so that no two batches wait for each other.
        Backend::Postgres => {
            "SELECT e.id, e.consecutive_failures, e.failing_since, e.last_success, e.disabled_reason
             FROM endpoint e WHERE e.id IN (SELECT r.id FROM r)
             ORDER BY e.id FOR NO KEY UPDATE"
        }
    };
    let rows = wanted
        .fetch_all(connection, text)
        .await
        .map_err(StorageError::doing("read endpoints' health"))?;
    let mut found = HashMap::with_capacity(rows.len());
    for found_row in &rows {
        let id = row::id(found_row)?;
        let reading = Reading::new("endpoint", id, found_row);
        found.insert(id, read(&reading));
    }
    Ok(found)
}

fn read(reading: &Reading<'_>) -> HealthOf {
    let active = reading.get::<Option<&str>>("disabled_reason")?.is_none();
    Ok((row::read_health(reading)?, active))
}

const HEALTH: Columns = &[
    ("id", Kind::Blob),
    ("failures", Kind::Integer),
    ("since", Kind::Integer),
    ("success", Kind::Integer),
];

/// Writes the health of endpoints, and shows it to the owners of those that are webhooks.
pub(crate) async fn write_health(
    connection: &mut Connection,
    healths: impl Iterator<Item = (EndpointId, Health)>,
) -> Result<(), StorageError> {
    let healths: Vec<_> = healths.collect();
    for text in [
        "UPDATE endpoint SET consecutive_failures = r.failures, failing_since = r.since,
             last_success = r.success
         FROM r WHERE endpoint.id = r.id",
        // A webhook has the id of its endpoint.
        "UPDATE webhook SET last_triggered = r.success, error_count = r.failures
         FROM r WHERE webhook.id = r.id",
    ] {
        let mut rows = Rows::new(HEALTH);
        for (id, health) in &healths {
            rows.push([
                id.as_bytes()[..].into(),
                health.consecutive_failures.into(),
                health.failing_since.map(millis).into(),
                health.last_success.map(millis).into(),
            ]);
        }
        rows.execute(connection, text)
            .await
            .map_err(StorageError::doing("write endpoints' health"))?;
    }
    Ok(())
}
