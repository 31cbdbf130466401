//! Used keys of an SQLite file, which this process knows by heart.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use tokio::sync::OnceCell;

use super::{Done, UseOf, Used};
use crate::column::{Reading, millis};
use crate::sql::{self, Columns, Connection, Kind, Pool, Row, Rows};
use crate::{Storage, StorageError, together};

/// Rows that are read at a time.
const PART: u32 = 10_000;

/// Enough of a key's SHA-256 that no two have the same.
type Short = [u8; 16];

/// The keys that are kept. What is not on the disk yet is not here.
#[derive(Debug, Default)]
pub(crate) struct Known {
    keys: Mutex<Keys>,
    /// Set once those were read that an earlier process left.
    begun: OnceCell<()>,
}

#[derive(Debug, Default)]
struct Keys {
    /// Until when each is kept: about 25 bytes of memory a key, twice that while the table grows.
    until: HashMap<Short, i64>,
    /// The newest row of which it is known what it says.
    last: i64,
}

/// Keys that are known once their transaction is committed.
#[derive(Debug, Default)]
pub(super) struct News {
    keys: Vec<(Short, i64)>,
    last: i64,
}

impl Known {
    fn keys(&self) -> MutexGuard<'_, Keys> {
        // Nothing panics while it is held.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what an earlier process left, before anybody writes: half a million keys take a second.
    pub(super) async fn begin(&self, readers: &Pool) -> Result<(), StorageError> {
        let read = async || {
            let doing = StorageError::doing("read used keys");
            let mut reader = readers.acquire().await.map_err(doing)?;
            read_on(&mut reader, self).await
        };
        self.begun.get_or_try_init(read).await.map(|&()| ())
    }

    pub(super) fn learn(&self, news: News) {
        let mut keys = self.keys();
        keys.until.extend(news.keys);
        keys.last = keys.last.max(news.last);
    }
}

impl Keys {
    /// What becomes of each key, and those that are used now.
    fn judge<'u>(&self, uses: &'u [UseOf]) -> (Vec<Used>, Vec<(&'u UseOf, Short)>) {
        let mut new = Vec::with_capacity(uses.len());
        let mut taken = HashSet::with_capacity(uses.len());
        let judged = uses.iter().map(|one| {
            let (scope, key) = &one.key;
            let short = short(scope, key);
            if self.until.contains_key(&short) || taken.contains(&short) {
                return Used::Before;
            }
            if self.until.len() + taken.len() >= one.most as usize {
                return Used::Full;
            }
            taken.insert(short);
            new.push((one, short));
            Used::First
        });
        (judged.collect(), new)
    }
}

fn short(scope: &str, key: &str) -> Short {
    let length = (scope.len() as u64).to_be_bytes();
    let whole = [&length[..], scope.as_bytes(), key.as_bytes()].concat();
    let digest = digest(&SHA256, &whole);
    let first = digest.as_ref().first_chunk();
    *first.expect("SHA-256 has 32 bytes")
}

/// Uses up these keys; what became of each, and what is to be learned after the commit. Within the
/// transaction nobody else adds any.
pub(super) async fn use_up(
    connection: &mut Connection,
    known: &Known,
    uses: &[UseOf],
) -> Result<Done, StorageError> {
    loop {
        let ((used, new), last) = {
            let keys = known.keys();
            (keys.judge(uses), keys.last)
        };
        if append(connection, last, &new).await? {
            let count = i64::try_from(new.len()).unwrap_or(i64::MAX);
            let keys = new.iter().map(|(one, short)| (*short, one.not_after));
            let news = News {
                keys: keys.collect(),
                last: last.saturating_add(count),
            };
            return Ok(Done { used, news });
        }
        read_on(connection, known).await?;
    }
}

const NEW: Columns = &[
    ("scope", Kind::Text),
    ("key", Kind::Text),
    ("not_after", Kind::Integer),
    ("last", Kind::Integer),
];

/// Adds keys, unless there are some that are not known; whether it did.
async fn append(
    connection: &mut Connection,
    last: i64,
    new: &[(&UseOf, Short)],
) -> Result<bool, StorageError> {
    // They go into one statement, which sees what there was before it.
    const { assert!(together::MOST <= sql::LONGEST) };
    let mut rows = Rows::new(NEW);
    for (UseOf { key, not_after, .. }, _) in new {
        let (scope, key) = key;
        rows.push([scope.into(), key.into(), (*not_after).into(), last.into()]);
    }
    let added = rows
        .execute(
            connection,
            "INSERT INTO replay (scope, key, not_after) SELECT r.scope, r.key, r.not_after FROM r
             WHERE NOT EXISTS (SELECT 1 FROM replay WHERE replay.id > r.last)",
        )
        .await
        .map_err(StorageError::doing("use up keys"))?;
    Ok(added == new.len() as u64)
}

/// Reads what others added: another process, or this one before it was started anew.
async fn read_on(connection: &mut Connection, known: &Known) -> Result<(), StorageError> {
    loop {
        let last = known.keys().last;
        let rows = sql::query("SELECT * FROM replay WHERE id > $1 ORDER BY id LIMIT $2")
            .bind(last)
            .bind(PART)
            .fetch_all(&mut *connection)
            .await
            .map_err(StorageError::doing("read used keys"))?;
        let mut news = News::default();
        for row in &rows {
            let reading = Reading::new("replay", "(key)", row);
            news.keys.push((read(row)?, reading.get("not_after")?));
            news.last = reading.get("id")?;
        }
        known.learn(news);
        if rows.len() < PART as usize {
            return Ok(());
        }
    }
}

fn read(row: &Row) -> Result<Short, StorageError> {
    let reading = Reading::new("replay", "(key)", row);
    Ok(short(reading.get("scope")?, reading.get("key")?))
}

/// Forgets at most `limit` keys whose time is over; how many those were.
pub(super) async fn sweep(
    storage: &Storage,
    now: Timestamp,
    limit: u32,
) -> Result<u64, StorageError> {
    let doing = StorageError::doing("forget used keys");
    let mut tx = storage.begin().await?;
    let rows = sql::query(
        "DELETE FROM replay WHERE id IN
             (SELECT id FROM replay WHERE not_after < $1 ORDER BY not_after LIMIT $2)
         RETURNING scope, key",
    )
    .bind(millis(now))
    .bind(limit)
    .fetch_all(tx.sql())
    .await
    .map_err(doing)?;
    let forgotten: Vec<_> = rows.iter().map(read).collect::<Result<_, _>>()?;
    tx.commit().await?;
    let all = forgotten.len() < limit as usize;
    let mut keys = storage.inner.known.keys();
    for key in &forgotten {
        keys.until.remove(key);
    }
    if all {
        // Another process may have forgotten some before.
        keys.until.retain(|_, until| *until >= millis(now));
    }
    Ok(forgotten.len() as u64)
}
