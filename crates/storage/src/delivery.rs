//! The queue of deliveries: what is kept of each, and its [`Queue`] side for the engine.

mod owner;
mod row;

use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{
    Attempt, DeliveryId, HealthRules, LeaseRequest, Leased, Life, NodeId, NotificationId, Queue,
    Recorded, Settled, State,
};

use crate::announcement::announce_due;
use crate::column::{Reading, millis};
use crate::error::Tries;
use crate::{Storage, StorageError, lease, node, record, sql};
pub(crate) use row::{PENDING, StateColumns, WAS, read_attempt, read_id, read_state};

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
        let row = sql::query(
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
        let rows = sql::query("SELECT * FROM delivery WHERE notification = $1 ORDER BY endpoint")
            .bind(&notification.as_bytes()[..])
            .fetch_all(self.storage.readers())
            .await
            .map_err(StorageError::doing("list deliveries"))?;
        Ok(rows.iter().map(row::read).collect::<Result<_, _>>()?)
    }

    /// Every attempt of a delivery, first to last.
    pub async fn attempts(&self, delivery: DeliveryId) -> Result<Vec<Attempt>, StorageError> {
        let rows = sql::query(
            "SELECT * FROM attempt WHERE notification = $1 AND endpoint = $2 ORDER BY number",
        )
        .bind(&delivery.notification.as_bytes()[..])
        .bind(&delivery.endpoint.as_bytes()[..])
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("list attempts"))?;
        let attempts = rows.iter().map(|row| row::read_attempt(row, delivery));
        Ok(attempts.collect::<Result<_, _>>()?)
    }
}

impl Queue for Deliveries {
    type Error = StorageError;

    async fn heartbeat(
        &self,
        node: &NodeId,
        lease_for: SignedDuration,
        now: Timestamp,
    ) -> Result<Life, StorageError> {
        node::heartbeat(&self.storage, node, lease_for, now).await
    }

    async fn void_leases(&self, node: &NodeId, now: Timestamp) -> Result<u64, StorageError> {
        let mut tx = self.storage.begin().await?;
        let voided = sql::query(
            "UPDATE delivery SET state = 'pending', due = $1, node = NULL
             WHERE state = 'leased' AND node = $2",
        )
        .bind(millis(now))
        .bind(node.as_str())
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("void old leases"))?;
        node::forget_gone(tx.sql()).await?;
        if voided > 0 {
            announce_due(tx.sql()).await?;
        }
        tx.commit().await?;
        Ok(voided)
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
        let mut tries = Tries::default();
        loop {
            let recorded = self.record_once(node, settled, now).await;
            if !tries.again(&recorded) {
                return recorded;
            }
        }
    }
}

impl Deliveries {
    async fn record_once(
        &self,
        node: &NodeId,
        settled: &[Settled],
        now: Timestamp,
    ) -> Result<Recorded, StorageError> {
        let mut tx = self.storage.begin_brief().await?;
        let recorded = record::record(self, &mut tx, node, settled, now).await?;
        tx.commit().await?;
        Ok(recorded)
    }
}
