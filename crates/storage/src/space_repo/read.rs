//! Reading: records, the log, and everything at one moment.

use loggia_space::{Operation, OperationPlace, RecordPath};
use loggia_syntax::{Cid, Nsid, Tid};

use super::{RepoName, RepoState, SpaceRepos, find, path};
use crate::column::Reading;
use crate::sql::{self, Columns, Kind, Row, Rows};
use crate::{BadRow, StorageError};

/// A record as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// Which record.
    pub path: RecordPath,
    /// What its bytes hash to.
    pub cid: Cid,
    /// How many bytes those are.
    pub size: u32,
}

/// Which records are to be listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordRange<'a> {
    /// Of this collection only.
    pub collection: Option<&'a Nsid>,
    /// From after this one on.
    pub after: Option<&'a RecordPath>,
    /// Whether the first in the alphabet comes first.
    pub ascending: bool,
    /// At most so many.
    pub limit: u32,
}

/// A change on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedOperation {
    /// What happened.
    pub operation: Operation,
    /// Where it stands.
    pub place: OperationPlace,
    /// How many bytes the record has that it led to, if that is still there.
    pub size: Option<u32>,
}

impl SpaceRepos {
    /// A record's hash and bytes.
    pub async fn find_record(
        &self,
        repo: &RepoState,
        path: &RecordPath,
    ) -> Result<Option<(Cid, Vec<u8>)>, StorageError> {
        let row = sql::query(
            "SELECT cid, value FROM space_record WHERE repo = $1 AND collection = $2 AND rkey = $3",
        )
        .bind(repo.id)
        .bind(path.collection.as_str())
        .bind(path.rkey.as_str())
        .fetch_optional(self.storage.readers())
        .await
        .map_err(StorageError::doing("find a record"))?;
        let Some(row) = row else {
            return Ok(None);
        };
        let reading = Reading::new("space_record", path, &row);
        let cid = reading.parse("cid", |text: &str| Cid::new(text))?;
        Ok(Some((cid, reading.get("value")?)))
    }

