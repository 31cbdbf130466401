//! Shortening logs.
//!
//! A log is there so that whoever follows a repository need not read the whole each time. It promises
//! nothing of the past: who comes from before its beginning finds that the hash does not fit, and reads
//! the whole.

use jiff::Timestamp;
use loggia_syntax::Tid;

use super::SpaceRepos;
use crate::StorageError;
use crate::sql;

impl SpaceRepos {
    /// Removes at most `limit` operations that happened before this time; how many those were.
    pub async fn shorten_logs(&self, before: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let micros = u64::try_from(before.as_microsecond()).unwrap_or_default();
        let rev = Tid::from_micros(micros, 0).expect("revisions end in the year 2255");
        let mut tx = self.storage.begin().await?;
        // From one repository to the next, each by its key: the log has no index by time.
        let removed = sql::query(
            "DELETE FROM space_operation WHERE (repo, rev, number) IN
                 (SELECT o.repo, o.rev, o.number FROM space_repo r
                  JOIN space_operation o ON o.repo = r.id AND o.rev < $1
                  ORDER BY r.id, o.rev, o.number LIMIT $2)",
        )
        .bind(rev.as_str())
        .bind(limit)
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("shorten logs of repositories"))?;
        tx.commit().await?;
        Ok(removed)
    }
}
