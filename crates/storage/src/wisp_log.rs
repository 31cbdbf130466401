//! What became of deliveries to an owner's Wisp webhooks.

use std::fmt;

use jiff::Timestamp;
use loggia_delivery::{DeliveryId, EndpointId, NotificationId};
use loggia_syntax::{Did, RecordKey};

use crate::column::Reading;
use crate::sql::{self, Row};
use crate::{BadRow, StorageError, WispWebhooks};

/// How a delivery to a Wisp webhook ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WispOutcome {
    /// Which delivery.
    pub id: DeliveryId,
    /// The webhook, by the key of its record.
    pub rkey: RecordKey,
    /// Where it went.
    pub url: String,
    /// What was told: the address of a record.
    pub subject: String,
    /// The name of the cause.
    pub source: Option<String>,
    /// Whether it arrived; otherwise it was given up.
    pub delivered: bool,
    /// When.
    pub at: Timestamp,
}

/// A place in an owner's log: what is older comes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WispLogPlace(DeliveryId);

/// A part of an owner's log.
#[derive(Debug, Default)]
pub struct WispLog {
    /// How deliveries ended, those of the newest notifications.
    pub outcomes: Vec<WispOutcome>,
    /// Where older ones begin, if there are any. A part may be empty and have some all the same.
    pub next: Option<WispLogPlace>,
}

impl WispWebhooks {
    /// Newest deliveries of one webhook that one part looks at.
    pub const LOOKED_AT: u32 = 200;

    /// How the deliveries to the owner's webhooks ended, those of the newest notifications first, at
    /// most `limit` and after the place. What was cancelled has not been tried to the end, and is left
    /// out; one that cannot be read is, too, and logged.
    pub async fn log(
        &self,
        owner: &Did,
        after: Option<WispLogPlace>,
        limit: u32,
    ) -> Result<WispLog, StorageError> {
        let (notification, endpoint) = match after {
            None => ([0xff; 16], [0xff; 16]),
            Some(WispLogPlace(id)) => (*id.notification.as_bytes(), *id.endpoint.as_bytes()),
        };
        let floor = self.floor(owner, &notification).await?;
        let rows = sql::query(
            "SELECT w.rkey, e.url, d.notification, d.endpoint, d.state, d.ended_at, n.subject, n.source
             FROM wisp_webhook w
                 JOIN endpoint e ON e.id = w.endpoint
                 JOIN delivery d ON d.endpoint = w.endpoint
                 JOIN notification n ON n.id = d.notification
             WHERE w.owner = $1 AND d.state IN ('delivered', 'abandoned', 'expired')
                 AND d.notification >= $2 AND d.notification <= $3
                 AND (d.notification < $3 OR d.endpoint < $4)
             ORDER BY d.notification DESC, d.endpoint DESC LIMIT $5",
        )
        .bind(owner.as_str())
        .bind(floor.clone().unwrap_or_default())
        .bind(&notification[..])
        .bind(&endpoint[..])
        .bind(i64::from(limit) + 1)
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("list how deliveries ended"))?;
        let more = rows.len() > limit as usize;
        let rows = &rows[..rows.len().min(limit as usize)];
        let next = match (rows.last().filter(|_| more), floor) {
            (Some(last), _) => Some(WispLogPlace(id(last)?)),
            (None, Some(floor)) => Some(WispLogPlace::before(&floor)?),
            (None, None) => None,
        };
        let read = |row| {
            read(row)
                .inspect_err(|bad| {
                    let error = bad as &dyn std::error::Error;
                    tracing::error!(
                        error,
                        "the end of a delivery cannot be read and is not listed"
                    );
                })
                .ok()
        };
        Ok(WispLog {
            outcomes: rows.iter().filter_map(read).collect(),
            next,
        })
    }

    /// The oldest notification that one part goes down to: so that no webhook is looked through for
    /// longer than [`Self::LOOKED_AT`] deliveries, and none is passed over. Nothing if all of them are
    /// within that.
    async fn floor(&self, owner: &Did, from: &[u8; 16]) -> Result<Option<Vec<u8>>, StorageError> {
        let row = sql::query(
            "SELECT low FROM
                 (SELECT (SELECT d.notification FROM delivery d
                          WHERE d.endpoint = w.endpoint AND d.notification <= $2
                          ORDER BY d.notification DESC LIMIT 1 OFFSET $3) AS low
                  FROM wisp_webhook w WHERE w.owner = $1) AS lows
             WHERE low IS NOT NULL ORDER BY low DESC LIMIT 1",
        )
        .bind(owner.as_str())
        .bind(&from[..])
        .bind(Self::LOOKED_AT - 1)
        .fetch_optional(self.storage.readers())
        .await
        .map_err(StorageError::doing("look how far a log goes"))?;
        let low = row.map(|row| Reading::new("delivery", "(listed)", &row).get("low"));
        Ok(low.transpose()?)
    }
}

impl WispLogPlace {
    /// Before everything that is older than a notification.
    fn before(notification: &[u8]) -> Result<Self, BadRow> {
        let bad = |source: Box<dyn std::error::Error + Send + Sync>| BadRow {
            table: "delivery",
            id: "(listed)".to_owned(),
            column: "notification",
            source: Some(source),
        };
        Ok(Self(DeliveryId {
            notification: NotificationId::from_slice(notification)
                .map_err(|error| bad(error.into()))?,
            endpoint: EndpointId::from_slice(&[0; 16]).map_err(|error| bad(error.into()))?,
        }))
    }

    /// Reads what `Display` wrote.
    pub fn read(text: &str) -> Option<Self> {
        let (notification, endpoint) = text.split_once('_')?;
        Some(Self(DeliveryId {
            notification: notification.parse().ok()?,
            endpoint: endpoint.parse().ok()?,
        }))
    }
}

impl fmt::Display for WispLogPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.0.notification, self.0.endpoint)
    }
}

fn id(row: &Row) -> Result<DeliveryId, BadRow> {
    let reading = Reading::new("delivery", "(listed)", row);
    Ok(DeliveryId {
        notification: reading.parse("notification", NotificationId::from_slice)?,
        endpoint: reading.parse("endpoint", EndpointId::from_slice)?,
    })
}

fn read(row: &Row) -> Result<WispOutcome, BadRow> {
    let reading = Reading::new("delivery", "(listed)", row);
    Ok(WispOutcome {
        id: id(row)?,
        rkey: reading.parse("rkey", |text: &str| RecordKey::new(text))?,
        url: reading.get("url")?,
        subject: reading.get("subject")?,
        source: reading.get("source")?,
        delivered: reading.get::<&str>("state")? == "delivered",
        at: reading.time("ended_at")?,
    })
}
