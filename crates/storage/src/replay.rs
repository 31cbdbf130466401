//! What may be used once: token ids and proofs.
//!
//! PostgreSQL says whether a key is kept, because many nodes use it. A file has one writer, which knows
//! the keys by heart: there a key is used up at once, and written with whatever is committed next.

mod known;
mod table;

use std::sync::Weak;

use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::column::millis_up;
use crate::sql::Backend;
use crate::storage::Inner;
use crate::{Batch, Storage, StorageError, Write};
pub(crate) use known::Known;
pub(crate) use table::{UseOf, Uses};

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
    /// When this returns it is on the disk, and it stays used up whatever becomes of the request.
    pub async fn consume(
        &self,
        scope: &str,
        key: &str,
        not_after: Timestamp,
    ) -> Result<Used, StorageError> {
        let used_up = self.use_up(scope, key, not_after).await?;
        self.keep(used_up).await
    }

    /// The same where somebody waits until it is on the disk, see [`Replays::keep`], before they tell
    /// anybody what they did. Whatever is committed to the store from now on is so together with the key or
    /// after it; so one who writes need not wait for the disk twice.
    pub async fn use_up(
        &self,
        scope: &str,
        key: &str,
        not_after: Timestamp,
    ) -> Result<UsedUp, StorageError> {
        let inner = &self.storage.inner;
        let not_after = millis_up(not_after);
        match inner.readers.backend() {
            Backend::Sqlite => {
                inner.known.begin(&inner.readers).await?;
                Ok(inner.known.use_up(scope, key, not_after, self.most))
            }
            Backend::Postgres => {
                let used = inner.uses.ask(UseOf {
                    key: (scope.to_owned(), key.to_owned()),
                    not_after,
                    most: self.most,
                });
                Ok(used.await?.into())
            }
        }
    }

    /// Waits until a key is on the disk. It was used before after all if another process did so that has the
    /// same file open, which none should.
    pub async fn keep(&self, used_up: UsedUp) -> Result<Used, StorageError> {
        let UsedUp { used, kept } = used_up;
        let Some(mut kept) = kept else {
            return Ok(used);
        };
        if let Ok(used) = kept.try_recv() {
            return Ok(used);
        }
        let committed = self.storage.inner.keeping.ask(()).await;
        // Others may have committed what this one could not, or not yet.
        match (kept.try_recv(), committed) {
            (Ok(used), _) => Ok(used),
            (Err(_), Err(error)) => Err(error),
            (Err(_), Ok(())) => Err(StorageError::Sql {
                doing: "use up a key",
                source: sqlx::Error::WorkerCrashed,
            }),
        }
    }

    /// Forgets at most `limit` keys whose time is over; how many those were.
    pub async fn sweep(&self, now: Timestamp, limit: u32) -> Result<u64, StorageError> {
        match self.storage.readers().backend() {
            Backend::Sqlite => known::sweep(&self.storage, now, limit).await,
            Backend::Postgres => table::sweep(&self.storage, now, limit).await,
        }
    }
}

/// A key that was used up, see [`Replays::use_up`].
#[derive(Debug)]
#[must_use = "until it is kept, it may be forgotten with the process"]
pub struct UsedUp {
    used: Used,
    /// Says what became of it once it is on the disk, where it is not yet.
    kept: Option<oneshot::Receiver<Used>>,
}

impl UsedUp {
    /// What is known of it by now.
    pub fn used(&self) -> Used {
        self.used
    }
}

impl From<Used> for UsedUp {
    fn from(used: Used) -> Self {
        Self { used, kept: None }
    }
}

/// Writes the keys of a file that wait for somebody to commit: every commit does.
#[derive(Debug)]
pub(crate) struct Keeping(pub(crate) Weak<Inner>);

impl Batch for Keeping {
    type Job = ();
    type Answer = ();
    type Written<'b> = usize;
    type Error = StorageError;

    fn storage(&self) -> Result<Storage, StorageError> {
        storage(&self.0)
    }

    async fn write(&self, _: &mut Write, jobs: &[()]) -> Result<usize, StorageError> {
        Ok(jobs.len())
    }

    fn committed(&self, jobs: usize) -> Vec<()> {
        vec![(); jobs]
    }

    fn is_conflict(error: &StorageError) -> bool {
        error.is_conflict()
    }
}

fn storage(inner: &Weak<Inner>) -> Result<Storage, StorageError> {
    let inner = inner.upgrade().ok_or(StorageError::Sql {
        doing: "use up keys",
        source: sqlx::Error::PoolClosed,
    })?;
    Ok(Storage { inner })
}
