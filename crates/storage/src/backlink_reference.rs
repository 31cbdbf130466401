//! What records referred to when they were last seen.
//!
//! Kept only of records that referred into what somebody watches, so that the end of such a reference
//! can be told as well. Losing a row loses nothing but that.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::column::{Reading, millis};
use crate::sql::{self, Columns, Kind, Rows};
use crate::{Storage, StorageError, Write};

/// The references of a store.
#[derive(Clone, Debug)]
pub struct BacklinkReferences {
    pub(crate) storage: Storage,
    pub(crate) most: u32,
}

const ROWS: Columns = &[
    ("uri", Kind::Text),
    ("targets", Kind::Text),
    ("expires_at", Kind::Integer),
];

const URIS: Columns = &[("uri", Kind::Text)];

impl BacklinkReferences {
    /// Most records whose references are kept; beyond, those that expire first go.
    pub const MOST: u32 = 100_000;
    /// Most bytes of one record's references; those of one with more are not kept.
    pub const MOST_BYTES: usize = 32 * 1024;
    /// For how long they are kept after the record was last seen.
    pub const LAST: SignedDuration = SignedDuration::from_hours(7 * 24);

    /// The same with room for so many records.
    #[must_use]
    pub fn with_most(self, most: u32) -> Self {
        Self { most, ..self }
    }

    /// What these records referred to, as it was put; those of which nothing is known are missing.
    pub async fn find(
        &self,
        tx: &mut Write,
        uris: &[&str],
    ) -> Result<HashMap<String, String>, StorageError> {
        let mut rows = Rows::new(URIS);
        for uri in uris {
            rows.push([(*uri).into()]);
        }
        let found = rows
            .fetch_all(
                tx.sql(),
                "SELECT b.uri, b.targets FROM r JOIN backlink_reference b ON b.uri = r.uri",
            )
            .await
            .map_err(StorageError::doing("find references"))?;
        let read = |row| {
            let unnamed = Reading::new("backlink_reference", "(unreadable)", row);
            let uri: String = unnamed.get("uri")?;
            let reading = Reading::new("backlink_reference", &uri, row);
            let targets = reading.get("targets")?;
            Ok((uri, targets))
        };
        found.iter().map(read).collect()
    }

    /// Keeps what records refer to now, each named once, in whatever words; of one that refers to
    /// nothing, which is an empty text, nothing is kept. How many had too much to be kept.
    pub async fn put(
        &self,
        tx: &mut Write,
        references: &[(&str, &str)],
        now: Timestamp,
    ) -> Result<usize, StorageError> {
        let expires_at = now.saturating_add(Self::LAST).unwrap_or(Timestamp::MAX);
        let (mut kept, mut gone) = (Rows::new(ROWS), Rows::new(URIS));
        let mut too_large = 0;
        let mut sorted: Vec<_> = references.iter().collect();
        sorted.sort_unstable();
        for &&(uri, targets) in &sorted {
            if targets.is_empty() || targets.len() > Self::MOST_BYTES {
                too_large += usize::from(!targets.is_empty());
                gone.push([uri.into()]);
            } else {
                kept.push([uri.into(), targets.into(), millis(expires_at).into()]);
            }
        }
        gone.execute(
            tx.sql(),
            "DELETE FROM backlink_reference WHERE uri IN (SELECT uri FROM r)",
        )
        .await
        .map_err(StorageError::doing("forget references"))?;
        if !kept.is_empty() {
            self.keep(tx, kept).await?;
        }
        Ok(too_large)
    }

    async fn keep(&self, tx: &mut Write, rows: Rows<'_>) -> Result<(), StorageError> {
        rows.execute(
            tx.sql(),
            "INSERT INTO backlink_reference (uri, targets, expires_at)
             SELECT r.uri, r.targets, r.expires_at FROM r WHERE true
             ON CONFLICT (uri) DO UPDATE
             SET targets = excluded.targets, expires_at = excluded.expires_at",
        )
        .await
        .map_err(StorageError::doing("keep references"))?;
        let kept: i64 = sql::query_scalar("SELECT count(*) FROM backlink_reference")
            .fetch_one(tx.sql())
            .await
            .map_err(StorageError::doing("count references"))?;
        let over = kept - i64::from(self.most);
        if over > 0 {
            sql::query(
                "DELETE FROM backlink_reference WHERE uri IN
                     (SELECT uri FROM backlink_reference ORDER BY expires_at, uri LIMIT $1)",
            )
            .bind(over)
            .execute(tx.sql())
            .await
            .map_err(StorageError::doing("make room for references"))?;
        }
        Ok(())
    }

    /// Forgets at most `limit` that have expired; how many those were.
    pub async fn sweep(&self, now: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let sql = "DELETE FROM backlink_reference WHERE uri IN
                 (SELECT uri FROM backlink_reference WHERE expires_at <= $1
                  ORDER BY expires_at LIMIT $2)";
        self.storage
            .forget(sql, now, limit, "forget references")
            .await
    }
}
