//! Shortening logs.
//!
//! A log is there so that whoever follows a repository need not read the whole each time. It promises
//! nothing of the past: who comes from before its beginning finds that the hash does not fit, and reads
//! the whole.

use jiff::Timestamp;
use loggia_syntax::Tid;

use super::SpaceRepos;
use crate::StorageError;
use crate::column::Reading;
use crate::sql;

/// Up to where logs were shortened: where to go on, so that the repositories before are not looked at each
/// time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogPlace(i64);

impl SpaceRepos {
    /// Removes at most `limit` operations that happened before this time, of one repository after the
    /// other from a place on; how many those were, and where to go on.
    pub async fn shorten_logs(
        &self,
        before: Timestamp,
        from: LogPlace,
        limit: u32,
    ) -> Result<(u64, LogPlace), StorageError> {
        let doing = "shorten logs of repositories";
        let micros = u64::try_from(before.as_microsecond()).unwrap_or_default();
        let rev = Tid::from_micros(micros, 0).expect("revisions end in the year 2255");
        let mut tx = self.storage.begin().await?;
        // From one repository to the next, each by its key: the log has no index by time.
        let rows = sql::query(
            "DELETE FROM space_operation WHERE (repo, rev, number) IN
                 (SELECT o.repo, o.rev, o.number FROM space_repo r
                  JOIN space_operation o ON o.repo = r.id AND o.rev < $1
                  WHERE r.id >= $2 ORDER BY r.id, o.rev, o.number LIMIT $3)
             RETURNING repo",
        )
        .bind(rev.as_str())
        .bind(from.0)
        .bind(limit)
        .fetch_all(tx.sql())
        .await
        .map_err(StorageError::doing(doing))?;
        let mut place = from;
        for row in &rows {
            let repo = Reading::new("space_operation", "(removed)", row).get("repo")?;
            place = LogPlace(place.0.max(repo));
        }
        tx.commit().await?;
        Ok((rows.len() as u64, place))
    }
}
