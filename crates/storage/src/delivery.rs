//! The queue of deliveries: what is kept of each, and its [`Queue`] side for the engine.

use std::collections::BTreeSet;

use bytes::Bytes;
use jiff::Timestamp;
use loggia_delivery::{
    Answer, Attempt, DeliveryId, EndpointId, Fault, HealthRules, Lease, LeaseRequest, Leased,
    NodeId, NotificationId, Outcome, Profile, Queue, Recorded, Settled, State,
};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::column::{Reading, millis, millis_up};
use crate::{BadRow, Storage, StorageError, lease, record};

/// The deliveries of a store.
#[derive(Clone, Debug)]
pub struct Deliveries {
    pub(crate) storage: Storage,
    pub(crate) rules: HealthRules,
}

/// A delivery as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDelivery {
    /// Which delivery.
    pub id: DeliveryId,
    /// Where it stands.
    pub state: State,
    /// When it stops to interest its receiver.
    pub deadline: Timestamp,
}

/// How much work there is, counted row by row: for an operator, and too dear for a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Deliveries that wait.
    pub pending: u64,
    /// Deliveries that nodes hold.
    pub leased: u64,
    /// Since when the oldest delivery has been due that nobody holds; in the future if none is due
    /// yet.
    pub oldest_due: Option<Timestamp>,
}

impl Deliveries {
    pub(crate) fn new(storage: Storage) -> Self {
        Self {
            storage,
            rules: HealthRules::default(),
        }
    }

    /// The same with other rules for when an endpoint that fails is disabled.
    #[must_use]
    pub fn with_rules(self, rules: HealthRules) -> Self {
        Self { rules, ..self }
    }

    /// How much work there is.
    pub async fn backlog(&self) -> Result<Backlog, StorageError> {
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM delivery WHERE state = 'pending') AS pending,
                 (SELECT count(*) FROM delivery WHERE state = 'leased') AS leased,
                 (SELECT min(due) FROM delivery WHERE state = 'pending') AS oldest_due",
        )
        .fetch_one(self.storage.readers())
        .await
        .map_err(StorageError::doing("measure the backlog"))?;
        let reading = Reading::new("delivery", "(count)", &row);
        Ok(Backlog {
            pending: reading.parse("pending", |count: i64| u64::try_from(count))?,
            leased: reading.parse("leased", |count: i64| u64::try_from(count))?,
            oldest_due: reading.maybe_time("oldest_due")?,
        })
    }

    /// Since when the oldest delivery has been due that nobody holds; in the future if none is due
    /// yet. One seek for each endpoint that has work, however long the backlog.
    pub async fn oldest_due(&self) -> Result<Option<Timestamp>, StorageError> {
        let doing = StorageError::doing("look for the oldest due delivery");
        let mut reader = self.storage.readers().acquire().await.map_err(doing)?;
        lease::first_due(&mut reader, &[]).await
    }

    /// Every delivery of a notification.
    pub async fn list(
        &self,
        notification: NotificationId,
    ) -> Result<Vec<StoredDelivery>, StorageError> {
        let rows = sqlx::query("SELECT * FROM delivery WHERE notification = ? ORDER BY endpoint")
            .bind(&notification.as_bytes()[..])
            .fetch_all(self.storage.readers())
            .await
            .map_err(StorageError::doing("list deliveries"))?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// Every attempt of a delivery, first to last.
    pub async fn attempts(&self, delivery: DeliveryId) -> Result<Vec<Attempt>, StorageError> {
        let rows = sqlx::query(
            "SELECT * FROM attempt WHERE notification = ? AND endpoint = ? ORDER BY number",
        )
        .bind(&delivery.notification.as_bytes()[..])
        .bind(&delivery.endpoint.as_bytes()[..])
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("list attempts"))?;
        let attempts = rows.iter().map(|row| read_attempt(row, delivery));
        Ok(attempts.collect::<Result<_, _>>()?)
    }

    /// Removes at most `limit` deliveries that ended before `ended_before`, with their attempts;
    /// then the notifications and registrations' endpoints that nothing refers to any more. How
    /// many deliveries those were.
    pub async fn sweep(&self, ended_before: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let mut tx = self.storage.begin().await?;
        let swept = sqlx::query(
            "DELETE FROM delivery WHERE (notification, endpoint) IN
                 (SELECT notification, endpoint FROM delivery
                  WHERE ended_at IS NOT NULL AND ended_at < ? ORDER BY ended_at LIMIT ?)
             RETURNING notification",
        )
        .bind(millis(ended_before))
        .bind(limit)
        .fetch_all(tx.sql())
        .await
        .map_err(StorageError::doing("sweep deliveries"))?;
        sweep_notifications(tx.sql(), &swept).await?;
        sweep_endpoints(tx.sql(), ended_before, limit).await?;
        tx.commit().await?;
        Ok(u64::try_from(swept.len()).expect("at most `limit`"))
    }
}

