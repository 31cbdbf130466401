//! The sequence of a space: who has written in it, in the order in which its host heard of it.
//!
//! Every advance of an author's repository gets the next place, a revision of the space. An author
//! stands at the place of their newest advance only, so that who has seen all up to a place learns of
//! everything since by reading on from there.

use jiff::Timestamp;
use loggia_syntax::{Did, SpaceRef, Tid};

use crate::column::Reading;
use crate::space_repo::next_rev;
use crate::sql::{self, Connection, Row};
use crate::{BadRow, RepoName, Storage, StorageError, Write};

/// An author in a space, as its host heard it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpaceWriter {
    /// Who.
    pub did: Did,
    /// The revision that was reported last.
    pub repo_rev: Tid,
    /// The digest over the records at that revision.
    pub hash: [u8; 32],
    /// The place of that in the sequence.
    pub space_rev: Tid,
}

/// A place in the sequence that was given just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advanced {
    /// The place.
    pub space_rev: Tid,
    /// The one before it; none for the first of all.
    pub prev: Option<Tid>,
    /// The revision of the repository that was reported before; none for its first news.
    pub known: Option<Tid>,
}

/// What became of news.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Heard {
    /// It has a place.
    Advanced(Advanced),
    /// It is no news: as much or more is known.
    Stale,
    /// The space is gone.
    Gone,
    /// The space has [`SpaceChains::WRITERS`] authors already.
    Full,
}

/// The sequences of a store.
#[derive(Clone, Debug)]
pub struct SpaceChains {
    pub(crate) storage: Storage,
}

/// Where a sequence stands.
struct Chain {
    rev: Tid,
    writers: u32,
}

impl SpaceChains {
    /// Most authors in one space: as many as it may have members. In one that is open to everybody,
    /// somebody could otherwise fill the disk with accounts.
    pub const WRITERS: u32 = 100_000;

    /// Gives news of a repository the next place, unless it is no news. Places are later than the one
    /// before, and of this moment and clock if they can be. Until the transaction ends nobody else
    /// gets one in this space: the order of places is that of commits.
    pub async fn advance(
        &self,
        tx: &mut Write,
        repo: &RepoName,
        (rev, hash): (&Tid, &[u8; 32]),
        (now, clock): (Timestamp, u16),
    ) -> Result<Heard, StorageError> {
        hold(tx.sql(), &repo.space).await?;
        let spaces = self.storage.spaces();
        if spaces.is_deleted_in(tx, &repo.space).await? {
            return Ok(Heard::Gone);
        }
        let known = known_rev(tx.sql(), repo).await?;
        if known.as_ref().is_some_and(|known| known >= rev) {
            return Ok(Heard::Stale);
        }
        let chain = find(tx.sql(), &repo.space).await?;
        let writers = chain.as_ref().map_or(0, |chain| chain.writers);
        if known.is_none() && writers >= Self::WRITERS {
            return Ok(Heard::Full);
        }
        let space_rev = next_rev(now, clock, chain.as_ref().map(|chain| &chain.rev));
        let writers = writers + u32::from(known.is_none());
        save(tx.sql(), &repo.space, &space_rev, writers).await?;
        let writer = SpaceWriter {
            did: repo.author.clone(),
            repo_rev: rev.clone(),
            hash: *hash,
            space_rev: space_rev.clone(),
        };
        save_writer(tx.sql(), &repo.space, &writer).await?;
        Ok(Heard::Advanced(Advanced {
            space_rev,
            prev: chain.map(|chain| chain.rev),
            known,
        }))
    }

    /// Nobody else gives a place in this space until the transaction ends.
    pub(crate) async fn hold(&self, tx: &mut Write, space: &SpaceRef) -> Result<(), StorageError> {
        hold(tx.sql(), space).await
    }

    /// At most `limit` authors after a place, in the order of their places. Any text is a place: they
    /// are compared as texts.
    pub async fn list(
        &self,
        space: &SpaceRef,
        after: &str,
        limit: u32,
    ) -> Result<Vec<SpaceWriter>, StorageError> {
        let rows = sql::query(
            "SELECT * FROM space_writer WHERE space = $1 AND space_rev > $2
             ORDER BY space_rev LIMIT $3",
        )
        .bind(space.as_str())
        .bind(after)
        .bind(limit)
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("list who has written"))?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// At most `limit` authors, those who wrote last first.
    pub async fn newest(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        limit: u32,
    ) -> Result<Vec<Did>, StorageError> {
        let rows = sql::query(
            "SELECT did FROM space_writer WHERE space = $1 ORDER BY space_rev DESC LIMIT $2",
        )
        .bind(space.as_str())
        .bind(limit)
        .fetch_all(tx.sql())
        .await
        .map_err(StorageError::doing("list who wrote last"))?;
        let did = |row| {
            Reading::new("space_writer", space, row).parse("did", |text: &str| Did::new(text))
        };
        Ok(rows.iter().map(did).collect::<Result<_, _>>()?)
    }

