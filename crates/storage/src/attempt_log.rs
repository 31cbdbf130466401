//! The attempts at an owner's endpoints in the order in which they ended, for whoever follows them.
//!
//! An attempt is written a moment after it has ended, and with several nodes not in that order:
//! whoever follows looks back a little.

use loggia_delivery::{Attempt, DeliveryId, EndpointId, NotificationId};
use loggia_syntax::Nsid;

use crate::column::Reading;
use crate::delivery::read_attempt;
use crate::sql::{self, Row};
use crate::{BadRow, Deliveries, StorageError, Whose};

/// How much of the log is sorted at a time, in milliseconds: attempts that lie further apart are
/// never sorted together, however long ago one begins.
const SPAN: i64 = 5_000;

/// A place in the order in which attempts ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AttemptPlace {
    /// The millisecond in which it ended.
    pub ended: i64,
    /// Which delivery.
    pub delivery: Option<DeliveryId>,
    /// Which of its attempts.
    pub number: u32,
}

/// An attempt as the owner of its endpoint sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedAttempt {
    /// Which delivery.
    pub delivery: DeliveryId,
    /// The millisecond in which it ended.
    pub ended: i64,
    /// What kind of thing is told.
    pub kind: Nsid,
    /// What it is about.
    pub subject: String,
    /// The name of the state in which the delivery is by now.
    pub state: String,
    /// The attempt, without what came back.
    pub attempt: Attempt,
}

impl AttemptPlace {
    /// Before everything that ended in this millisecond.
    pub fn before(ended: i64) -> Self {
        Self {
            ended,
            delivery: None,
            number: 0,
        }
    }
}

impl LoggedAttempt {
    /// Its place.
    pub fn place(&self) -> AttemptPlace {
        AttemptPlace {
            ended: self.ended,
            delivery: Some(self.delivery),
            number: self.attempt.number,
        }
    }
}

macro_rules! next_text {
    ($whose:literal) => {
        concat!(
            "SELECT next FROM
                 (SELECT (SELECT a.started_at + a.duration_ms FROM attempt a
                          WHERE a.endpoint = e.id AND a.started_at + a.duration_ms >= $1
                          ORDER BY a.started_at + a.duration_ms LIMIT 1) AS next
                  FROM endpoint e WHERE ",
            $whose,
            " AND ($3 IS NULL OR e.id = $3)) lane
             WHERE next IS NOT NULL ORDER BY next LIMIT 1"
        )
    };
}

macro_rules! attempts_text {
    ($whose:literal) => {
        concat!(
            "SELECT a.notification, a.endpoint, a.number, a.started_at, a.duration_ms, a.status,
                 a.fault, a.retry_after, a.refused, NULL AS excerpt, d.state, n.kind, n.subject,
                 a.started_at + a.duration_ms AS ended
             FROM endpoint e JOIN attempt a ON a.endpoint = e.id
                 JOIN delivery d ON d.notification = a.notification AND d.endpoint = a.endpoint
                 JOIN notification n ON n.id = a.notification
             WHERE ",
            $whose,
            " AND ($3 IS NULL OR e.id = $3)
                 AND a.started_at + a.duration_ms >= $1 AND a.started_at + a.duration_ms <= $4
                 AND (a.started_at + a.duration_ms > $1 OR a.notification > $5
                     OR (a.notification = $5 AND (a.endpoint > $6
                         OR (a.endpoint = $6 AND a.number > $7))))
             ORDER BY a.started_at + a.duration_ms, a.notification, a.endpoint, a.number
             LIMIT $8"
        )
    };
}

impl Deliveries {
    /// At most `limit` attempts after a place, those that ended first. None at all means that there
    /// are no more; fewer than `limit` does not.
    pub async fn attempts_after(
        &self,
        whose: Whose<'_>,
        endpoint: Option<EndpointId>,
        after: AttemptPlace,
        limit: u32,
    ) -> Result<Vec<LoggedAttempt>, StorageError> {
        let mut after = after;
        loop {
            let Some(next) = self.next_ended(whose, endpoint, after.ended).await? else {
                return Ok(Vec::new());
            };
            if next > after.ended {
                after = AttemptPlace::before(next);
            }
            let found = self.span(whose, endpoint, after, limit).await?;
            if !found.is_empty() {
                return Ok(found);
            }
            // All of this span was at or before the place.
            after = AttemptPlace::before(after.ended.saturating_add(SPAN + 1));
        }
    }

    /// When the first attempt ended that did so then or later.
    async fn next_ended(
        &self,
        whose: Whose<'_>,
        endpoint: Option<EndpointId>,
        from: i64,
    ) -> Result<Option<i64>, StorageError> {
        let text = match whose {
            Whose::Of(_) => next_text!("e.owner = $2"),
            Whose::Everybodys => next_text!("$2 IS NULL"),
        };
        sql::query_scalar(text)
            .bind(from)
            .bind(whose.owner())
            .bind(endpoint.map(|id| id.as_bytes().to_vec()))
            .fetch_optional(self.storage.readers())
            .await
            .map_err(StorageError::doing("look for the next attempt"))
    }

    async fn span(
        &self,
        whose: Whose<'_>,
        endpoint: Option<EndpointId>,
        after: AttemptPlace,
        limit: u32,
    ) -> Result<Vec<LoggedAttempt>, StorageError> {
        let text = match whose {
            Whose::Of(_) => attempts_text!("e.owner = $2"),
            Whose::Everybodys => attempts_text!("$2 IS NULL"),
        };
        let (notification, at) = after.delivery.map_or(([0; 16], [0; 16]), |id| {
            (*id.notification.as_bytes(), *id.endpoint.as_bytes())
        });
        let rows = sql::query(text)
            .bind(after.ended)
            .bind(whose.owner())
            .bind(endpoint.map(|id| id.as_bytes().to_vec()))
            .bind(after.ended.saturating_add(SPAN))
            .bind(notification.to_vec())
            .bind(at.to_vec())
            .bind(after.number)
            .bind(limit)
            .fetch_all(self.storage.readers())
            .await
            .map_err(StorageError::doing("read attempts"))?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }
}

fn read(row: &Row) -> Result<LoggedAttempt, BadRow> {
    let unnamed = Reading::new("attempt", "(unreadable)", row);
    let delivery = DeliveryId {
        notification: unnamed.parse("notification", NotificationId::from_slice)?,
        endpoint: unnamed.parse("endpoint", EndpointId::from_slice)?,
    };
    let reading = Reading::new("attempt", delivery, row);
    Ok(LoggedAttempt {
        delivery,
        ended: reading.get("ended")?,
        kind: reading.parse("kind", |text: &str| Nsid::new(text))?,
        subject: reading.get("subject")?,
        state: reading.get("state")?,
        attempt: read_attempt(row, delivery)?,
    })
}
