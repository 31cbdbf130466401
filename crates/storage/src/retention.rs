//! What becomes of deliveries after they ended: they are read for the archive, then removed.

use std::collections::BTreeSet;

use jiff::Timestamp;
use loggia_delivery::{Attempt, DeliveryId, EndpointId, Notification, NotificationId, Profile};
use loggia_syntax::Did;

use crate::column::{Reading, millis};
use crate::error::Tries;
use crate::sql::{Columns, Connection, Kind, Row, Rows, query};
use crate::{BadRow, Deliveries, Endpoints, StorageError, enqueue};

/// The states that count as over once they are old enough, and whether they are dead letters.
const ENDED: [(&str, bool); 4] = [
    ("delivered", false),
    ("cancelled", false),
    ("abandoned", true),
    ("expired", true),
];

/// How long ago a delivery must have ended to be swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedBefore {
    /// Delivered and cancelled ones.
    pub delivered: Timestamp,
    /// Dead letters: abandoned and expired ones.
    pub dead_letters: Timestamp,
}

/// A delivery that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Which delivery.
    pub id: DeliveryId,
    /// When it ended, in milliseconds since 1970; a replay changes that.
    at: i64,
}

/// Everything that is known of a delivery that is over.
#[derive(Clone, Debug)]
pub struct Retired {
    /// What was said.
    pub notification: Notification,
    /// To which endpoint.
    pub endpoint: EndpointId,
    /// Whose that is.
    pub owner: Did,
    /// How it ended: the name of its state.
    pub state: &'static str,
    /// Why, if that needed a reason.
    pub reason: Option<String>,
    /// When.
    pub ended_at: Timestamp,
    /// Until when it interested its receiver.
    pub deadline: Timestamp,
    /// Every attempt, first to last.
    pub attempts: Vec<Attempt>,
}

impl Deliveries {
    /// Deliveries that ended long enough ago, at most so many; none if there are no more.
    pub async fn ended(
        &self,
        before: &EndedBefore,
        limit: u32,
    ) -> Result<Vec<Ended>, StorageError> {
        for (state, dead) in ENDED {
            let before = if dead {
                before.dead_letters
            } else {
                before.delivered
            };
            let rows = query(
                "SELECT notification, endpoint, ended_at FROM delivery
                 WHERE state = $1 AND ended_at < $2 ORDER BY ended_at LIMIT $3",
            )
            .bind(state)
            .bind(millis(before))
            .bind(limit)
            .fetch_all(self.storage.readers())
            .await
            .map_err(StorageError::doing("look for deliveries that are over"))?;
            if !rows.is_empty() {
                return Ok(rows.iter().map(read_ended).collect::<Result<_, _>>()?);
            }
        }
        Ok(Vec::new())
    }

    /// Everything that is known of a delivery; none if it is no longer there, or no longer over.
    pub async fn retired(&self, ended: &Ended) -> Result<Option<Retired>, StorageError> {
        let row = query(
            "SELECT n.*, d.state, d.reason, d.ended_at, d.deadline AS delivery_deadline, e.owner
             FROM delivery d
             JOIN notification n ON n.id = d.notification
             JOIN endpoint e ON e.id = d.endpoint
             WHERE d.notification = $1 AND d.endpoint = $2 AND d.ended_at = $3",
        )
        .bind(&ended.id.notification.as_bytes()[..])
        .bind(&ended.id.endpoint.as_bytes()[..])
        .bind(ended.at)
        .fetch_optional(self.storage.readers())
        .await
        .map_err(StorageError::doing("read a delivery that is over"))?;
        let Some(row) = row else {
            return Ok(None);
        };
        let attempts = self.attempts(ended.id).await?;
        Ok(Some(read(&row, ended.id, attempts)?))
    }

    /// Removes those of these deliveries that are still over as they were, with their attempts; then
    /// the notifications that nothing refers to any more. How many deliveries those were.
    pub async fn remove(&self, ended: &[Ended]) -> Result<u64, StorageError> {
        let mut tries = Tries::default();
        loop {
            let removed = self.remove_once(ended).await;
            if !tries.again(&removed) {
                return removed;
            }
        }
    }

    async fn remove_once(&self, ended: &[Ended]) -> Result<u64, StorageError> {
        let mut tx = self.storage.begin().await?;
        let mut rows = Rows::new(OVER);
        for Ended { id, at } in ended {
            rows.push([
                id.notification.as_bytes()[..].into(),
                id.endpoint.as_bytes()[..].into(),
                (*at).into(),
            ]);
        }
        let removed = rows
            .execute(
                tx.sql(),
                "DELETE FROM delivery WHERE (notification, endpoint, ended_at) IN
                     (SELECT notification, endpoint, ended_at FROM r)",
            )
            .await
            .map_err(StorageError::doing("remove deliveries"))?;
        let notifications: BTreeSet<_> = ended.iter().map(|ended| ended.id.notification).collect();
        remove_unused(tx.sql(), &notifications).await?;
        tx.commit().await?;
        Ok(removed)
    }

