//! Used keys of PostgreSQL, where whoever adds one first has used it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Weak;

use jiff::Timestamp;

use super::Used;
use crate::column::Reading;
use crate::sql::{Columns, Connection, Kind, Row, Rows};
use crate::storage::Inner;
use crate::{Batch, Storage, StorageError, Write};

/// One who uses a key.
#[derive(Debug)]
pub(crate) struct UseOf {
    /// The scope, and the key within it.
    pub(super) key: (String, String),
    pub(super) not_after: i64,
    pub(super) most: u32,
}

/// Uses up the keys of many at once.
#[derive(Debug)]
pub(crate) struct Uses(pub(crate) Weak<Inner>);

impl Batch for Uses {
    type Job = UseOf;
    type Answer = Used;
    type Written<'b> = Vec<Used>;
    type Error = StorageError;

    fn storage(&self) -> Result<Storage, StorageError> {
        super::storage(&self.0)
    }

    async fn write(&self, tx: &mut Write, uses: &[UseOf]) -> Result<Vec<Used>, StorageError> {
        use_up(tx.sql(), uses).await
    }

    fn committed(&self, used: Vec<Used>) -> Vec<Used> {
        used
    }

    fn is_conflict(error: &StorageError) -> bool {
        error.is_conflict()
    }
}

/// Forgets at most `limit` keys whose time is over; how many those were.
pub(super) async fn sweep(
    storage: &Storage,
    now: Timestamp,
    limit: u32,
) -> Result<u64, StorageError> {
    let sql = "DELETE FROM replay WHERE (scope, key) IN
             (SELECT scope, key FROM replay WHERE not_after < $1 ORDER BY not_after LIMIT $2)";
    storage.forget(sql, now, limit, "forget used keys").await
}

/// Uses up these keys; what became of each.
async fn use_up(connection: &mut Connection, uses: &[UseOf]) -> Result<Vec<Used>, StorageError> {
    let mut first = insert(connection, uses).await?;
    // The first of those who use the same key has it.
    let is_first: Vec<_> = uses.iter().map(|one| first.remove(&one.key)).collect();
    let others = uses.iter().zip(&is_first);
    let others = others.filter(|(_, is_first)| !**is_first);
    let kept = find(connection, others.map(|(one, _)| one)).await?;
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
