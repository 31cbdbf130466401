//! How far each record stream is done with.

use jiff::Timestamp;

use crate::column::{Reading, millis};
use crate::sql::{self, Row};
use crate::{BadRow, Storage, StorageError, Write};

/// At most so many sources of one stream: hosts that were tried over the years.
const MOST_SOURCES: u32 = 100;

/// A place in a source of a stream: everything up to it is done with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamCursor {
    /// Whose positions these are: scheme, host and path.
    pub source: String,
    /// The position, as the source counts.
    pub position: i64,
    /// When the event at that position happened; to the microsecond.
    pub time: Timestamp,
}

/// The cursors of a store.
#[derive(Clone, Debug)]
pub struct StreamCursors {
    pub(crate) storage: Storage,
}

impl StreamCursors {
    /// Those of a stream, for each source that it was read from; the newest by time first, and no
    /// more than a hundred. One that cannot be read is left out and logged: what it stood for counts
    /// as missed.
    pub async fn list(&self, stream: &str) -> Result<Vec<StreamCursor>, StorageError> {
        let rows = sql::query(
            "SELECT * FROM stream_cursor WHERE stream = $1 ORDER BY time_us DESC LIMIT $2",
        )
        .bind(stream)
        .bind(MOST_SOURCES)
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("list a stream's cursors"))?;
        Ok(rows.iter().filter_map(readable).collect())
    }

    /// Moves a stream's cursor in a source, back as well: whoever saves it is the only one, see
    /// [`Claims::hold`](crate::Claims::hold), and a source may begin to count anew.
    pub async fn save(
        &self,
        tx: &mut Write,
        stream: &str,
        cursor: &StreamCursor,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        sql::query(
            "INSERT INTO stream_cursor (stream, source, position, time_us, saved_at)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (stream, source) DO UPDATE
             SET position = excluded.position, time_us = excluded.time_us,
                 saved_at = excluded.saved_at",
        )
        .bind(stream)
        .bind(&cursor.source)
        .bind(cursor.position)
        .bind(cursor.time.as_microsecond())
        .bind(millis(now))
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("save a stream's cursor"))?;
        Ok(())
    }
}

fn readable(row: &Row) -> Option<StreamCursor> {
    read(row)
        .inspect_err(|bad| {
            let error = bad as &dyn std::error::Error;
            tracing::error!(error, "a cursor of a record stream cannot be read");
        })
        .ok()
}

fn read(row: &Row) -> Result<StreamCursor, BadRow> {
    let unnamed = Reading::new("stream_cursor", "(unreadable)", row);
    let source: String = unnamed.get("source")?;
    let reading = Reading::new("stream_cursor", &source, row);
    Ok(StreamCursor {
        position: reading.get("position")?,
        time: reading.parse("time_us", Timestamp::from_microsecond)?,
        source,
    })
}
