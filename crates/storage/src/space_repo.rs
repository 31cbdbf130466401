//! What authors have in spaces: records, the log of changes, and the hash over all of it.
//!
//! Every change goes through [`SpaceRepos::write`].

mod blobs;
mod change;
mod log;
mod read;
mod write;

use loggia_space::{RecordPath, SetHash};
use loggia_syntax::{Cid, Did, Nsid, RecordKey, SpaceRef, Tid};

use crate::column::Reading;
use crate::sql::{self, Executor, Row};
use crate::{BadRow, Storage, StorageError, Write};

pub use change::{BlobClaim, RecordAction, RecordValue, RecordWrite, Unwritten};
pub use log::LogPlace;
pub use read::{LoggedOperation, RecordRange, StoredRecord};
pub(crate) use write::next_rev;

/// What one author has in one space.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RepoName {
    /// Whose it is.
    pub author: Did,
    /// Where.
    pub space: SpaceRef,
}

/// A repository at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepoState {
    pub(crate) id: i64,
    /// The newest revision.
    pub rev: Tid,
    /// The hash over its records.
    pub hash: SetHash,
    /// How many records there are.
    pub records: u32,
}

/// What a write has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The revision that all of its changes have.
    pub rev: Tid,
    /// The digest over all records afterwards.
    pub hash: [u8; 32],
    /// The changes, in order.
    pub changes: Vec<Changed>,
}

/// A record that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Its collection.
    pub collection: Nsid,
    /// Its key there.
    pub rkey: RecordKey,
    /// What it is now; nothing if it was deleted.
    pub cid: Option<Cid>,
    /// What it was; nothing if it is new.
    pub prev: Option<Cid>,
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Wrote {
    /// All of it happened.
    Written(Written),
    /// Everything is as it should be already.
    Unchanged,
    /// Nothing happened, for this reason.
    Refused(Unwritten),
}

/// The repositories of a store.
#[derive(Clone, Debug)]
pub struct SpaceRepos {
    pub(crate) storage: Storage,
}

impl SpaceRepos {
    /// The repository as it is; none if it was never written.
    pub async fn state(&self, repo: &RepoName) -> Result<Option<RepoState>, StorageError> {
        find(self.storage.readers(), repo).await
    }

    /// Lets nobody else change a repository until the transaction ends.
    pub(crate) async fn hold(&self, tx: &mut Write, repo: &RepoName) -> Result<(), StorageError> {
        write::hold(tx, repo).await
    }

    /// Removes a repository with everything in it, at most so many rows of each kind; whether nothing is
    /// left. What is left fits nothing, and is shown to nobody.
    pub async fn delete_part(
        &self,
        tx: &mut Write,
        repo: &RepoName,
        limit: u32,
    ) -> Result<bool, StorageError> {
        write::hold(tx, repo).await?;
        let Some(state) = find(tx.sql(), repo).await? else {
            return Ok(true);
        };
        for statement in [
            "DELETE FROM space_blob WHERE (repo, cid, collection, rkey) IN
                 (SELECT repo, cid, collection, rkey FROM space_blob WHERE repo = $1 LIMIT $2)",
            "DELETE FROM space_operation WHERE (repo, rev, number) IN
                 (SELECT repo, rev, number FROM space_operation WHERE repo = $1 LIMIT $2)",
            "DELETE FROM space_record WHERE (repo, collection, rkey) IN
                 (SELECT repo, collection, rkey FROM space_record WHERE repo = $1 LIMIT $2)",
        ] {
            let deleted = sql::query(statement)
                .bind(state.id)
                .bind(limit)
                .execute(tx.sql())
                .await
                .map_err(StorageError::doing("delete a repository"))?;
            if deleted >= u64::from(limit) {
                return Ok(false);
            }
        }
        sql::query("DELETE FROM space_repo WHERE id = $1")
            .bind(state.id)
            .execute(tx.sql())
            .await
            .map_err(StorageError::doing("delete a repository"))?;
        Ok(true)
    }

    /// At most `limit` spaces of an account, in the order of their names, from after this text on:
    /// those that it is the authority of, and those that it has something in; none that it has closed
    /// itself. Of one type and authority only, if they are given.
    pub async fn list_spaces(
        &self,
        account: &Did,
        space_type: Option<&Nsid>,
        authority: Option<&Did>,
        after: &str,
        limit: u32,
    ) -> Result<Vec<SpaceRef>, StorageError> {
        let rows = sql::query(
            "SELECT name FROM
                 (SELECT uri AS name, space_type, authority FROM space WHERE authority = $1
                  UNION
                  SELECT r.space AS name, r.space_type, r.authority FROM space_repo r
                  WHERE r.author = $1 AND (r.authority <> $1 OR NOT EXISTS
                      (SELECT 1 FROM space_tombstone t WHERE t.space = r.space)))
                 AS theirs
             WHERE name > $2 AND ($3 = '' OR space_type = $3) AND ($4 = '' OR authority = $4)
             ORDER BY name LIMIT $5",
        )
        .bind(account.as_str())
        .bind(after)
        .bind(space_type.map_or("", Nsid::as_str))
        .bind(authority.map_or("", Did::as_str))
        .bind(limit)
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("list spaces"))?;
        let read = |row: &Row| {
            let reading = Reading::new("space_repo", account, row);
            reading.parse("name", |text: &str| SpaceRef::new(text))
        };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }
}

pub(crate) async fn find(
    on: impl Executor,
    repo: &RepoName,
) -> Result<Option<RepoState>, StorageError> {
    let row = sql::query("SELECT * FROM space_repo WHERE author = $1 AND space = $2")
        .bind(repo.author.as_str())
        .bind(repo.space.as_str())
        .fetch_optional(on)
        .await
        .map_err(StorageError::doing("find a repository"))?;
    Ok(row.as_ref().map(state).transpose()?)
}

fn state(row: &Row) -> Result<RepoState, BadRow> {
    let unnamed = Reading::new("space_repo", "(unreadable)", row);
    let id = unnamed.get("id")?;
    let reading = Reading::new("space_repo", id, row);
    Ok(RepoState {
        id,
        rev: reading.parse("rev", |text: &str| Tid::new(text))?,
        hash: reading.parse("state", SetHash::from_state)?,
        records: reading.count("records")?,
    })
}

/// The columns `collection` and `rkey` of a row that belongs to a repository.
fn path(reading: &Reading<'_>) -> Result<RecordPath, BadRow> {
    Ok(RecordPath {
        collection: reading.parse("collection", |text: &str| Nsid::new(text))?,
        rkey: reading.parse("rkey", |text: &str| RecordKey::new(text))?,
    })
}
