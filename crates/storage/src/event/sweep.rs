//! The way out: what came from a source is kept for a while only, since sources never end.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loggia_syntax::Did;

use super::Events;
use crate::StorageError;
use crate::column::{Reading, millis};
use crate::sql::{self, Columns, Connection, Kind, Row, Rows};

const POSITIONS: Columns = &[("owner", Kind::Text), ("position", Kind::Integer)];
const VERSIONS: Columns = &[
    ("owner", Kind::Text),
    ("aggregate", Kind::Text),
    ("version", Kind::Integer),
    ("swept_before", Kind::Integer),
];

/// Events, or versions of aggregates, that one transaction removes.
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
    /// the owner appended stays for good. The version that an aggregate has come to stays until
    /// [`sweep_versions`](Self::sweep_versions) takes it.
    pub async fn sweep_sourced(&self, owner: &str, before: Timestamp) -> Result<u64, StorageError> {
        let mut tx = self.storage.begin().await?;
        let old = old(tx.sql(), owner, before).await?;
        let swept = remove(tx.sql(), (owner, before), &old).await?;
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

    /// Removes a part of the versions that are kept of aggregates without events: those of owners who read
    /// no source any more, and those whose events had all gone by that time. How many went; with 0,
    /// nothing is left. Such an aggregate begins again with version 1.
    pub async fn sweep_versions(&self, before: Timestamp) -> Result<u64, StorageError> {
        const UNREAD: &str = "DELETE FROM swept_version WHERE (owner, aggregate) IN
            (SELECT s.owner, s.aggregate FROM projection_tenant t
             JOIN swept_version s ON s.owner = t.owner
             WHERE NOT EXISTS (SELECT 1 FROM projection p WHERE p.owner = t.owner
                 AND p.reads IS NOT NULL AND p.status <> 'deleted')
             LIMIT $1)";
        const OLD: &str = "DELETE FROM swept_version WHERE (owner, aggregate) IN
            (SELECT s.owner, s.aggregate FROM swept_version s WHERE s.swept_before <= $2
             LIMIT $1)";
        let doing = || StorageError::doing("sweep the versions of aggregates");
        let mut tx = self.storage.begin().await?;
        let unread = sql::query(UNREAD).bind(PART).execute(tx.sql()).await;
        let mut swept = unread.map_err(doing())?;
        let old = sql::query(OLD).bind(PART).bind(millis(before));
        swept += old.execute(tx.sql()).await.map_err(doing())?;
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

/// An event that may go.
struct Old {
    position: i64,
    aggregate: String,
    version: i64,
}

async fn old(
    connection: &mut Connection,
    owner: &str,
    before: Timestamp,
) -> Result<Vec<Old>, StorageError> {
    let found = sql::query(
        "SELECT e.position, e.aggregate, e.version FROM event e
         WHERE e.owner = $1 AND e.origin IS NOT NULL AND e.created_at < $2
             AND NOT EXISTS (SELECT 1 FROM projection p
                 WHERE p.owner = $1 AND p.reads IS NOT NULL AND p.status <> 'deleted'
                     AND p.cursor < e.position
                     AND NOT (p.status = 'parked' AND p.parked_at < $2))
         ORDER BY e.created_at LIMIT $3",
    )
    .bind(owner)
    .bind(millis(before))
    .bind(PART)
    .fetch_all(connection)
    .await;
    let read = |row: &Row| {
        Ok(Old {
            position: row.get(0)?,
            aggregate: row.get(1)?,
            version: row.get(2)?,
        })
    };
    let old = found.and_then(|rows| rows.iter().map(read).collect());
    old.map_err(StorageError::doing("look for old events of sources"))
}

/// Removes them, and keeps the versions that their aggregates have come to.
async fn remove(
    connection: &mut Connection,
    (owner, before): (&str, Timestamp),
    old: &[Old],
) -> Result<u64, StorageError> {
    let (mut gone, mut versions) = (Rows::new(POSITIONS), BTreeMap::new());
    for Old {
        position,
        aggregate,
        version,
    } in old
    {
        gone.push([owner.into(), (*position).into()]);
        let last = versions.entry(aggregate.as_str()).or_insert(*version);
        *last = (*last).max(*version);
    }
    let mut kept = Rows::new(VERSIONS);
    for (aggregate, version) in versions {
        let before = millis(before).into();
        kept.push([owner.into(), aggregate.into(), version.into(), before]);
    }
    kept.execute(
        connection,
        "INSERT INTO swept_version (owner, aggregate, version, swept_before)
         SELECT r.owner, r.aggregate, r.version, r.swept_before FROM r WHERE true
         ON CONFLICT (owner, aggregate) DO UPDATE
             SET version = excluded.version, swept_before = excluded.swept_before
             WHERE swept_version.version < excluded.version",
    )
    .await
    .map_err(StorageError::doing("keep the versions of aggregates"))?;
    gone.execute(
        connection,
        "DELETE FROM event WHERE (owner, position) IN (SELECT owner, position FROM r)",
    )
    .await
    .map_err(StorageError::doing("remove old events of sources"))
}