    /// Endpoints of a profile with more deliveries that are over than these, at most so many.
    pub async fn crowded(
        &self,
        profile: Profile,
        most: u32,
        limit: u32,
    ) -> Result<Vec<EndpointId>, StorageError> {
        let rows = query(
            "SELECT d.endpoint FROM endpoint e JOIN delivery d ON d.endpoint = e.id
             WHERE e.profile = $1 AND d.ended_at IS NOT NULL
             GROUP BY d.endpoint HAVING count(*) > $2 LIMIT $3",
        )
        .bind(profile.as_str())
        .bind(most)
        .bind(limit)
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("look for endpoints with long records"))?;
        let read = |row| {
            let reading = Reading::new("delivery", "(crowded)", row);
            reading.parse("endpoint", EndpointId::from_slice)
        };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// Deliveries to an endpoint that are over and older than its newest `most`, at most `limit`; but
    /// none that ended after the given time.
    pub async fn beyond_newest(
        &self,
        endpoint: EndpointId,
        most: u32,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<Ended>, StorageError> {
        let rows = query(
            "SELECT notification, endpoint, ended_at FROM delivery
             WHERE endpoint = $1 AND ended_at < $2 AND notification <
                 (SELECT notification FROM delivery
                  WHERE endpoint = $1 AND ended_at IS NOT NULL
                  ORDER BY notification DESC LIMIT 1 OFFSET $3)
             ORDER BY notification LIMIT $4",
        )
        .bind(&endpoint.as_bytes()[..])
        .bind(millis(before))
        .bind(most.saturating_sub(1))
        .bind(limit)
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("look for the end of a long record"))?;
        Ok(rows.iter().map(read_ended).collect::<Result<_, _>>()?)
    }
}

impl Endpoints {
    /// Removes at most so many endpoints that are of no use any more, made before the given time and
    /// without any delivery left: those of registrations that are gone, and those that were deleted.
    /// How many those were.
    pub async fn sweep(&self, created_before: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let mut tries = Tries::default();
        loop {
            let swept = self.sweep_once(created_before, limit).await;
            if !tries.again(&swept) {
                return swept;
            }
        }
    }

    async fn sweep_once(&self, created_before: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let mut tx = self.storage.begin().await?;
        let swept = query(
            "DELETE FROM endpoint WHERE id IN
                 (SELECT id FROM endpoint e
                  WHERE (e.disabled_reason = 'deleted'
                         OR e.managed = 0 AND e.profile IN ('space-webhook', 'space-protocol'))
                      AND e.created_at < $1
                      AND NOT EXISTS (SELECT 1 FROM registration r WHERE r.endpoint = e.id)
                      AND NOT EXISTS (SELECT 1 FROM projection p WHERE p.endpoint = e.id)
                      AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.endpoint = e.id)
                  LIMIT $2)",
        )
        .bind(millis(created_before))
        .bind(limit)
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("sweep endpoints"))?;
        tx.commit().await?;
        Ok(swept)
    }
}

const OVER: Columns = &[
    ("notification", Kind::Blob),
    ("endpoint", Kind::Blob),
    ("ended_at", Kind::Integer),
];

const NOTIFICATIONS: Columns = &[("id", Kind::Blob)];

async fn remove_unused(
    connection: &mut Connection,
    notifications: &BTreeSet<NotificationId>,
) -> Result<(), StorageError> {
    let mut rows = Rows::new(NOTIFICATIONS);
    for id in notifications {
        rows.push([id.as_bytes()[..].into()]);
    }
    rows.execute(
        connection,
        "DELETE FROM notification WHERE id IN (SELECT id FROM r)
             AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.notification = notification.id)",
    )
    .await
    .map_err(StorageError::doing("remove notifications"))?;
    Ok(())
}

fn read_ended(row: &Row) -> Result<Ended, BadRow> {
    let reading = Reading::new("delivery", "(ended)", row);
    Ok(Ended {
        id: DeliveryId {
            notification: reading.parse("notification", NotificationId::from_slice)?,
            endpoint: reading.parse("endpoint", EndpointId::from_slice)?,
        },
        at: reading.get("ended_at")?,
    })
}

fn read(row: &Row, id: DeliveryId, attempts: Vec<Attempt>) -> Result<Retired, BadRow> {
    let reading = Reading::new("delivery", id, row);
    let state: &str = reading.get("state")?;
    let known = ENDED.iter().find(|(name, _)| *name == state);
    Ok(Retired {
        notification: enqueue::read(row, id.notification)?,
        endpoint: id.endpoint,
        owner: reading.parse("owner", |text: &str| Did::new(text))?,
        state: known.ok_or_else(|| reading.bad("state", None))?.0,
        reason: reading.get("reason")?,
        ended_at: reading.time("ended_at")?,
        deadline: reading.time("delivery_deadline")?,
        attempts,
    })
}
