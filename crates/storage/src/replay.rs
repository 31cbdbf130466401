//! What may be used once: token ids and proofs.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Weak;

use jiff::Timestamp;

use crate::column::{Reading, millis_up};
use crate::sql::{Columns, Connection, Kind, Row, Rows};
use crate::storage::Inner;
use crate::{Batch, Storage, StorageError};

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
    /// The most keys that are kept, if nothing else is said. About 100 MB; with tokens that live five
    /// minutes, 1,600 calls a second.
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
        self.storage.inner.uses.ask(use_of).await
    }

    /// Forgets at most `limit` keys whose time is over; how many those were.
    pub async fn sweep(&self, now: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let sql = "DELETE FROM replay WHERE (scope, key) IN
                 (SELECT scope, key FROM replay WHERE not_after < $1 ORDER BY not_after LIMIT $2)";
        self.storage
            .forget(sql, now, limit, "forget used keys")
            .await
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

impl Batch for Uses {
    type Job = UseOf;
    type Answer = Used;
    type Error = StorageError;

    async fn write(&self, uses: &[UseOf]) -> Result<Vec<Used>, StorageError> {
        let inner = self.0.upgrade().ok_or(StorageError::Sql {
            doing: "use up keys",
            source: sqlx::Error::PoolClosed,
        })?;
        let storage = Storage { inner };
        use_up(&storage, uses).await
    }

    fn is_conflict(error: &StorageError) -> bool {
        error.is_conflict()
    }
}

async fn use_up(storage: &Storage, uses: &[UseOf]) -> Result<Vec<Used>, StorageError> {
    let mut tx = storage.begin().await?;
    let mut first = insert(tx.sql(), uses).await?;
    // The first of those who use the same key has it.
    let is_first: Vec<_> = uses.iter().map(|one| first.remove(&one.key)).collect();
    let others = uses.iter().zip(&is_first);
    let others = others.filter(|(_, is_first)| !**is_first);
    let kept = find(tx.sql(), others.map(|(one, _)| one)).await?;
    tx.commit().await?;
    let used = uses.iter().zip(is_first).map(|(one, is_first)| {
        if is_first {
            Used::First
        } else if kept.contains(&one.key) {
            Used::Before
        } else {
            Used::Full
        }
    });
    Ok(used.collect())
}

const KEYS: Columns = &[
    ("scope", Kind::Text),
    ("key", Kind::Text),
    ("not_after", Kind::Integer),
    ("place", Kind::Integer),
    ("most", Kind::Integer),
];

/// Keeps the keys that are not kept and for which there is room; which those were.
async fn insert(
    connection: &mut Connection,
    uses: &[UseOf],
) -> Result<HashSet<(String, String)>, StorageError> {
    // In their order, so that no two who use the same keys wait for each other in a ring.
    let sorted: BTreeMap<_, _> = uses.iter().rev().map(|one| (&one.key, one)).collect();
    let mut rows = Rows::new(KEYS);
    for (place, ((scope, key), one)) in (0_i64..).zip(sorted) {
        rows.push([
            scope.into(),
            key.into(),
            one.not_after.into(),
            place.into(),
            one.most.into(),
        ]);
    }
    let inserted = rows
        .fetch_all(
            connection,
            // What is counted is what was there before all of these, so each counts those before it:
            // also such as turn out to be kept already, which matters only where it is nearly full.
            "INSERT INTO replay (scope, key, not_after)
             SELECT r.scope, r.key, r.not_after FROM r
             WHERE r.place + (SELECT sum(kept) FROM replay_count) < r.most
             ON CONFLICT (scope, key) DO NOTHING RETURNING scope, key",
        )
        .await
        .map_err(StorageError::doing("use up keys"))?;
    read(&inserted)
}

const NAMES: Columns = &[("scope", Kind::Text), ("key", Kind::Text)];

/// Which of these keys are kept.
async fn find(
    connection: &mut Connection,
    uses: impl Iterator<Item = &UseOf>,
) -> Result<HashSet<(String, String)>, StorageError> {
    let mut rows = Rows::new(NAMES);
    let keys: BTreeSet<_> = uses.map(|one| &one.key).collect();
    for (scope, key) in keys {
        rows.push([scope.into(), key.into()]);
    }
    let found = rows
        .fetch_all(
            connection,
            "SELECT replay.scope, replay.key FROM r
             JOIN replay ON replay.scope = r.scope AND replay.key = r.key",
        )
        .await
        .map_err(StorageError::doing("look used keys up"))?;
    read(&found)
}

fn read(rows: &[Row]) -> Result<HashSet<(String, String)>, StorageError> {
    let read = |row| {
        let reading = Reading::new("replay", "(key)", row);
        Ok((reading.get("scope")?, reading.get("key")?))
    };
    rows.iter().map(read).collect()
}
