//! Copies of repositories that are hosted elsewhere: how far each was proved, and which records it has.
//!
//! A copy is read, compared with what the author's host says outside of any transaction, and moved on by
//! [`SpaceCopies::forward`], which does nothing if somebody else has moved it meanwhile.

mod forward;
mod here;
mod spaces;
mod trouble;

use loggia_space::{RecordPath, SetHash};
use loggia_syntax::{Cid, Did, Nsid, RecordKey, SpaceRef, Tid};

use crate::column::Reading;
use crate::sql::{self, Columns, Connection, Executor, Kind, Row, Rows};
use crate::{BadRow, RepoName, Storage, StorageError, Write};

pub use forward::Forward;
pub use here::Begun;
pub use spaces::{CopiedSpace, Sequel};
pub use trouble::Retry;

/// Bytes of a trouble that are kept.
const MOST_TROUBLE: usize = 500;

/// A copy at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpaceCopy {
    pub(crate) id: i64,
    /// Whose repository in which space.
    pub name: RepoName,
    /// The revision up to which it was proved; none if it never was.
    pub rev: Option<Tid>,
    /// The hash over the records that it has.
    pub hash: SetHash,
    /// How many those are.
    pub records: u32,
    /// What is not later than this is told to nobody: it was there before anybody asked.
    pub quiet_until: Option<Tid>,
    /// Why it does not go on, if it does not.
    pub trouble: Option<String>,
    pub(crate) version: i64,
}

/// The copies of a store.
#[derive(Clone, Debug)]
pub struct SpaceCopies {
    pub(crate) storage: Storage,
}

impl SpaceCopies {
    /// Spaces that are copied at a time.
    pub const MOST_SPACES: u32 = 1_000;
    /// Those of one authority, so that none takes the places of the others.
    pub const MOST_OF_AUTHORITY: u32 = 100;
    /// Repositories that are copied of one space.
    pub const MOST_REPOS: u32 = 10_000;

    /// A copy, if there is one.
    pub async fn find(&self, name: &RepoName) -> Result<Option<SpaceCopy>, StorageError> {
        find(self.storage.readers(), name).await
    }

    /// The same within a transaction.
    pub async fn find_in(
        &self,
        tx: &mut Write,
        name: &RepoName,
    ) -> Result<Option<SpaceCopy>, StorageError> {
        find(tx.sql(), name).await
    }

