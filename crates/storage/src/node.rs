//! Processes that share the queue: which of them live, and what those held that do not.
//!
//! Nodes go by the database's clock, so that it does not matter how their own are set. SQLite has one
//! process at a time and keeps no nodes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{Life, NodeId};

use crate::column::{Reading, millis};
use crate::sql::{self, Backend, Connection};
use crate::{Storage, StorageError};

/// At most so many leases are freed at a time.
const LAPSED: u32 = 1000;

/// PostgreSQL's clock in milliseconds: not the time at which its transaction began.
macro_rules! clock {
    () => {
        "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
    };
}
pub(crate) use clock;

/// Says that `node` lives for `lease_for` from now on.
pub(crate) async fn heartbeat(
    storage: &Storage,
    node: &NodeId,
    lease_for: SignedDuration,
    now: Timestamp,
) -> Result<Life, StorageError> {
    if storage.readers().backend() == Backend::Sqlite {
        let until = Timestamp::MAX;
        return Ok(Life {
            until,
            lapsed: false,
        });
    }
    // Not on a connection of those that write: they may all be waiting for something.
    let asked = Instant::now();
    let row = sql::query(concat!(
        "INSERT INTO node (id, alive_until) VALUES ($1, ",
        clock!(),
        " + $2)
         ON CONFLICT (id) DO UPDATE
         SET was_alive_until = node.alive_until, alive_until = excluded.alive_until
         RETURNING coalesce(was_alive_until <= ",
        clock!(),
        ", true) AS lapsed, ",
        clock!(),
        " AS clock"
    ))
    .bind(node.as_str())
    .bind(i64::try_from(lease_for.as_millis()).unwrap_or(i64::MAX))
    .fetch_one(storage.engine_readers())
    .await
    .map_err(StorageError::doing("say that this node lives"))?;
    let reading = Reading::new("node", node.as_str(), &row);
    let took = i64::try_from(asked.elapsed().as_millis()).unwrap_or(i64::MAX);
    let ahead = ahead(millis(now), took, reading.get("clock")?);
    storage.inner.clock.is_ahead_by(ahead);
    let lapsed = reading.get("lapsed")?;
    // The database's clock was read after this one: what it goes by is never earlier.
    let until = now.saturating_add(lease_for);
    let until = until.unwrap_or(Timestamp::MAX);
    Ok(Life { until, lapsed })
}

/// How far this node's clock is ahead of the database's at least, in milliseconds: that one was read
/// between `now` and `took` later. Less than zero if it is behind.
fn ahead(now: i64, took: i64, database: i64) -> i64 {
    match now.saturating_add(took) {
        end if database > end => end - database,
        _ if database < now => now - database,
        _ => 0,
    }
}

/// What is known of this node's clock.
#[derive(Debug, Default)]
pub(crate) struct ClockCheck {
    wrong: AtomicBool,
}

impl ClockCheck {
    /// Beyond this a clock is set wrong: what a node plans by its own clock, others take up by theirs.
    const TOLERANCE: i64 = 2000;

    /// Tells operators, once each time that it goes wrong and that it is right again.
    fn is_ahead_by(&self, millis: i64) {
        metrics::gauge!("loggia_storage_clock_ahead_seconds").set(millis as f64 / 1000.0);
        let wrong = millis.abs() > Self::TOLERANCE;
        match (self.wrong.swap(wrong, Ordering::Relaxed), wrong) {
            (false, true) => tracing::error!(
                ahead_ms = millis,
                "this node's clock is not the database's: what it retries goes out too early or too \
                 late by as much; have both set by the same time servers"
            ),
            (true, false) => tracing::info!("this node's clock is right again"),
            (_, _) => {}
        }
    }
}

/// How many nodes live.
pub(crate) async fn living(connection: &mut Connection) -> Result<i64, StorageError> {
    if connection.backend() == Backend::Sqlite {
        return Ok(0);
    }
    sql::query_scalar(concat!(
        "SELECT count(*) FROM node WHERE alive_until > ",
        clock!()
    ))
    .fetch_one(connection)
    .await
    .map_err(StorageError::doing("count the nodes that live"))
}

/// Forgets nodes that have been gone for a day and hold nothing.
pub(crate) async fn forget_gone(connection: &mut Connection) -> Result<(), StorageError> {
    if connection.backend() == Backend::Sqlite {
        return Ok(());
    }
    sql::query(concat!(
        "DELETE FROM node WHERE alive_until < ",
        clock!(),
        " - 86400000
         AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.state = 'leased' AND d.node = node.id)"
    ))
    .execute(connection)
    .await
    .map_err(StorageError::doing("forget nodes that are gone"))?;
    Ok(())
}

/// Leases that have ended: all of a node that does not live, and those of this node, or of one that
/// never said that it lives, whose time is over.
struct Lapsed {
    node: String,
    before: i64,
}

