//! Used keys of an SQLite file, which this process knows by heart.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use tokio::sync::{OnceCell, oneshot};

use super::{Used, UsedUp};
use crate::column::{Reading, millis};
use crate::sql::{self, Columns, Inline, Kind, Pool, Query, Row, Rows};
use crate::{BadRow, Storage, StorageError};

/// Rows that are read at a time. It stands in a statement: SQLite plans one anew whenever a limit is bound.
macro_rules! part {
    () => {
        10_000
    };
}
const PART: usize = part!();

/// Enough of a key's SHA-256 that no two have the same.
type Short = [u8; 16];

/// The keys that were used.
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
    /// Those of them that no row says yet.
    waiting: Vec<Waiting>,
    /// The newest row of which it is known what it says.
    last: i64,
}

/// A key that is not on the disk.
#[derive(Debug)]
struct Waiting {
    scope: String,
    key: String,
    short: Short,
    not_after: i64,
    tell: oneshot::Sender<Used>,
}

impl Known {
    fn keys(&self) -> MutexGuard<'_, Keys> {
        // Nothing panics while it is held.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what an earlier process left, before anybody writes: half a million keys take a second.
    pub(super) async fn begin(&self, readers: &Pool) -> Result<(), StorageError> {
        let read = async || {
            let doing = StorageError::doing;
            let mut reader = readers.acquire().await.map_err(doing("read used keys"))?;
            loop {
                let last = self.keys().last;
                let rows = next_rows(last).fetch_all(&mut reader).await;
                let rows = rows.map_err(doing("read used keys"))?;
                self.learn(&rows)?;
                if rows.len() < PART {
                    return Ok(());
                }
            }
        };
        self.begun.get_or_try_init(read).await.map(|&()| ())
    }

    /// Uses up a key. A row of it is written with whatever is committed next.
    pub(super) fn use_up(&self, scope: &str, key: &str, not_after: i64, most: u32) -> UsedUp {
        let short = short(scope, key);
        let mut keys = self.keys();
        if keys.until.contains_key(&short) {
            return Used::Before.into();
        }
        if keys.until.len() >= most as usize {
            return Used::Full.into();
        }
        let (tell, kept) = oneshot::channel();
        keys.until.insert(short, not_after);
        keys.waiting.push(Waiting {
            scope: scope.to_owned(),
            key: key.to_owned(),
            short,
            not_after,
            tell,
        });
        UsedUp {
            used: Used::First,
            kept: Some(kept),
        }
    }

    /// Whether there are keys that wait for somebody to commit.
    pub(crate) fn waits(&self) -> bool {
        !self.keys().waiting.is_empty()
    }

    /// Writes the keys that wait, within the transaction of whoever commits.
    pub(crate) fn write(&self, connection: &mut Inline) -> Result<Writing<'_>, sqlx::Error> {
        let mut keys = self.keys();
        let mut writing = Writing {
            known: self,
            waiting: std::mem::take(&mut keys.waiting),
            last: keys.last,
        };
        drop(keys);
        writing.write(connection)?;
        Ok(writing)
    }

    /// Knows what these rows say; their keys.
    fn learn(&self, rows: &[Row]) -> Result<Vec<Short>, BadRow> {
        let mut read = Vec::with_capacity(rows.len());
        let mut keys = self.keys();
        for row in rows {
            let reading = Reading::new("replay", "(key)", row);
            let key = read_key(&reading)?;
            keys.until.insert(key, reading.get("not_after")?);
            keys.last = keys.last.max(reading.get("id")?);
            read.push(key);
        }
        Ok(read)
    }
}

fn short(scope: &str, key: &str) -> Short {
    let length = (scope.len() as u64).to_be_bytes();
    let whole = [&length[..], scope.as_bytes(), key.as_bytes()].concat();
    let digest = digest(&SHA256, &whole);
    let first = digest.as_ref().first_chunk();
    *first.expect("SHA-256 has 32 bytes")
}

/// Keys on their way to the disk. Dropped before they are there, they wait for the next commit.
#[must_use = "the keys are on the disk once they are said to be"]
pub(crate) struct Writing<'k> {
    known: &'k Known,
    waiting: Vec<Waiting>,
    /// The newest of their rows.
    last: i64,
}

const NEW: Columns = &[
    ("scope", Kind::Text),
    ("key", Kind::Text),
    ("not_after", Kind::Integer),
];

impl Writing<'_> {
    fn write(&mut self, connection: &mut Inline) -> Result<(), sqlx::Error> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.leave_to_others(connection)?;
        let mut rows = Rows::new(NEW);
        for one in &self.waiting {
            let not_after = one.not_after.into();
            rows.push([(&one.scope).into(), (&one.key).into(), not_after]);
        }
        let sql = "INSERT INTO replay (scope, key, not_after)
                   SELECT r.scope, r.key, r.not_after FROM r WHERE true";
        if rows.execute_inline(connection, sql)? > 0 {
            self.last = connection.last_id();
        }
        Ok(())
    }

    /// Another process may have used some of them; those who did so here are told.
    fn leave_to_others(&mut self, connection: &mut Inline) -> Result<(), sqlx::Error> {
        let mut theirs = HashSet::new();
        loop {
            let rows = next_rows(self.known.keys().last).fetch_inline(connection)?;
            let read = self.known.learn(&rows);
            theirs.extend(read.map_err(|bad| sqlx::Error::Decode(bad.into()))?);
            if rows.len() < PART {
                break;
            }
        }
        for one in self
            .waiting
            .extract_if(.., |one| theirs.contains(&one.short))
        {
            tracing::error!("another process has this database open and saw the same token before");
            one.tell.send(Used::Before).unwrap_or_default();
        }
        Ok(())
    }

    /// They are on the disk.
    pub(crate) fn committed(mut self) {
        let mut keys = self.known.keys();
        keys.last = keys.last.max(self.last);
        drop(keys);
        for one in self.waiting.drain(..) {
            // Who no longer listens needs no answer.
            one.tell.send(Used::First).unwrap_or_default();
        }
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        if !self.waiting.is_empty() {
            let mut keys = self.known.keys();
            // Before those that came meanwhile.
            self.waiting.append(&mut keys.waiting);
            keys.waiting = std::mem::take(&mut self.waiting);
        }
    }
}

/// The next rows after this one.
fn next_rows(last: i64) -> Query<'static> {
    const TEXT: &str = concat!(
        "SELECT * FROM replay WHERE id > $1 ORDER BY id LIMIT ",
        part!()
    );
    sql::query(TEXT).bind(last)
}

fn read_key(reading: &Reading<'_>) -> Result<Short, BadRow> {
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
    let forgotten: Vec<_> = rows
        .iter()
        .map(|row| read_key(&Reading::new("replay", "(key)", row)))
        .collect::<Result<_, _>>()?;
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
