//! Endpoints that have work, and since when: one seek for each, however long its backlog.

use jiff::Timestamp;
use loggia_delivery::EndpointId;

use crate::StorageError;
use crate::column::Reading;
use crate::sql::{self, Connection};

/// An endpoint that has pending deliveries, and when the first that may go out is due.
pub(super) struct Lane {
    pub(super) endpoint: EndpointId,
    pub(super) due: Timestamp,
}

/// The endpoints that have work, first due first.
///
/// Of one that wants order the first open delivery decides: what is behind one that waits for its
/// next attempt is not due, and what is behind one that somebody holds is no work. The limit is a computed
/// one, because SQLite plans the statement anew for each value of a bare `LIMIT $1`.
pub(super) async fn list(
    connection: &mut Connection,
    limit: usize,
    except: &[EndpointId],
) -> Result<Vec<Lane>, StorageError> {
    // One more than could be served, so that the first that is not is known.
    let limit = limit.saturating_add(except.len()).saturating_add(1);
    let rows = sql::query(
        "WITH RECURSIVE lane (endpoint) AS (
             SELECT (SELECT endpoint FROM delivery WHERE state = 'pending'
                     ORDER BY endpoint LIMIT 1)
             UNION ALL
             SELECT (SELECT d.endpoint FROM delivery d
                     WHERE d.state = 'pending' AND d.endpoint > lane.endpoint
                     ORDER BY d.endpoint LIMIT 1)
             FROM lane WHERE lane.endpoint IS NOT NULL
         ), first (endpoint, due) AS MATERIALIZED (
             SELECT endpoint, CASE
                 WHEN (SELECT 1 FROM delivery d WHERE d.in_order = 1
                         AND d.state IN ('pending', 'leased') AND d.endpoint = lane.endpoint
                         LIMIT 1) = 1
                 THEN (SELECT CASE WHEN d.state = 'pending' THEN d.due END
                     FROM delivery d
                     WHERE d.in_order = 1 AND d.state IN ('pending', 'leased')
                         AND d.endpoint = lane.endpoint
                     ORDER BY d.notification LIMIT 1)
                 ELSE (SELECT min(d.due) FROM delivery d
                     WHERE d.state = 'pending' AND d.endpoint = lane.endpoint)
                 END
             FROM lane WHERE endpoint IS NOT NULL
         )
         SELECT endpoint, due FROM first WHERE due IS NOT NULL ORDER BY due
         LIMIT CAST($1 AS BIGINT)",
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

/// When the first pending delivery is due that may go out and does not go to any of these.
pub(crate) async fn first_due(
    connection: &mut Connection,
    except: &[EndpointId],
) -> Result<Option<Timestamp>, StorageError> {
    let lanes = list(connection, 0, except).await?;
    Ok(lanes.first().map(|lane| lane.due))
}
