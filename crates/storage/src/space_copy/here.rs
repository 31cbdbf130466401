//! Copies of what authors elsewhere have in spaces that are hosted here.
//!
//! Their hosts say that something has changed, and here is known what was heard before: so copying begins
//! with the first news that somebody wants to hear of, and tells from there on.

use jiff::Timestamp;
use loggia_syntax::{Did, SpaceRef, Tid};

use super::SpaceCopies;
use crate::column::{Reading, millis};
use crate::sql::{self, Row};
use crate::{BadRow, RepoName, StorageError, Write};

/// What became of the wish to copy a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Begun {
    /// There is a copy.
    Yes,
    /// As many spaces are copied as may be.
    TooManySpaces,
    /// As many repositories of the space are copied as may be.
    TooManyRepos,
}

impl SpaceCopies {
    /// Spaces hosted here of which repositories are copied.
    pub const MOST_SPACES_HERE: u32 = 10_000;

    /// Begins to copy an author's repository in a space that is hosted here, if there is no copy yet.
    /// What is not later than `known` was heard of before, and is told to nobody.
    pub async fn begin_here(
        &self,
        tx: &mut Write,
        repo: &RepoName,
        known: Option<&Tid>,
        now: Timestamp,
    ) -> Result<Begun, StorageError> {
        if self.find_in(tx, repo).await?.is_some() {
            return Ok(Begun::Yes);
        }
        if self.count(tx, &repo.space).await? >= i64::from(Self::MOST_REPOS) {
            return Ok(Begun::TooManyRepos);
        }
        if self.find_space_in(tx, &repo.space).await?.is_none()
            && !self.insert_space_here(tx, &repo.space, now).await?
        {
            return Ok(Begun::TooManySpaces);
        }
        let authors = [repo.author.clone()];
        self.begin_from(tx, &repo.space, &authors, known).await?;
        Ok(Begun::Yes)
    }

    async fn insert_space_here(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let micros = u64::try_from(now.as_microsecond()).unwrap_or_default();
        let since = Tid::from_micros(micros, 0).expect("revisions end in the year 2255");
        let inserted = sql::query(
            "INSERT INTO copied_space (space, since, is_listed, visit_at)
             SELECT $1, $2, 1, $3 WHERE
                 (SELECT count(*) FROM copied_space c JOIN space s ON s.uri = c.space) < $4
             ON CONFLICT (space) DO NOTHING",
        )
        .bind(space.as_str())
        .bind(since.as_str())
        .bind(millis(now))
        .bind(Self::MOST_SPACES_HERE)
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("begin to copy out of a space here"))?;
        Ok(inserted == 1)
    }

    /// The copies in a space here that are behind what was heard of their authors, or in trouble, with
    /// the revision that was heard.
    pub async fn behind(&self, space: &SpaceRef) -> Result<Vec<(Did, Tid)>, StorageError> {
        let rows = sql::query(
            "SELECT w.did, w.repo_rev FROM space_copy c
             JOIN space_writer w ON w.space = c.space AND w.did = c.author
             WHERE c.space = $1 AND (c.rev IS NULL OR c.rev < w.repo_rev OR c.trouble IS NOT NULL)",
        )
        .bind(space.as_str())
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("look for copies that are behind"))?;
        let read = |row: &Row| {
            let reading = Reading::new("space_writer", space, row);
            let author = reading.parse("did", |text: &str| Did::new(text))?;
            let heard = reading.parse("repo_rev", |text: &str| Tid::new(text))?;
            Ok((author, heard))
        };
        Ok(rows.iter().map(read).collect::<Result<_, BadRow>>()?)
    }
}
