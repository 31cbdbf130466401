//! What became of deliveries to an owner's Wisp webhooks.

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

impl WispWebhooks {
    /// Newest deliveries of one webhook that are looked at: one that went on for longer than so many
    /// younger ones is not listed when it ends.
    pub const LOOKED_AT: u32 = 200;

    /// How the last deliveries to the owner's webhooks ended, the last first and at most `limit`. What
    /// was cancelled has not been tried to the end, and is left out; one that cannot be read is, too,
    /// and logged.
    pub async fn log(&self, owner: &Did, limit: u32) -> Result<Vec<WispOutcome>, StorageError> {
        let rows = sql::query(
            "SELECT w.rkey, e.url, d.notification, d.endpoint, d.state, d.ended_at, n.subject, n.source
             FROM wisp_webhook w
                 JOIN endpoint e ON e.id = w.endpoint
                 JOIN delivery d ON d.endpoint = w.endpoint
                 JOIN notification n ON n.id = d.notification
             WHERE w.owner = $1 AND d.state IN ('delivered', 'abandoned', 'expired')
                 AND d.notification IN (SELECT newest.notification FROM delivery newest
                     WHERE newest.endpoint = w.endpoint
                     ORDER BY newest.notification DESC LIMIT $2)
             ORDER BY d.ended_at DESC, d.notification DESC, d.endpoint LIMIT $3",
        )
        .bind(owner.as_str())
        .bind(Self::LOOKED_AT)
        .bind(limit)
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("list how deliveries ended"))?;
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
        Ok(rows.iter().filter_map(read).collect())
    }
}

fn read(row: &Row) -> Result<WispOutcome, BadRow> {
    let reading = Reading::new("delivery", "(listed)", row);
    Ok(WispOutcome {
        id: DeliveryId {
            notification: reading.parse("notification", NotificationId::from_slice)?,
            endpoint: reading.parse("endpoint", EndpointId::from_slice)?,
        },
        rkey: reading.parse("rkey", |text: &str| RecordKey::new(text))?,
        url: reading.get("url")?,
        subject: reading.get("subject")?,
        source: reading.get("source")?,
        delivered: reading.get::<&str>("state")? == "delivered",
        at: reading.time("ended_at")?,
    })
}