/// Frees leases that have ended; their deliveries are due at once.
pub(crate) async fn free_lapsed(
    storage: &Storage,
    node: &NodeId,
    now: Timestamp,
) -> Result<(), StorageError> {
    let doing = StorageError::doing("look for lapsed leases");
    let mut reader = storage.engine_readers().acquire().await.map_err(doing)?;
    let lapsed = lapsed(&mut reader, node, now).await?;
    drop(reader);
    if lapsed.is_empty() {
        return Ok(());
    }
    let mut tx = storage.begin().await?;
    let mut freed = 0;
    for lapsed in lapsed {
        freed += free(tx.sql(), &lapsed, now).await?;
    }
    tx.commit().await?;
    if freed > 0 {
        tracing::warn!(
            deliveries = freed,
            "leases lapsed, their deliveries go out again"
        );
    }
    Ok(())
}

/// One seek for each node that holds something, and one more for those whose leases have times.
async fn lapsed(
    connection: &mut Connection,
    node: &NodeId,
    now: Timestamp,
) -> Result<Vec<Lapsed>, StorageError> {
    macro_rules! holders {
        ($clock:expr) => {
            concat!(
                "WITH RECURSIVE holder (node) AS (
                     SELECT min(node) FROM delivery WHERE state = 'leased'
                     UNION ALL
                     SELECT (SELECT min(d.node) FROM delivery d
                             WHERE d.state = 'leased' AND d.node > holder.node)
                     FROM holder WHERE holder.node IS NOT NULL
                 ), ended (node, before) AS (
                     SELECT holder.node,
                         CASE WHEN node.alive_until <= ",
                $clock,
                " THEN 9223372036854775807 ELSE $2 END
                     FROM holder LEFT JOIN node ON node.id = holder.node
                     WHERE node.id IS NULL OR node.id = $1 OR node.alive_until <= ",
                $clock,
                ")
                 SELECT node, before FROM ended
                 WHERE EXISTS (SELECT 1 FROM delivery d
                     WHERE d.state = 'leased' AND d.node = ended.node AND d.due <= ended.before)"
            )
        };
    }
    let text = match connection.backend() {
        Backend::Sqlite => holders!("$2"),
        Backend::Postgres => holders!(clock!()),
    };
    let rows = sql::query(text)
        .bind(node.as_str())
        .bind(millis(now))
        .fetch_all(connection)
        .await
        .map_err(StorageError::doing("look for lapsed leases"))?;
    let read = |row| {
        let reading = Reading::new("delivery", "(lease)", row);
        Ok(Lapsed {
            node: reading.get("node")?,
            before: reading.get("before")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Whether a node that was found dead still is. It cannot come back before the transaction ends.
async fn is_dead(connection: &mut Connection, node: &str) -> Result<bool, StorageError> {
    let text = match connection.backend() {
        Backend::Sqlite => "SELECT 1 FROM node WHERE id = $1",
        Backend::Postgres => concat!(
            "SELECT 1 FROM node WHERE id = $1 AND alive_until <= ",
            clock!(),
            " FOR UPDATE"
        ),
    };
    let found: Option<i64> = sql::query_scalar(text)
        .bind(node)
        .fetch_optional(connection)
        .await
        .map_err(StorageError::doing("look whether a node is dead"))?;
    Ok(found.is_some())
}

async fn free(
    connection: &mut Connection,
    lapsed: &Lapsed,
    now: Timestamp,
) -> Result<u64, StorageError> {
    if lapsed.before == i64::MAX && !is_dead(connection, &lapsed.node).await? {
        return Ok(0);
    }
    macro_rules! free {
        ($lock:expr) => {
            concat!(
                "UPDATE delivery SET state = 'pending', due = $1, node = NULL
                 WHERE state = 'leased' AND (notification, endpoint) IN
                     (SELECT notification, endpoint FROM delivery
                      WHERE state = 'leased' AND node = $2 AND due <= $3
                      ORDER BY due LIMIT $4 ",
                $lock,
                ")"
            )
        };
    }
    let text = match connection.backend() {
        Backend::Sqlite => free!(""),
        Backend::Postgres => free!("FOR UPDATE SKIP LOCKED"),
    };
    sql::query(text)
        .bind(millis(now))
        .bind(&lapsed.node)
        .bind(lapsed.before)
        .bind(LAPSED)
        .execute(connection)
        .await
        .map_err(StorageError::doing("free lapsed leases"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_wrong_by_what_no_delay_explains() {
        for (now, took, database, expected) in [
            (1000, 0, 1000, 0),
            (1000, 700, 1699, 0),
            (1000, 700, 1700, 0),
            (1000, 700, 9700, -8000),
            (9000, 700, 1000, 8000),
        ] {
            assert_eq!(ahead(now, took, database), expected, "{database}");
        }
    }
}
