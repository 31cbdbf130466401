//! One batch of a replay.

use jiff::Timestamp;
use loggia_delivery::{DeliveryId, EndpointId, NotificationId};

use super::{EndedState, REPLAY_LASTS, Redeliveries, RedeliveryEnd, RedeliveryId, Work};
use super::{matching, name, only_dead, read};
use crate::column::{Reading, millis};
use crate::sql;
use crate::{StorageError, Write};

/// What a step of a replay did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many deliveries are on their way again, and there may be more.
    Replayed(u64),
    /// The replay has ended.
    Ended(RedeliveryEnd),
    /// Another node has done it, or it was over already.
    Overtaken,
}

impl Redeliveries {
    /// Replays the next `limit` deliveries, and says so in the same transaction.
    pub async fn step(
        &self,
        id: RedeliveryId,
        limit: u32,
        now: Timestamp,
    ) -> Result<Step, StorageError> {
        let row = sql::query("SELECT * FROM redelivery WHERE id = $1 AND ended_at IS NULL")
            .bind(&id.as_bytes()[..])
            .fetch_optional(self.storage.readers())
            .await
            .map_err(StorageError::doing("read a replay"))?;
        let Some(work) = row.as_ref().map(read).transpose()? else {
            return Ok(Step::Overtaken);
        };
        if self.is_disabled(work.redelivery.endpoint).await? {
            return self.end(&work, RedeliveryEnd::Disabled, now).await;
        }
        let next = self.next(&work, limit).await?;
        let Some(last) = next.last() else {
            return self.end(&work, RedeliveryEnd::Done, now).await;
        };
        let mut position = *last.as_bytes();
        position_after(&mut position);
        self.replay(&work, &next, position.to_vec(), now).await
    }

    async fn next(&self, work: &Work, limit: u32) -> Result<Vec<NotificationId>, StorageError> {
        let states = &work.redelivery.states;
        let rows = sql::query(next_text(states))
            .bind(&work.redelivery.endpoint.as_bytes()[..])
            .bind(work.position.clone())
            .bind(work.until.clone())
            .bind(name(states, 0))
            .bind(name(states, 1))
            .bind(name(states, 2))
            .bind(name(states, 3))
            .bind(limit)
            .fetch_all(self.storage.readers())
            .await
            .map_err(StorageError::doing("look for what is to be replayed"))?;
        let ids = rows.iter().map(|row| {
            let reading = Reading::new("delivery", "(replayed)", row);
            reading.parse("notification", NotificationId::from_slice)
        });
        Ok(ids.collect::<Result<_, _>>()?)
    }

    async fn is_disabled(&self, endpoint: EndpointId) -> Result<bool, StorageError> {
        sql::query_scalar("SELECT disabled_reason IS NOT NULL FROM endpoint WHERE id = $1")
            .bind(&endpoint.as_bytes()[..])
            .fetch_optional(self.storage.readers())
            .await
            .map(|disabled| disabled.unwrap_or(true))
            .map_err(StorageError::doing("look at a replay's endpoint"))
    }

    async fn replay(
        &self,
        work: &Work,
        next: &[NotificationId],
        position: Vec<u8>,
        now: Timestamp,
    ) -> Result<Step, StorageError> {
        let mut tx = self.storage.begin().await?;
        if !self.move_on(&mut tx, work, position).await? {
            return Ok(Step::Overtaken);
        }
        let endpoint = work.redelivery.endpoint;
        let ids: Vec<DeliveryId> = next
            .iter()
            .map(|&notification| DeliveryId {
                notification,
                endpoint,
            })
            .collect();
        let replayed = self
            .storage
            .deliveries()
            .replay(&mut tx, &ids, now + REPLAY_LASTS, now)
            .await?;
        let count = replayed.len();
        sql::query("UPDATE redelivery SET replayed = replayed + $1 WHERE id = $2")
            .bind(i64::try_from(count).unwrap_or(i64::MAX))
            .bind(&work.redelivery.id.as_bytes()[..])
            .execute(tx.sql())
            .await
            .map_err(StorageError::doing("write a replay's progress"))?;
        tx.commit().await?;
        Ok(Step::Replayed(u64::try_from(count).unwrap_or(u64::MAX)))
    }

    /// Moves the replay to its next place; whether nobody else has.
    async fn move_on(
        &self,
        tx: &mut Write,
        work: &Work,
        position: Vec<u8>,
    ) -> Result<bool, StorageError> {
        let moved = sql::query(
            "UPDATE redelivery SET position = $1
             WHERE id = $2 AND position = $3 AND ended_at IS NULL",
        )
        .bind(position)
        .bind(&work.redelivery.id.as_bytes()[..])
        .bind(work.position.clone())
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("move a replay on"))?;
        Ok(moved == 1)
    }

    async fn end(
        &self,
        work: &Work,
        end: RedeliveryEnd,
        now: Timestamp,
    ) -> Result<Step, StorageError> {
        let mut tx = self.storage.begin().await?;
        let ended = sql::query(
            "UPDATE redelivery SET ended_at = $1, reason = $2
             WHERE id = $3 AND position = $4 AND ended_at IS NULL",
        )
        .bind(millis(now))
        .bind(end.reason())
        .bind(&work.redelivery.id.as_bytes()[..])
        .bind(work.position.clone())
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("end a replay"))?;
        tx.commit().await?;
        Ok(match ended {
            1 => Step::Ended(end),
            _ => Step::Overtaken,
        })
    }
}

/// The next identifier: positions are inclusive.
fn position_after(id: &mut [u8; 16]) {
    let next = u128::from_be_bytes(*id).saturating_add(1);
    *id = next.to_be_bytes();
}

fn next_text(states: &[EndedState]) -> &'static str {
    match only_dead(states) {
        true => matching!(
            "SELECT notification",
            "state IN ('abandoned', 'expired')",
            "ORDER BY notification LIMIT $8"
        ),
        false => matching!(
            "SELECT notification",
            "ended_at IS NOT NULL",
            "ORDER BY notification LIMIT $8"
        ),
    }
}
