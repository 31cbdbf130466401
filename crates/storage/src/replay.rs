//! What may be used once: token ids and proofs.
//!
//! PostgreSQL says whether a key is kept, because many nodes use it. A file has one writer, which knows
//! the keys by heart: there they are only added at the end, where many fit on a page.

mod known;
mod table;

use std::sync::Weak;

use jiff::Timestamp;

use crate::column::millis_up;
use crate::sql::Backend;
use crate::storage::Inner;
use crate::{Batch, Storage, StorageError, Write};
pub(crate) use known::Known;

/// What was used, until it could not be used any more anyway.
#[derive(Clone, Debug)]
pub struct Replays {
    pub(crate) storage: Storage,
    pub(crate) most: u32,
}

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Used {
    /// It was used for the first time, and is kept from now on.
    First,
    /// It was used before.
    Before,
    /// It is not kept, because as many as are allowed are.
    Full,
}

impl Replays {
    /// The most keys that are kept, if nothing else is said. About 100 MB of the store, and of memory
    /// about 25 MB where that is a file; with tokens that live five minutes, 1,600 calls a second.
    pub const MOST: u32 = 500_000;

    /// The same with room for at most `most` keys. Those whose time is over count until they are swept.
    #[must_use]
    pub fn with_most(mut self, most: u32) -> Self {
        self.most = most;
        self
    }

    /// The most keys that are kept.
    pub fn most(&self) -> u32 {
        self.most
    }

    /// Uses up `key` within `scope`: [`Used::First`] once, [`Used::Before`] from then on until
    /// `not_after` has passed and [`Replays::sweep`] removed it. None is forgotten to make room.
    ///
    /// A transaction of its own, so that a key stays used up whatever becomes of the request; those who
    /// use keys at the same time share it.
    pub async fn consume(
        &self,
        scope: &str,
        key: &str,
        not_after: Timestamp,
    ) -> Result<Used, StorageError> {
        let use_of = UseOf {
            key: (scope.to_owned(), key.to_owned()),
            not_after: millis_up(not_after),
            most: self.most,
        };
        let inner = &self.storage.inner;
        if inner.readers.backend() == Backend::Sqlite {
            inner.known.begin(&inner.readers).await?;
        }
        inner.uses.ask(use_of).await
    }

    /// Forgets at most `limit` keys whose time is over; how many those were.
    pub async fn sweep(&self, now: Timestamp, limit: u32) -> Result<u64, StorageError> {
        match self.storage.readers().backend() {
            Backend::Sqlite => known::sweep(&self.storage, now, limit).await,
            Backend::Postgres => table::sweep(&self.storage, now, limit).await,
        }
    }
}

/// One who uses a key.
#[derive(Debug)]
pub(crate) struct UseOf {
    /// The scope, and the key within it.
    key: (String, String),
    not_after: i64,
    most: u32,
}

/// Uses up the keys of many at once.
#[derive(Debug)]
pub(crate) struct Uses(pub(crate) Weak<Inner>);

/// What became of the keys of many.
#[derive(Debug)]
pub(crate) struct Done {
    /// One for each.
    used: Vec<Used>,
    /// What is known from now on.
    news: known::News,
}

impl Batch for Uses {
    type Job = UseOf;
    type Answer = Used;
    type Written<'b> = Done;
    type Error = StorageError;

    fn storage(&self) -> Result<Storage, StorageError> {
        let inner = self.0.upgrade().ok_or(StorageError::Sql {
            doing: "use up keys",
            source: sqlx::Error::PoolClosed,
        })?;
        Ok(Storage { inner })
    }

    async fn write(&self, tx: &mut Write, uses: &[UseOf]) -> Result<Done, StorageError> {
        let connection = tx.sql();
        match connection.backend() {
            Backend::Sqlite => {
                let storage = self.storage()?;
                known::use_up(connection, &storage.inner.known, uses).await
            }
            Backend::Postgres => Ok(Done {
                used: table::use_up(connection, uses).await?,
                news: known::News::default(),
            }),
        }
    }

    fn committed(&self, done: Done) -> Vec<Used> {
        if let Some(inner) = self.0.upgrade() {
            inner.known.learn(done.news);
        }
        done.used
    }

    fn is_conflict(error: &StorageError) -> bool {
        error.is_conflict()
    }
}
