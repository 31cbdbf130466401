//! Blobs: what accounts upload, and records in spaces refer to.

use jiff::Timestamp;
use loggia_syntax::{Cid, Did, Tid};

use crate::column::{Reading, millis};
use crate::sql::{self, Row};
use crate::{BadRow, RepoState, Storage, StorageError, Write};

/// A blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// What its bytes hash to.
    pub cid: Cid,
    /// What they are: as its uploader says, or as a record does that refers to them.
    pub mime_type: String,
    /// The bytes.
    pub data: Vec<u8>,
}

/// What became of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Kept {
    /// It is here.
    Kept,
    /// The account has as many bytes as are allowed.
    Full,
    /// The same bytes were uploaded as [`Blobs::MOST_TYPES`] types already.
    TooManyTypes,
}

/// Which of the blobs of a repository are to be listed.
#[derive(Clone, Copy, Debug)]
pub struct ReferredBlobs<'a> {
    /// Those that a record refers to which was written after this revision.
    pub since: Option<&'a Tid>,
    /// Those whose hash comes after this text.
    pub after: &'a str,
    /// At most so many.
    pub limit: u32,
}

/// The blobs of a store.
#[derive(Clone, Debug)]
pub struct Blobs {
    pub(crate) storage: Storage,
}

impl Blobs {
    /// Types that the same bytes are uploaded as.
    pub const MOST_TYPES: usize = 16;

    /// Keeps an upload, unless its account then has more than `most` bytes. The same bytes are kept
    /// once, with every type that they were uploaded as; their age counts from the last upload.
    pub async fn insert(
        &self,
        tx: &mut Write,
        author: &Did,
        blob: &Blob,
        most: u64,
        now: Timestamp,
    ) -> Result<Kept, StorageError> {
        tx.sql().hold(&format!("blobs of {author}")).await?;
        let Some(other_types) = other_types(tx, author, blob).await? else {
            return Ok(Kept::TooManyTypes);
        };
        let size = i64::try_from(blob.data.len()).unwrap_or(i64::MAX);
        let kept = sql::query(
            "INSERT INTO blob (author, cid, mime_type, size, data, uploaded_at, other_types)
             SELECT $1, $2, $3, $4, $5, $6, $8
             WHERE (SELECT coalesce(sum(size), 0) FROM blob WHERE author = $1 AND cid <> $2) + $4
                 <= $7
             ON CONFLICT (author, cid) DO UPDATE
             SET other_types = excluded.other_types, uploaded_at = excluded.uploaded_at",
        )
        .bind(author.as_str())
        .bind(blob.cid.as_str())
        .bind(&blob.mime_type)
        .bind(size)
        .bind(&blob.data)
        .bind(millis(now))
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .bind(other_types)
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("keep a blob"))?;
        Ok(if kept == 1 { Kept::Kept } else { Kept::Full })
    }

    /// A blob that some record of this repository refers to, and as what.
    pub async fn find(
        &self,
        author: &Did,
        repo: &RepoState,
        cid: &Cid,
    ) -> Result<Option<Blob>, StorageError> {
        let row = sql::query(
            "SELECT CASE s.mime_type WHEN '' THEN b.mime_type ELSE s.mime_type END AS mime_type, b.data
             FROM blob b JOIN space_blob s ON s.repo = $3 AND s.cid = b.cid
             WHERE b.author = $1 AND b.cid = $2 ORDER BY s.rev, s.collection, s.rkey LIMIT 1",
        )
        .bind(author.as_str())
        .bind(cid.as_str())
        .bind(repo.id)
        .fetch_optional(self.storage.readers())
        .await
        .map_err(StorageError::doing("find a blob"))?;
        Ok(row.as_ref().map(|row| read(cid, row)).transpose()?)
    }

    /// The hashes of the blobs that records of this repository refer to, in their order.
    pub async fn list(
        &self,
        repo: &RepoState,
        wanted: ReferredBlobs<'_>,
    ) -> Result<Vec<Cid>, StorageError> {
        let rows = sql::query(
            "SELECT DISTINCT cid FROM space_blob WHERE repo = $1 AND rev > $2 AND cid > $3
             ORDER BY cid LIMIT $4",
        )
        .bind(repo.id)
        .bind(wanted.since.map_or("", Tid::as_str))
        .bind(wanted.after)
        .bind(wanted.limit)
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("list blobs"))?;
        let read = |row: &Row| {
            let reading = Reading::new("space_blob", repo.id, row);
            reading.parse("cid", |text: &str| Cid::new(text))
        };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// Removes at most `limit` blobs that were uploaded before this time and that no record refers
    /// to; how many those were.
    pub async fn sweep(&self, before: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let sql = "DELETE FROM blob WHERE (author, cid) IN
                 (SELECT b.author, b.cid FROM blob b WHERE b.uploaded_at < $1
                      AND NOT EXISTS (SELECT 1 FROM space_blob s JOIN space_repo r ON r.id = s.repo
                                      WHERE s.cid = b.cid AND r.author = b.author)
                  ORDER BY b.uploaded_at LIMIT $2)";
        self.storage
            .forget(sql, before, limit, "forget blobs that nothing refers to")
            .await
    }
}

/// What else an upload's bytes were uploaded as, with it, than they were at first; none if that is too
/// much.
async fn other_types(
    tx: &mut Write,
    author: &Did,
    blob: &Blob,
) -> Result<Option<String>, StorageError> {
    let row = sql::query("SELECT mime_type, other_types FROM blob WHERE author = $1 AND cid = $2")
        .bind(author.as_str())
        .bind(blob.cid.as_str())
        .fetch_optional(tx.sql())
        .await
        .map_err(StorageError::doing("find what a blob was uploaded as"))?;
    let Some(row) = row else {
        return Ok(Some(String::new()));
    };
    let reading = Reading::new("blob", &blob.cid, &row);
    let (first, mut others): (String, String) =
        (reading.get("mime_type")?, reading.get("other_types")?);
    if first == blob.mime_type || others.lines().any(|one| one == blob.mime_type) {
        return Ok(Some(others));
    }
    if others.lines().count() + 1 >= Blobs::MOST_TYPES {
        return Ok(None);
    }
    others.push_str(&blob.mime_type);
    others.push('\n');
    Ok(Some(others))
}

fn read(cid: &Cid, row: &Row) -> Result<Blob, BadRow> {
    let reading = Reading::new("blob", cid, row);
    Ok(Blob {
        cid: cid.clone(),
        mime_type: reading.get("mime_type")?,
        data: reading.get("data")?,
    })
}
