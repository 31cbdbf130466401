//! The way out: what came from a source is kept for a while only, since sources never end.

use jiff::Timestamp;
use loggia_syntax::Did;

use super::Events;
use crate::StorageError;
use crate::column::{Reading, millis};
use crate::sql;

/// Events that one transaction removes.
const PART: u32 = 1000;
/// Histories that are looked for at once.
const HISTORIES: u32 = 100;

impl Events {
    /// Owners of histories with events of a source from before that time, in their order, after the one
    /// that is named; some of them, and none at the end.
    pub async fn sourced_before(
        &self,
        before: Timestamp,
        after: &str,
    ) -> Result<Vec<String>, StorageError> {
        let rows = sql::query(
            "SELECT t.owner FROM projection_tenant t WHERE t.owner > $1 AND EXISTS
                 (SELECT 1 FROM event e WHERE e.owner = t.owner AND e.origin IS NOT NULL
                      AND e.created_at < $2)
             ORDER BY t.owner LIMIT $3",
        )
        .bind(after)
        .bind(millis(before))
        .bind(HISTORIES)
        .fetch_all(self.storage.engine_readers())
        .await
        .map_err(StorageError::doing("look for histories with old events"))?;
        let owner = |row| Reading::new("projection_tenant", "(listed)", row).get("owner");
        Ok(rows.iter().map(owner).collect::<Result<_, _>>()?)
    }

    /// Removes a part of the events of a history that came from a source before that time; how many went.
    /// Those stay that a projection has still to fold, unless it is parked since before that time. What
    /// the owner appended stays for good.
    pub async fn sweep_sourced(&self, owner: &str, before: Timestamp) -> Result<u64, StorageError> {
        let mut tx = self.storage.begin().await?;
        let swept = sql::query(
            "DELETE FROM event WHERE (owner, position) IN
                 (SELECT e.owner, e.position FROM event e
                  WHERE e.owner = $1 AND e.origin IS NOT NULL AND e.created_at < $2
                      AND NOT EXISTS (SELECT 1 FROM projection p
                          WHERE p.owner = $1 AND p.reads IS NOT NULL AND p.status <> 'deleted'
                              AND p.cursor < e.position
                              AND NOT (p.status = 'parked' AND p.parked_at < $2))
                  ORDER BY e.created_at LIMIT $3)",
        )
        .bind(owner)
        .bind(millis(before))
        .bind(PART)
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("remove old events of sources"))?;
        if swept > 0 {
            sql::query("UPDATE projection_tenant SET sourced_from = $1 WHERE owner = $2")
                .bind(millis(before))
                .bind(owner)
                .execute(tx.sql())
                .await
                .map_err(StorageError::doing("keep where a history begins"))?;
        }
        tx.commit().await?;
        Ok(swept)
    }

    /// From when on all events of sources are there, if any have gone.
    pub async fn sourced_from(&self, owner: &Did) -> Result<Option<Timestamp>, StorageError> {
        let row = sql::query("SELECT sourced_from FROM projection_tenant WHERE owner = $1")
            .bind(owner.as_str())
            .fetch_optional(self.storage.readers())
            .await
            .map_err(StorageError::doing("look where a history begins"))?;
        let Some(row) = row else { return Ok(None) };
        let reading = Reading::new("projection_tenant", owner, &row);
        Ok(reading.maybe_time("sourced_from")?)
    }

    /// The position of the last event of a history, whether or not that is still there.
    pub async fn end(&self, owner: &Did) -> Result<i64, StorageError> {
        let end: Option<i64> =
            sql::query_scalar("SELECT last_event FROM projection_tenant WHERE owner = $1")
                .bind(owner.as_str())
                .fetch_optional(self.storage.readers())
                .await
                .map_err(StorageError::doing("find the end of a history"))?;
        Ok(end.unwrap_or(0))
    }
}