    /// The copies of a space, at most `limit` in the order of their authors, from after one on.
    pub async fn list(
        &self,
        space: &SpaceRef,
        after: Option<&Did>,
        limit: u32,
    ) -> Result<Vec<SpaceCopy>, StorageError> {
        let rows = sql::query(
            "SELECT * FROM space_copy WHERE space = $1 AND author > $2 ORDER BY author LIMIT $3",
        )
        .bind(space.as_str())
        .bind(after.map_or("", Did::as_str))
        .bind(limit)
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("list copies"))?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// How far each copy of a space was proved, where it was and is not in trouble.
    pub async fn revs(&self, space: &SpaceRef) -> Result<Vec<(Did, Tid)>, StorageError> {
        let rows = sql::query(
            "SELECT author, rev FROM space_copy
             WHERE space = $1 AND rev IS NOT NULL AND trouble IS NULL",
        )
        .bind(space.as_str())
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("list how far copies are"))?;
        let read = |row: &Row| {
            let reading = Reading::new("space_copy", space, row);
            let author = reading.parse("author", |text: &str| Did::new(text))?;
            Ok((author, reading.parse("rev", |text: &str| Tid::new(text))?))
        };
        Ok(rows.iter().map(read).collect::<Result<_, BadRow>>()?)
    }

    /// What there is of a space is neither begun, moved on nor forgotten by anybody else until the
    /// transaction ends.
    pub async fn hold(&self, tx: &mut Write, space: &SpaceRef) -> Result<(), StorageError> {
        hold(tx.sql(), space).await
    }

    /// Begins copies of these authors where there is none, empty; whether they all have one now, unless
    /// the space is copied no longer. They have not if it would have more than
    /// [`SpaceCopies::MOST_REPOS`]; then the transaction is better undone.
    pub async fn begin(
        &self,
        tx: &mut Write,
        space: &CopiedSpace,
        authors: &[Did],
    ) -> Result<bool, StorageError> {
        let quiet_until = (!space.is_listed).then_some(&space.since);
        self.begin_from(tx, &space.space, authors, quiet_until)
            .await
    }

    /// The same, where what is not later than a revision is told to nobody.
    async fn begin_from(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        authors: &[Did],
        quiet_until: Option<&Tid>,
    ) -> Result<bool, StorageError> {
        const NEW: Columns = &[
            ("space", Kind::Text),
            ("author", Kind::Text),
            ("state", Kind::Blob),
            ("quiet_until", Kind::Text),
        ];
        hold(tx.sql(), space).await?;
        // In one order, so that no two who begin the same ones wait for each other.
        let mut authors: Vec<_> = authors.iter().map(Did::as_str).collect();
        authors.sort_unstable();
        authors.dedup();
        let empty = SetHash::new().state();
        let mut rows = Rows::new(NEW);
        for author in authors {
            rows.push([
                space.as_str().into(),
                author.into(),
                (&empty).into(),
                quiet_until.map(Tid::as_str).into(),
            ]);
        }
        let begun = rows
            .execute(
                tx.sql(),
                "INSERT INTO space_copy (space, author, state, records, version, quiet_until)
                 SELECT r.space, r.author, r.state, 0, 0, r.quiet_until FROM r
                 WHERE EXISTS (SELECT 1 FROM copied_space c WHERE c.space = r.space)
                 ON CONFLICT (space, author) DO NOTHING",
            )
            .await
            .map_err(StorageError::doing("begin copies"))?;
        if begun == 0 {
            return Ok(true);
        }
        Ok(self.count(tx, space).await? <= i64::from(Self::MOST_REPOS))
    }

    async fn count(&self, tx: &mut Write, space: &SpaceRef) -> Result<i64, StorageError> {
        sql::query_scalar("SELECT count(*) FROM space_copy WHERE space = $1")
            .bind(space.as_str())
            .fetch_one(tx.sql())
            .await
            .map_err(StorageError::doing("count copies"))
    }

    /// What the copy has at these places.
    pub async fn held(
        &self,
        copy: &SpaceCopy,
        paths: impl IntoIterator<Item = &RecordPath>,
    ) -> Result<Vec<(RecordPath, Cid)>, StorageError> {
        const PLACES: Columns = &[
            ("copy", Kind::Integer),
            ("collection", Kind::Text),
            ("rkey", Kind::Text),
        ];
        let mut rows = Rows::new(PLACES);
        for path in paths {
            let (collection, rkey) = (path.collection.as_str(), path.rkey.as_str());
            rows.push([copy.id.into(), collection.into(), rkey.into()]);
        }
        let found = async {
            let mut connection = self.storage.readers().acquire().await?;
            let text = "SELECT s.collection, s.rkey, s.cid FROM r JOIN space_copy_record s
                 ON s.copy = r.copy AND s.collection = r.collection AND s.rkey = r.rkey";
            rows.fetch_all(&mut connection, text).await
        };
        let rows = found
            .await
            .map_err(StorageError::doing("find records of a copy"))?;
        Ok(rows.iter().map(record).collect::<Result<_, _>>()?)
    }

    /// Everything that the copy has.
    pub async fn records(&self, copy: &SpaceCopy) -> Result<Vec<(RecordPath, Cid)>, StorageError> {
        let rows =
            sql::query("SELECT collection, rkey, cid FROM space_copy_record WHERE copy = $1")
                .bind(copy.id)
                .fetch_all(self.storage.readers())
                .await
                .map_err(StorageError::doing("list records of a copy"))?;
        Ok(rows.iter().map(record).collect::<Result<_, _>>()?)
    }
}

/// What there is of a space is neither begun, moved on nor forgotten by anybody else until the transaction
/// ends: nothing is left over of what was forgotten.
async fn hold(connection: &mut Connection, space: &SpaceRef) -> Result<(), StorageError> {
    connection.hold(&format!("copies of {space}")).await
}

async fn find(on: impl Executor, name: &RepoName) -> Result<Option<SpaceCopy>, StorageError> {
    let row = sql::query("SELECT * FROM space_copy WHERE space = $1 AND author = $2")
        .bind(name.space.as_str())
        .bind(name.author.as_str())
        .fetch_optional(on)
        .await
        .map_err(StorageError::doing("find a copy"))?;
    Ok(row.as_ref().map(read).transpose()?)
}

fn read(row: &Row) -> Result<SpaceCopy, BadRow> {
    let unnamed = Reading::new("space_copy", "(unreadable)", row);
    let id = unnamed.get("id")?;
    let reading = Reading::new("space_copy", id, row);
    Ok(SpaceCopy {
        id,
        name: RepoName {
            author: reading.parse("author", |text: &str| Did::new(text))?,
            space: reading.parse("space", |text: &str| SpaceRef::new(text))?,
        },
        rev: maybe_tid(&reading, "rev")?,
        hash: reading.parse("state", SetHash::from_state)?,
        records: reading.count("records")?,
        quiet_until: maybe_tid(&reading, "quiet_until")?,
        trouble: reading.get("trouble")?,
        version: reading.get("version")?,
    })
}

fn maybe_tid(reading: &Reading<'_>, column: &'static str) -> Result<Option<Tid>, BadRow> {
    let text: Option<&str> = reading.get(column)?;
    let tid = text.map(Tid::new).transpose();
    tid.map_err(|error| reading.bad(column, Some(error.into())))
}

fn record(row: &Row) -> Result<(RecordPath, Cid), BadRow> {
    let reading = Reading::new("space_copy_record", "(unnamed)", row);
    let path = RecordPath {
        collection: reading.parse("collection", |text: &str| Nsid::new(text))?,
        rkey: reading.parse("rkey", |text: &str| RecordKey::new(text))?,
    };
    Ok((path, reading.parse("cid", |text: &str| Cid::new(text))?))
}
