//! What may be used once: token ids and proofs.

use jiff::Timestamp;

use crate::column::millis_up;
use crate::sql;
use crate::{Storage, StorageError, Write};

/// What was used, until it could not be used any more anyway.
#[derive(Clone, Debug)]
pub struct Replays {
    pub(crate) storage: Storage,
    pub(crate) most: u32,
}

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Used {
    /// It was used for the first time, and is kept from now on.
    First,
    /// It was used before.
    Before,
    /// It is not kept, because as many as are allowed are.
    Full,
}

impl Replays {
    /// The most keys that are kept, if nothing else is said. About 100 MB; with tokens that live five
    /// minutes, 1,600 calls a second.
    pub const MOST: u32 = 500_000;

    /// The same with room for at most `most` keys. Those whose time is over count until they are swept.
    #[must_use]
    pub fn with_most(mut self, most: u32) -> Self {
        self.most = most;
        self
    }

    /// The most keys that are kept.
    pub fn most(&self) -> u32 {
        self.most
    }

    /// Uses up `key` within `scope`: [`Used::First`] once, [`Used::Before`] from then on until
    /// `not_after` has passed and [`Replays::sweep`] removed it. None is forgotten to make room.
    ///
    /// A transaction of its own, so that a key stays used up whatever becomes of the request.
    pub async fn consume(
        &self,
        scope: &str,
        key: &str,
        not_after: Timestamp,
    ) -> Result<Used, StorageError> {
        let mut tx = self.storage.begin().await?;
        let used = self.consume_in(&mut tx, scope, key, not_after).await?;
        tx.commit().await?;
        Ok(used)
    }

    /// The same within a transaction.
    pub async fn consume_in(
        &self,
        tx: &mut Write,
        scope: &str,
        key: &str,
        not_after: Timestamp,
    ) -> Result<Used, StorageError> {
        let inserted = sql::query(
            "INSERT INTO replay (scope, key, not_after)
             SELECT $1, $2, $3 WHERE (SELECT sum(kept) FROM replay_count) < $4
             ON CONFLICT (scope, key) DO NOTHING",
        )
        .bind(scope)
        .bind(key)
        .bind(millis_up(not_after))
        .bind(self.most)
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("use up a key"))?;
        if inserted == 1 {
            return Ok(Used::First);
        }
        let is_kept: bool =
            sql::query_scalar("SELECT EXISTS (SELECT 1 FROM replay WHERE scope = $1 AND key = $2)")
                .bind(scope)
                .bind(key)
                .fetch_one(tx.sql())
                .await
                .map_err(StorageError::doing("look a used key up"))?;
        Ok(if is_kept { Used::Before } else { Used::Full })
    }

    /// Forgets at most `limit` keys whose time is over; how many those were.
    pub async fn sweep(&self, now: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let sql = "DELETE FROM replay WHERE (scope, key) IN
                 (SELECT scope, key FROM replay WHERE not_after < $1 ORDER BY not_after LIMIT $2)";
        self.storage
            .forget(sql, now, limit, "forget used keys")
            .await
    }
}
