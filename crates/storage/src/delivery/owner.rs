//! What an owner does with deliveries: replay what has ended, cancel what is open.

use std::collections::BTreeSet;

use jiff::Timestamp;
use loggia_delivery::DeliveryId;

use crate::announcement::{announce_due, announce_endpoint};
use crate::column::{Reading, millis};
use crate::delivery::read_id;
use crate::sql::{Columns, Kind, Row, Rows};
use crate::{Deliveries, StorageError, Write};

const MOVED: Columns = &[
    ("notification", Kind::Blob),
    ("endpoint", Kind::Blob),
    ("now", Kind::Integer),
    ("deadline", Kind::Integer),
];

impl Deliveries {
    /// Begins those of these deliveries anew that have ended, with all of their attempts and a new
    /// deadline; which those were. Their attempts are numbered on. After the commit, wake the
    /// engine. What goes to an endpoint that is disabled is left as it is.
    pub async fn replay(
        &self,
        tx: &mut Write,
        ids: &[DeliveryId],
        deadline: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<DeliveryId>, StorageError> {
        // Whoever replays past the deadline would only make an expired row of an ended one.
        if deadline <= now {
            return Ok(Vec::new());
        }
        let replayed = moved(ids, deadline, now)
            .fetch_all(
                tx.sql(),
                // An attempt that came back after a cancellation counts in the log alone.
                "UPDATE delivery SET state = 'pending',
                     earlier = CASE WHEN EXISTS (SELECT 1 FROM attempt a
                             WHERE a.notification = delivery.notification
                                 AND a.endpoint = delivery.endpoint
                                 AND a.number > delivery.earlier + delivery.attempts)
                         THEN (SELECT max(a.number) FROM attempt a
                             WHERE a.notification = delivery.notification
                                 AND a.endpoint = delivery.endpoint)
                         ELSE delivery.earlier + delivery.attempts END,
                     attempts = 0, due = r.now, node = NULL, ended_at = NULL, reason = NULL,
                     deadline = r.deadline, in_order = e.in_order
                 FROM r JOIN endpoint e ON e.id = r.endpoint
                 WHERE delivery.notification = r.notification AND delivery.endpoint = r.endpoint
                     AND delivery.state NOT IN ('pending', 'leased')
                     AND e.disabled_reason IS NULL
                 RETURNING delivery.notification, delivery.endpoint",
            )
            .await
            .map_err(StorageError::doing("replay deliveries"))?;
        if !replayed.is_empty() {
            announce_due(tx.sql()).await?;
        }
        read(&replayed)
    }

    /// Cancels those of these deliveries that are open, for their owner; which those were. An attempt
    /// that is under way is made and recorded, and changes nothing any more.
    pub async fn cancel(
        &self,
        tx: &mut Write,
        ids: &[DeliveryId],
        now: Timestamp,
    ) -> Result<Vec<DeliveryId>, StorageError> {
        let cancelled = moved(ids, now, now)
            .fetch_all(
                tx.sql(),
                "UPDATE delivery SET state = 'cancelled', due = NULL, node = NULL,
                     ended_at = r.now, reason = 'owner'
                 FROM r WHERE delivery.notification = r.notification
                     AND delivery.endpoint = r.endpoint
                     AND delivery.state IN ('pending', 'leased')
                 RETURNING delivery.notification, delivery.endpoint",
            )
            .await
            .map_err(StorageError::doing("cancel deliveries"))?;
        let cancelled = read(&cancelled)?;
        let endpoints: BTreeSet<_> = cancelled.iter().map(|id| id.endpoint).collect();
        for endpoint in endpoints {
            announce_endpoint(tx.sql(), endpoint).await?;
        }
        Ok(cancelled)
    }
}

fn moved(ids: &[DeliveryId], deadline: Timestamp, now: Timestamp) -> Rows<'_> {
    let mut rows = Rows::new(MOVED);
    for id in ids {
        rows.push([
            id.notification.as_bytes()[..].into(),
            id.endpoint.as_bytes()[..].into(),
            millis(now).into(),
            millis(deadline).into(),
        ]);
    }
    rows
}

fn read(rows: &[Row]) -> Result<Vec<DeliveryId>, StorageError> {
    let read = |row| Ok(read_id(&Reading::new("delivery", "(moved)", row))?);
    rows.iter().map(read).collect()
}
