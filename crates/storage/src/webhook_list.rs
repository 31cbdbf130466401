//! Lists of webhooks: newest first, page by page, filtered before they are cut into pages.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use loggia_syntax::Did;

use crate::column::millis;
use crate::sql;
use crate::webhook::{read, select_webhooks};
use crate::{StorageError, Webhook, WebhookId, Webhooks};

/// Which of an owner's webhooks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookFilter {
    /// Only the active, or only the others.
    pub active: Option<bool>,
    /// Only those that are told of this event.
    pub event: Option<String>,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookPage {
    /// Newest first.
    pub webhooks: Vec<Webhook>,
    /// Where the next page begins; none if this is the last.
    pub cursor: Option<String>,
}

/// Why a list could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The cursor is none that this list gave out.
    #[error("the cursor is invalid")]
    InvalidCursor,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Webhooks {
    /// At most `limit` of the owner's webhooks, after the place that `cursor` names.
    ///
    /// A cursor names a place in the order and not a row, so it stays good when rows come and go.
    pub async fn list(
        &self,
        owner: &Did,
        filter: &WebhookFilter,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<WebhookPage, ListError> {
        let after = cursor.map(Place::read).transpose()?.unwrap_or(Place::START);
        let rows = sql::query(select_webhooks!(
            self.storage.readers().backend(),
            "WHERE w.owner = $1
               AND (w.created_at < $2 OR (w.created_at = $2 AND w.id < $3))
               AND ($4 IS NULL OR w.active = $4)
               AND ($5 IS NULL OR EXISTS (
                   SELECT 1 FROM webhook_event e WHERE e.webhook = w.id AND e.event = $5))
             ORDER BY w.created_at DESC, w.id DESC
             LIMIT $6"
        ))
        .bind(owner.as_str())
        .bind(after.created_at)
        .bind(&after.id[..])
        .bind(filter.active)
        .bind(filter.event.as_deref())
        .bind(i64::from(limit) + 1)
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("list webhooks"))?;
        let webhooks = rows.iter().map(read).collect::<Result<Vec<_>, _>>();
        Ok(page(webhooks.map_err(StorageError::from)?, limit))
    }
}

/// One row more than the limit was read: if it is there, there is another page.
fn page(mut webhooks: Vec<Webhook>, limit: u32) -> WebhookPage {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = webhooks.len() > limit;
    webhooks.truncate(limit);
    let last = webhooks.last().filter(|_| more);
    let cursor = last.map(|webhook| Place::of(webhook).write());
    WebhookPage { webhooks, cursor }
}

/// A place in the order of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    created_at: i64,
    id: [u8; 16],
}

impl Place {
    /// Before the newest.
    const START: Self = Self {
        created_at: i64::MAX,
        id: [0xff; 16],
    };

    fn of(webhook: &Webhook) -> Self {
        Self {
            created_at: millis(webhook.created_at),
            id: *webhook.id.as_bytes(),
        }
    }

    fn write(self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode([&self.created_at.to_be_bytes()[..], &self.id].concat())
    }

    fn read(text: &str) -> Result<Self, ListError> {
        // Anything longer is not ours, and not worth decoding.
        const LENGTH: usize = 32;
        let bytes = (text.len() == LENGTH)
            .then(|| BASE64_URL_SAFE_NO_PAD.decode(text).ok())
            .flatten()
            .ok_or(ListError::InvalidCursor)?;
        let (created_at, id) = bytes
            .split_first_chunk::<8>()
            .ok_or(ListError::InvalidCursor)?;
        let created_at = i64::from_be_bytes(*created_at);
        let id = *WebhookId::from_slice(id)
            .map_err(|_| ListError::InvalidCursor)?
            .as_bytes();
        Ok(Self { created_at, id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_read_back_and_others_are_refused() {
        let place = Place {
            created_at: 1_700_000_000_000,
            id: [7; 16],
        };
        let text = place.write();
        assert_eq!(Place::read(&text).ok(), Some(place));
        for text in [
            "",
            "abc",
            "50",
            &text[1..],
            &"!".repeat(32),
            &"é".repeat(16),
        ] {
            assert!(
                matches!(Place::read(text), Err(ListError::InvalidCursor)),
                "{text}"
            );
        }
    }
}
