//! Telling an owner that an endpoint of theirs was disabled, where they asked to be told.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{
    DisableReason, EndpointId, NewNotification, Notification, NotificationId, Recipient,
};
use loggia_syntax::Nsid;
use ring::digest;

use crate::column::{Reading, millis};
use crate::endpoint::{disable, wanting};
use crate::sql;
use crate::{Deliveries, StorageError, Write};

/// The kind of a notification that says that an endpoint was disabled.
const DISABLED: &str = "dev.loggia.endpoint.disabled";

/// An owner who has not heard of it by then has other ways to find out.
const INTEREST: SignedDuration = SignedDuration::from_hours(72);

impl Deliveries {
    /// Stops telling an endpoint, as [`Endpoints::disable`](crate::Endpoints::disable), and tells those of its
    /// owner's that want to know; whether it was active before.
    pub async fn disable(
        &self,
        tx: &mut Write,
        id: EndpointId,
        reason: DisableReason,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let disabled = disable(tx.sql(), id, reason, now).await?;
        if disabled {
            tell_disabled(self, tx, id, reason, now).await?;
        }
        Ok(disabled)
    }
}

/// Tells the owner of an endpoint that it was disabled at `now`, at their other endpoints that want
/// to be told of that. In the transaction that disables it. How many deliveries were made.
async fn tell_disabled(
    deliveries: &Deliveries,
    tx: &mut Write,
    id: EndpointId,
    reason: DisableReason,
    now: Timestamp,
) -> Result<usize, StorageError> {
    let row = sql::query("SELECT owner FROM endpoint WHERE id = $1")
        .bind(&id.as_bytes()[..])
        .fetch_optional(tx.sql())
        .await
        .map_err(StorageError::doing("find a disabled endpoint"))?;
    let Some(row) = row else { return Ok(0) };
    let reading = Reading::new("endpoint", id, &row);
    let owner: &str = reading.get("owner")?;
    let kind = Nsid::from_static(DISABLED);
    let told = wanting(tx.sql(), owner, &kind).await?;
    let recipients: Vec<_> = told
        .into_iter()
        .filter(|told| *told != id)
        .map(|told| Recipient::new(told, Timestamp::MAX))
        .collect();
    if recipients.is_empty() {
        return Ok(0);
    }
    let body = serde_json::json!({
        "endpoint": id.to_string(),
        "reason": reason.as_str(),
        "at": Timestamp::from_millisecond(millis(now)).unwrap_or(now).to_string(),
    });
    let new = notification(kind, id, body.to_string(), now);
    let enqueued = deliveries.enqueue(tx, new, &recipients, None, now).await?;
    Ok(enqueued.new)
}

/// Its id follows from endpoint and time: chance has no place here.
fn notification(kind: Nsid, id: EndpointId, body: String, now: Timestamp) -> NewNotification {
    let source = format!("endpoint.disabled:{id}:{}", millis(now));
    let digest = digest::digest(&digest::SHA256, source.as_bytes());
    let random = *digest.as_ref().first_chunk().expect("SHA-256 has 32 bytes");
    NewNotification {
        notification: Notification {
            id: NotificationId::new(now, random),
            kind,
            subject: id.to_string(),
            body: Bytes::from(body),
            created_at: now,
            deadline: now.saturating_add(INTEREST).unwrap_or(Timestamp::MAX),
        },
        source: Some(source),
    }
}
