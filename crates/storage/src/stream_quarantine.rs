//! Frames of record streams that could not be read: what is known of them, never what they held.

use jiff::Timestamp;

use crate::column::{Reading, millis};
use crate::sql::{self, Row};
use crate::{BadRow, Storage, StorageError, Write};

/// A frame that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantinedFrame {
    /// The SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// Why it could not be read.
    pub reason: String,
    /// Where in the stream, if even that could be read.
    pub position: Option<i64>,
    /// How often it came.
    pub seen: u32,
    /// When it came first.
    pub first_at: Timestamp,
    /// When it came last.
    pub last_at: Timestamp,
}

/// The frames that were put aside in a store.
#[derive(Clone, Debug)]
pub struct StreamQuarantine {
    pub(crate) storage: Storage,
    pub(crate) most: u32,
}

impl StreamQuarantine {
    /// Most frames that are kept, of all streams; beyond, those that were not seen for longest go.
    pub const MOST: u32 = 1000;
    /// Bytes of a reason that are kept.
    const MOST_REASON: usize = 200;

    /// The same with room for so many frames.
    #[must_use]
    pub fn with_most(self, most: u32) -> Self {
        Self { most, ..self }
    }

    /// Puts a frame aside, or counts it if it came before.
    pub async fn put(
        &self,
        tx: &mut Write,
        stream: &str,
        sha256: &str,
        reason: &str,
        position: Option<i64>,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let reason = &reason[..reason.floor_char_boundary(Self::MOST_REASON)];
        sql::query(
            "INSERT INTO stream_quarantine
                 (stream, sha256, reason, position, seen, first_at, last_at)
             VALUES ($1, $2, $3, $4, 1, $5, $5)
             ON CONFLICT (stream, sha256) DO UPDATE
             SET seen = stream_quarantine.seen + 1, last_at = excluded.last_at",
        )
        .bind(stream)
        .bind(sha256)
        .bind(reason)
        .bind(position)
        .bind(millis(now))
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("put a frame aside"))?;
        Ok(())
    }

    /// Removes what is beyond the most that are kept. In the transaction that put some aside.
    pub async fn trim(&self, tx: &mut Write) -> Result<(), StorageError> {
        let kept: i64 = sql::query_scalar("SELECT count(*) FROM stream_quarantine")
            .fetch_one(tx.sql())
            .await
            .map_err(StorageError::doing("count frames put aside"))?;
        let over = kept - i64::from(self.most);
        if over <= 0 {
            return Ok(());
        }
        sql::query(
            "DELETE FROM stream_quarantine WHERE (stream, sha256) IN
                 (SELECT stream, sha256 FROM stream_quarantine
                  ORDER BY last_at, stream, sha256 LIMIT $1)",
        )
        .bind(over)
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("remove frames put aside"))?;
        Ok(())
    }

    /// The frames of a stream that were put aside, the last ones first.
    pub async fn list(
        &self,
        stream: &str,
        limit: u32,
    ) -> Result<Vec<QuarantinedFrame>, StorageError> {
        let rows = sql::query(
            "SELECT * FROM stream_quarantine WHERE stream = $1
             ORDER BY last_at DESC, sha256 LIMIT $2",
        )
        .bind(stream)
        .bind(limit)
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("list frames put aside"))?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }
}

fn read(row: &Row) -> Result<QuarantinedFrame, BadRow> {
    let unnamed = Reading::new("stream_quarantine", "(unreadable)", row);
    let sha256: String = unnamed.get("sha256")?;
    let reading = Reading::new("stream_quarantine", &sha256, row);
    Ok(QuarantinedFrame {
        reason: reading.get("reason")?,
        position: reading.get("position")?,
        seen: reading.count("seen")?,
        first_at: reading.time("first_at")?,
        last_at: reading.time("last_at")?,
        sha256,
    })
}