    /// Forgets the sequence of a space that is gone, at most so many of its authors; whether nothing is
    /// left.
    pub async fn delete_part(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        limit: u32,
    ) -> Result<bool, StorageError> {
        let doing = "forget a sequence";
        hold(tx.sql(), space).await?;
        let forgotten = sql::query(
            "DELETE FROM space_writer WHERE (space, did) IN
                 (SELECT space, did FROM space_writer WHERE space = $1 LIMIT $2)",
        )
        .bind(space.as_str())
        .bind(limit)
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing(doing))?;
        if forgotten >= u64::from(limit) {
            return Ok(false);
        }
        sql::query("DELETE FROM space_chain WHERE space = $1")
            .bind(space.as_str())
            .execute(tx.sql())
            .await
            .map_err(StorageError::doing(doing))?;
        Ok(true)
    }
}

async fn hold(connection: &mut Connection, space: &SpaceRef) -> Result<(), StorageError> {
    connection.hold(&format!("sequence of {space}")).await
}

async fn find(
    connection: &mut Connection,
    space: &SpaceRef,
) -> Result<Option<Chain>, StorageError> {
    let row = sql::query("SELECT * FROM space_chain WHERE space = $1")
        .bind(space.as_str())
        .fetch_optional(connection)
        .await
        .map_err(StorageError::doing("find a sequence"))?;
    let Some(row) = row else { return Ok(None) };
    let reading = Reading::new("space_chain", space, &row);
    Ok(Some(Chain {
        rev: reading.parse("rev", |text: &str| Tid::new(text))?,
        writers: reading.count("writers")?,
    }))
}

async fn known_rev(
    connection: &mut Connection,
    repo: &RepoName,
) -> Result<Option<Tid>, StorageError> {
    let row = sql::query("SELECT repo_rev FROM space_writer WHERE space = $1 AND did = $2")
        .bind(repo.space.as_str())
        .bind(repo.author.as_str())
        .fetch_optional(connection)
        .await
        .map_err(StorageError::doing("find who has written"))?;
    let Some(row) = row else { return Ok(None) };
    let reading = Reading::new("space_writer", &repo.author, &row);
    Ok(Some(
        reading.parse("repo_rev", |text: &str| Tid::new(text))?,
    ))
}

async fn save(
    connection: &mut Connection,
    space: &SpaceRef,
    rev: &Tid,
    writers: u32,
) -> Result<(), StorageError> {
    sql::query(
        "INSERT INTO space_chain (space, rev, writers) VALUES ($1, $2, $3)
         ON CONFLICT (space) DO UPDATE SET rev = excluded.rev, writers = excluded.writers",
    )
    .bind(space.as_str())
    .bind(rev.as_str())
    .bind(writers)
    .execute(connection)
    .await
    .map_err(StorageError::doing("continue a sequence"))?;
    Ok(())
}

async fn save_writer(
    connection: &mut Connection,
    space: &SpaceRef,
    writer: &SpaceWriter,
) -> Result<(), StorageError> {
    sql::query(
        "INSERT INTO space_writer (space, did, repo_rev, hash, space_rev)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (space, did) DO UPDATE SET repo_rev = excluded.repo_rev,
             hash = excluded.hash, space_rev = excluded.space_rev",
    )
    .bind(space.as_str())
    .bind(writer.did.as_str())
    .bind(writer.repo_rev.as_str())
    .bind(&writer.hash[..])
    .bind(writer.space_rev.as_str())
    .execute(connection)
    .await
    .map_err(StorageError::doing("save who has written"))?;
    Ok(())
}

fn read(row: &Row) -> Result<SpaceWriter, BadRow> {
    let unnamed = Reading::new("space_writer", "(unreadable)", row);
    let did = unnamed.parse("did", |text: &str| Did::new(text))?;
    let reading = Reading::new("space_writer", &did, row);
    Ok(SpaceWriter {
        repo_rev: reading.parse("repo_rev", |text: &str| Tid::new(text))?,
        hash: reading.parse("hash", |bytes: &[u8]| <[u8; 32]>::try_from(bytes))?,
        space_rev: reading.parse("space_rev", |text: &str| Tid::new(text))?,
        did,
    })
}