/// Removes those of the swept deliveries' notifications that have no other delivery.
async fn sweep_notifications(
    connection: &mut SqliteConnection,
    swept: &[SqliteRow],
) -> Result<(), StorageError> {
    let mut ids = BTreeSet::new();
    for row in swept {
        let reading = Reading::new("delivery", "(swept)", row);
        ids.insert(reading.parse("notification", NotificationId::from_slice)?);
    }
    for id in ids {
        sqlx::query(
            "DELETE FROM notification WHERE id = ?1
                 AND NOT EXISTS (SELECT 1 FROM delivery WHERE notification = ?1)",
        )
        .bind(&id.as_bytes()[..])
        .execute(&mut *connection)
        .await
        .map_err(StorageError::doing("sweep notifications"))?;
    }
    Ok(())
}

/// Removes endpoints whose registration and deliveries are gone.
async fn sweep_endpoints(
    connection: &mut SqliteConnection,
    created_before: Timestamp,
    limit: u32,
) -> Result<(), StorageError> {
    sqlx::query(
        "DELETE FROM endpoint WHERE id IN
             (SELECT id FROM endpoint e
              WHERE e.profile = ? AND e.created_at < ?
                  AND NOT EXISTS (SELECT 1 FROM registration r WHERE r.endpoint = e.id)
                  AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.endpoint = e.id)
              LIMIT ?)",
    )
    .bind(Profile::SpaceWebhook.as_str())
    .bind(millis(created_before))
    .bind(limit)
    .execute(connection)
    .await
    .map_err(StorageError::doing("sweep endpoints"))?;
    Ok(())
}

impl Queue for Deliveries {
    type Error = StorageError;

    async fn void_leases(&self, node: &NodeId, now: Timestamp) -> Result<u64, StorageError> {
        let mut tx = self.storage.begin().await?;
        let voided = sqlx::query(
            "UPDATE delivery SET state = 'pending', due = ?, node = NULL
             WHERE state = 'leased' AND node = ?",
        )
        .bind(millis(now))
        .bind(node.as_str())
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("void old leases"))?;
        tx.commit().await?;
        Ok(voided.rows_affected())
    }

    async fn lease(&self, request: &LeaseRequest, now: Timestamp) -> Result<Leased, StorageError> {
        lease::lease(&self.storage, request, now).await
    }

    async fn record(
        &self,
        node: &NodeId,
        settled: &[Settled],
        now: Timestamp,
    ) -> Result<Recorded, StorageError> {
        let mut tx = self.storage.begin().await?;
        let recorded = record::record(tx.sql(), &self.rules, node, settled, now).await?;
        tx.commit().await?;
        Ok(recorded)
    }
}

/// A state as columns.
pub(crate) struct StateColumns<'a> {
    pub(crate) state: &'static str,
    pub(crate) attempts: u32,
    pub(crate) due: Option<i64>,
    pub(crate) node: Option<&'a str>,
    pub(crate) ended_at: Option<i64>,
    pub(crate) reason: Option<&'static str>,
}

