//! What may be used once: token ids and proofs.

use jiff::Timestamp;

use crate::column::millis_up;
use crate::{Storage, StorageError, Write};

/// What was used, until it could not be used any more anyway.
#[derive(Clone, Debug)]
pub struct Replays {
    pub(crate) storage: Storage,
}

impl Replays {
    /// Uses up `key` within `scope`: true the first time, false from then on until `not_after` has
    /// passed and [`Replays::sweep`] removed it.
    ///
    /// A transaction of its own, so that a key stays used up whatever becomes of the request.
    pub async fn consume(
        &self,
        scope: &str,
        key: &str,
        not_after: Timestamp,
    ) -> Result<bool, StorageError> {
        let mut tx = self.storage.begin().await?;
        let fresh = self.consume_in(&mut tx, scope, key, not_after).await?;
        tx.commit().await?;
        Ok(fresh)
    }

    /// The same within a transaction.
    pub async fn consume_in(
        &self,
        tx: &mut Write,
        scope: &str,
        key: &str,
        not_after: Timestamp,
    ) -> Result<bool, StorageError> {
        let inserted = sqlx::query(
            "INSERT INTO replay (scope, key, not_after) VALUES (?, ?, ?)
             ON CONFLICT (scope, key) DO NOTHING",
        )
        .bind(scope)
        .bind(key)
        .bind(millis_up(not_after))
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("use up a key"))?;
        Ok(inserted.rows_affected() == 1)
    }

    /// Forgets at most `limit` keys whose time is over; how many those were.
    pub async fn sweep(&self, now: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let mut tx = self.storage.begin().await?;
        let swept = sqlx::query(
            "DELETE FROM replay WHERE (scope, key) IN
                 (SELECT scope, key FROM replay WHERE not_after < ? ORDER BY not_after LIMIT ?)",
        )
        .bind(now.as_millisecond())
        .bind(limit)
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("forget used keys"))?;
        tx.commit().await?;
        Ok(swept.rows_affected())
    }
}