    /// The records of a range, in the order of their paths as texts.
    pub async fn list_records(
        &self,
        repo: &RepoState,
        range: &RecordRange<'_>,
    ) -> Result<Vec<StoredRecord>, StorageError> {
        let text = match (range.ascending, range.after.is_some()) {
            (true, true) => {
                "SELECT collection, rkey, cid, length(value) AS size FROM space_record
                 WHERE repo = $1 AND ($2 = '' OR collection = $2)
                     AND (collection, rkey) > ($3, $4)
                 ORDER BY collection, rkey LIMIT $5"
            }
            (false, true) => {
                "SELECT collection, rkey, cid, length(value) AS size FROM space_record
                 WHERE repo = $1 AND ($2 = '' OR collection = $2)
                     AND (collection, rkey) < ($3, $4)
                 ORDER BY collection DESC, rkey DESC LIMIT $5"
            }
            (true, false) => {
                "SELECT collection, rkey, cid, length(value) AS size FROM space_record
                 WHERE repo = $1 AND ($2 = '' OR collection = $2) AND $3 = $4
                 ORDER BY collection, rkey LIMIT $5"
            }
            (false, false) => {
                "SELECT collection, rkey, cid, length(value) AS size FROM space_record
                 WHERE repo = $1 AND ($2 = '' OR collection = $2) AND $3 = $4
                 ORDER BY collection DESC, rkey DESC LIMIT $5"
            }
        };
        let after = |part: fn(&RecordPath) -> &str| range.after.map_or("", part);
        let rows = sql::query(text)
            .bind(repo.id)
            .bind(range.collection.map_or("", Nsid::as_str))
            .bind(after(|path| path.collection.as_str()))
            .bind(after(|path| path.rkey.as_str()))
            .bind(range.limit)
            .fetch_all(self.storage.readers())
            .await
            .map_err(StorageError::doing("list records"))?;
        let read = |row| stored(repo, row);
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// The bytes of these records, in any order; of those that are gone, nothing.
    pub async fn values(
        &self,
        repo: &RepoState,
        paths: impl IntoIterator<Item = &RecordPath>,
    ) -> Result<Vec<(RecordPath, Cid, Vec<u8>)>, StorageError> {
        const PATHS: Columns = &[
            ("repo", Kind::Integer),
            ("collection", Kind::Text),
            ("rkey", Kind::Text),
        ];
        let doing = StorageError::doing("read records");
        let mut rows = Rows::new(PATHS);
        for path in paths {
            let (collection, rkey) = (path.collection.as_str(), path.rkey.as_str());
            rows.push([repo.id.into(), collection.into(), rkey.into()]);
        }
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let text = "SELECT s.collection, s.rkey, s.cid, s.value FROM r JOIN space_record s
             ON s.repo = r.repo AND s.collection = r.collection AND s.rkey = r.rkey";
        let rows = async {
            let mut connection = self.storage.readers().acquire().await?;
            rows.fetch_all(&mut connection, text).await
        };
        let rows = rows.await.map_err(doing)?;
        let read = |row: &Row| {
            let reading = Reading::new("space_record", repo.id, row);
            let cid = reading.parse("cid", |text: &str| Cid::new(text))?;
            Ok((path(&reading)?, cid, reading.get("value")?))
        };
        Ok(rows.iter().map(read).collect::<Result<_, BadRow>>()?)
    }

    /// A repository and all of its records, as they were together at one moment; none if it was
    /// never written, or is written faster than it can be read.
    pub async fn snapshot(
        &self,
        repo: &RepoName,
    ) -> Result<Option<(RepoState, Vec<StoredRecord>)>, StorageError> {
        /// Reading takes longer than writing only where somebody writes all the time.
        const TRIES: u32 = 5;
        for _ in 0..TRIES {
            let Some(before) = self.state(repo).await? else {
                return Ok(None);
            };
            let rows = sql::query(
                "SELECT collection, rkey, cid, length(value) AS size FROM space_record
                 WHERE repo = $1",
            )
            .bind(before.id)
            .fetch_all(self.storage.readers())
            .await
            .map_err(StorageError::doing("list all records"))?;
            if find(self.storage.readers(), repo).await?.as_ref() == Some(&before) {
                let read = |row| stored(&before, row);
                let records = rows.iter().map(read).collect::<Result<_, _>>()?;
                return Ok(Some((before, records)));
            }
        }
        Ok(None)
    }

    /// At most `limit` operations after this place, oldest first; without a number, after all of that
    /// revision.
    pub async fn list_operations(
        &self,
        repo: &RepoState,
        after: Option<(&Tid, Option<u32>)>,
        limit: u32,
    ) -> Result<Vec<LoggedOperation>, StorageError> {
        let (rev, number) = after.map_or(("", -1), |(rev, number)| {
            (rev.as_str(), number.map_or(i64::MAX, i64::from))
        });
        let rows = sql::query(
            "SELECT o.rev, o.number, o.collection, o.rkey, o.cid, o.prev, length(s.value) AS size
             FROM space_operation o LEFT JOIN space_record s ON s.repo = o.repo
                 AND s.collection = o.collection AND s.rkey = o.rkey AND s.cid = o.cid
             WHERE o.repo = $1 AND (o.rev, o.number) > ($2, $3)
             ORDER BY o.rev, o.number LIMIT $4",
        )
        .bind(repo.id)
        .bind(rev)
        .bind(number)
        .bind(limit)
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("list operations"))?;
        let read = |row| logged(repo, row);
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }
}

fn stored(repo: &RepoState, row: &Row) -> Result<StoredRecord, BadRow> {
    let reading = Reading::new("space_record", repo.id, row);
    Ok(StoredRecord {
        path: path(&reading)?,
        cid: reading.parse("cid", |text: &str| Cid::new(text))?,
        size: reading.count("size")?,
    })
}

fn logged(repo: &RepoState, row: &Row) -> Result<LoggedOperation, BadRow> {
    let reading = Reading::new("space_operation", repo.id, row);
    let RecordPath { collection, rkey } = path(&reading)?;
    let cid = |column| match reading.get::<Option<&str>>(column)? {
        Some(text) => Cid::new(text)
            .map(Some)
            .map_err(|error| reading.bad(column, Some(error.into()))),
        None => Ok(None),
    };
    let rev = reading.parse("rev", |text: &str| Tid::new(text))?;
    let place = OperationPlace {
        rev: rev.clone(),
        number: reading.count("number")?,
    };
    let size = reading.get::<Option<i64>>("size")?;
    Ok(LoggedOperation {
        operation: Operation {
            rev,
            collection,
            rkey,
            cid: cid("cid")?,
            prev: cid("prev")?,
        },
        place,
        size: size.map(|size| u32::try_from(size).unwrap_or(u32::MAX)),
    })
}