impl<'a> StateColumns<'a> {
    pub(crate) fn of(state: &'a State) -> Self {
        let (state, attempts, name) = (state, state.attempts(), state.name());
        let open = |due, node| Self {
            state: name,
            attempts,
            due: Some(due),
            node,
            ended_at: None,
            reason: None,
        };
        let ended = |at, reason| Self {
            state: name,
            attempts,
            due: None,
            node: None,
            ended_at: Some(millis(at)),
            reason,
        };
        match state {
            State::Pending { due, .. } => open(millis_up(*due), None),
            State::Leased { lease, .. } => open(millis(lease.until), Some(lease.node.as_str())),
            State::Delivered { at, .. } | State::Expired { at, .. } => ended(*at, None),
            State::Abandoned { at, reason, .. } => ended(*at, Some(reason.as_str())),
            State::Cancelled { at, reason, .. } => ended(*at, Some(reason.as_str())),
        }
    }

    /// Writes the state of a delivery that `node` holds; whether it did hold it.
    pub(crate) async fn write(
        &self,
        connection: &mut SqliteConnection,
        id: DeliveryId,
        holder: &NodeId,
    ) -> Result<bool, StorageError> {
        let written = sqlx::query(
            "UPDATE delivery
             SET state = ?, attempts = ?, due = ?, node = ?, ended_at = ?, reason = ?
             WHERE notification = ? AND endpoint = ? AND state = 'leased' AND node = ?",
        )
        .bind(self.state)
        .bind(self.attempts)
        .bind(self.due)
        .bind(self.node)
        .bind(self.ended_at)
        .bind(self.reason)
        .bind(&id.notification.as_bytes()[..])
        .bind(&id.endpoint.as_bytes()[..])
        .bind(holder.as_str())
        .execute(connection)
        .await
        .map_err(StorageError::doing("write a delivery's state"))?;
        Ok(written.rows_affected() == 1)
    }
}

fn read(row: &SqliteRow) -> Result<StoredDelivery, BadRow> {
    let unnamed = Reading::new("delivery", "(unreadable)", row);
    let id = DeliveryId {
        notification: unnamed.parse("notification", NotificationId::from_slice)?,
        endpoint: unnamed.parse("endpoint", EndpointId::from_slice)?,
    };
    let reading = Reading::new("delivery", id, row);
    let state = read_state(&reading)?;
    Ok(StoredDelivery {
        id,
        state,
        deadline: reading.time("deadline")?,
    })
}

fn read_state(reading: &Reading<'_>) -> Result<State, BadRow> {
    let attempts = reading.count("attempts")?;
    Ok(match reading.get::<&str>("state")? {
        "pending" => State::Pending {
            attempts,
            due: reading.time("due")?,
        },
        "leased" => {
            let node = NodeId::new(reading.get("node")?);
            State::Leased {
                attempts,
                lease: Lease {
                    node,
                    until: reading.time("due")?,
                },
            }
        }
        "delivered" => State::Delivered {
            attempts,
            at: reading.time("ended_at")?,
        },
        "expired" => State::Expired {
            attempts,
            at: reading.time("ended_at")?,
        },
        "abandoned" => State::Abandoned {
            attempts,
            at: reading.time("ended_at")?,
            reason: reading.parse("reason", |name: &str| name.parse())?,
        },
        "cancelled" => State::Cancelled {
            attempts,
            at: reading.time("ended_at")?,
            reason: reading.parse("reason", |name: &str| name.parse())?,
        },
        _ => return Err(reading.bad("state", None)),
    })
}

fn read_attempt(row: &SqliteRow, delivery: DeliveryId) -> Result<Attempt, BadRow> {
    let reading = Reading::new("attempt", delivery, row);
    let status = reading.get::<Option<i64>>("status")?;
    let outcome = match status {
        Some(status) => Outcome::Answered(Answer {
            status: u16::try_from(status)
                .map_err(|error| reading.bad("status", Some(error.into())))?,
            retry_after: reading.get("retry_after")?,
            body: Bytes::from(
                reading
                    .get::<Option<Vec<u8>>>("excerpt")?
                    .unwrap_or_default(),
            ),
        }),
        None => Outcome::Failed(reading.parse("fault", |name: &str| name.parse::<Fault>())?),
    };
    Ok(Attempt {
        number: reading.count("number")?,
        started: reading.time("started_at")?,
        duration_ms: reading.parse("duration_ms", |millis: i64| u64::try_from(millis))?,
        outcome,
    })
}
