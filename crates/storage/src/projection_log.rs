//! The log of a projection's notifications: read by those who poll and stream, and swept.

use jiff::Timestamp;

use crate::column::{Reading, millis};
use crate::sql::{self, Columns, Kind, Row, Rows};
use crate::{BadRow, ProjectionId, Projections, StorageError};

/// A notification of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its number among those of its projection.
    pub sequence: i64,
    /// The envelope, JSON, as it was made.
    pub body: String,
}

/// A notification that is old enough for the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldNotice {
    /// Whose it is.
    pub projection: ProjectionId,
    /// The notification.
    pub notice: Notice,
}

/// Rows that one transaction removes.
const PART: u32 = 1000;

impl Projections {
    /// At most `limit` notifications after the number, ascending.
    pub async fn notices_after(
        &self,
        id: ProjectionId,
        sequence: i64,
        limit: u32,
    ) -> Result<Vec<Notice>, StorageError> {
        let rows = sql::query(
            "SELECT sequence, body FROM projection_notice
             WHERE projection = $1 AND sequence > $2 ORDER BY sequence LIMIT $3",
        )
        .bind(&id.as_bytes()[..])
        .bind(sequence)
        .bind(limit)
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("list notifications of a projection"))?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// The latest notifications, at most `limit` of them, ascending as well.
    pub async fn latest_notices(
        &self,
        id: ProjectionId,
        limit: u32,
    ) -> Result<Vec<Notice>, StorageError> {
        let rows = sql::query(
            "SELECT sequence, body FROM projection_notice
             WHERE projection = $1 ORDER BY sequence DESC LIMIT $2",
        )
        .bind(&id.as_bytes()[..])
        .bind(limit)
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("list the latest notifications"))?;
        Ok(rows.iter().rev().map(read).collect::<Result<_, _>>()?)
    }

    /// At most `limit` notifications that were made before that time.
    pub async fn old_notices(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<OldNotice>, StorageError> {
        let rows = sql::query(
            "SELECT projection, sequence, body FROM projection_notice WHERE created_at < $1
             ORDER BY created_at, projection, sequence LIMIT $2",
        )
        .bind(millis(before))
        .bind(limit)
        .fetch_all(self.storage.engine_readers())
        .await
        .map_err(StorageError::doing("list old notifications of projections"))?;
        let read = |row| {
            let reading = Reading::new("projection_notice", "(old)", row);
            Ok(OldNotice {
                projection: reading.parse("projection", ProjectionId::from_slice)?,
                notice: read(row)?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Removes these notifications.
    pub async fn remove_notices(&self, old: &[OldNotice]) -> Result<u64, StorageError> {
        const OLD: Columns = &[("projection", Kind::Blob), ("sequence", Kind::Integer)];
        let mut rows = Rows::new(OLD);
        for OldNotice { projection, notice } in old {
            rows.push([projection.as_bytes()[..].into(), notice.sequence.into()]);
        }
        let mut tx = self.storage.begin().await?;
        let removed = rows
            .execute(
                tx.sql(),
                "DELETE FROM projection_notice
                 WHERE (projection, sequence) IN (SELECT projection, sequence FROM r)",
            )
            .await
            .map_err(StorageError::doing(
                "remove old notifications of projections",
            ))?;
        tx.commit().await?;
        Ok(removed)
    }

    /// Removes a part of what nobody can see any more: states of before a new beginning, and all of
    /// projections that were deleted. How many rows went; with 0, nothing is left.
    pub async fn sweep(&self) -> Result<u64, StorageError> {
        const PARTS: [&str; 3] = [
            "DELETE FROM projection_state WHERE (projection, generation, key) IN
                 (SELECT s.projection, s.generation, s.key FROM projection p
                  JOIN projection_state s ON s.projection = p.id
                  WHERE p.status = 'deleted' OR s.generation < p.generation LIMIT $1)",
            "DELETE FROM projection_notice WHERE (projection, sequence) IN
                 (SELECT n.projection, n.sequence FROM projection p
                  JOIN projection_notice n ON n.projection = p.id
                  WHERE p.status = 'deleted' LIMIT $1)",
            "DELETE FROM projection WHERE id IN
                 (SELECT p.id FROM projection p WHERE p.status = 'deleted'
                      AND NOT EXISTS
                          (SELECT 1 FROM projection_state s WHERE s.projection = p.id)
                      AND NOT EXISTS
                          (SELECT 1 FROM projection_notice n WHERE n.projection = p.id)
                  LIMIT $1)",
        ];
        let mut tx = self.storage.begin().await?;
        let mut swept = 0;
        for part in PARTS {
            swept += sql::query(part)
                .bind(PART)
                .execute(tx.sql())
                .await
                .map_err(StorageError::doing("sweep projections"))?;
        }
        tx.commit().await?;
        Ok(swept)
    }
}

fn read(row: &Row) -> Result<Notice, BadRow> {
    let reading = Reading::new("projection_notice", "(listed)", row);
    Ok(Notice {
        sequence: reading.get("sequence")?,
        body: reading.get("body")?,
    })
}
