//! Group commit for SQLite: whoever writes at the same time shares one transaction, and so one write
//! to the disk.
//!
//! SQLite has one writer. Those who want to write take turns, first come first served. The first of a
//! group begins the transaction; each of the others works within a savepoint, so that one can undo its
//! own part alone. Whoever finds nobody waiting when it is done commits for all, and only then does
//! anyone hear that it is done. While one group is being committed, the next one gathers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqlitePool;
use sqlx::{Executor as _, Sqlite, SqliteConnection};
use tokio::runtime;
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

/// A group is committed when it has so many members, even while others wait.
const MOST_MEMBERS: usize = 256;

/// The one writer of an SQLite database, and those who wait for it.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pool: SqlitePool,
    turn: Arc<Mutex<Shared>>,
    waiting: Arc<AtomicUsize>,
}

/// The transaction that is shared. Whoever holds the turn has it alone.
#[derive(Default)]
struct Shared {
    /// Within a transaction.
    connection: Option<PoolConnection<Sqlite>>,
    /// Those whose part is done and who wait for the commit.
    done: Vec<oneshot::Sender<Result<(), sqlx::Error>>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

/// One who writes: holds the turn until it is done. Dropped, its part is undone.
pub(crate) struct Member {
    group: Group,
    turn: Option<OwnedMutexGuard<Shared>>,
    /// Works within a savepoint, because others of the group are done already.
    within: bool,
}

impl Group {
    pub(crate) fn new(pool: SqlitePool) -> Self {
        Self {
            pool,
            turn: Arc::default(),
            waiting: Arc::default(),
        }
    }

    /// Waits for the turn and begins.
    pub(crate) async fn join(&self) -> Result<Member, sqlx::Error> {
        let ticket = Ticket::take(self);
        let turn = self.turn.clone().lock_owned().await;
        ticket.served();
        // A statement that was cut off half-way leaves nobody knowing what it did: these two run to
        // their end whether or not somebody waits for it.
        let begun = tokio::spawn(self.clone().begin(turn)).await;
        begun.map_err(|_| sqlx::Error::WorkerCrashed)?
    }

    async fn begin(self, mut turn: OwnedMutexGuard<Shared>) -> Result<Member, sqlx::Error> {
        let within = turn.connection.is_some();
        if !within {
            turn.connection = Some(self.pool.acquire().await?);
        }
        turn.run(if within {
            "SAVEPOINT member"
        } else {
            "BEGIN IMMEDIATE"
        })
        .await?;
        Ok(Member {
            group: self,
            turn: Some(turn),
            within,
        })
    }

    /// Closes the connection once it is given back.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    fn nobody_waits(&self) -> bool {
        self.waiting.load(Ordering::Acquire) == 0
    }

    /// Commits what is done, if nobody is left who would.
    async fn settle(&self, mut turn: OwnedMutexGuard<Shared>) {
        if !turn.done.is_empty() && self.nobody_waits() {
            let committed = turn.commit().await;
            // Everybody who waited has been told.
            committed.unwrap_or_default();
        }
    }
}

impl Member {
    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        let turn = self.turn.as_mut();
        turn.and_then(|turn| turn.connection.as_mut())
            .expect("a member has the turn, within a transaction, until it is committed")
    }

    /// Makes its part durable, together with those of others.
    pub(crate) async fn commit(mut self) -> Result<(), sqlx::Error> {
        let turn = self.turn.take().expect("a member has the turn until now");
        let committed = tokio::spawn(leave(self.group.clone(), turn, self.within)).await;
        let waiting = committed.map_err(|_| sqlx::Error::WorkerCrashed)??;
        match waiting {
            Some(told) => told.await.map_err(|_| sqlx::Error::WorkerCrashed)?,
            None => Ok(()),
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let Some(turn) = self.turn.take() else {
            return;
        };
        let (group, within) = (self.group.clone(), self.within);
        // Without a runtime the process ends: the transaction is undone with its connection.
        if let Ok(runtime) = runtime::Handle::try_current() {
            runtime.spawn(undo(group, turn, within));
        }
    }
}

/// The part is done: commits the group, or leaves that to the next and says where to wait for it.
async fn leave(
    group: Group,
    mut turn: OwnedMutexGuard<Shared>,
    within: bool,
) -> Result<Option<oneshot::Receiver<Result<(), sqlx::Error>>>, sqlx::Error> {
    if within {
        turn.run("RELEASE member").await?;
    }
    if group.nobody_waits() || turn.done.len() + 1 >= MOST_MEMBERS {
        return turn.commit().await.map(|()| None);
    }
    let (tell, told) = oneshot::channel();
    turn.done.push(tell);
    Ok(Some(told))
}

/// Undoes the part of a member that was dropped.
async fn undo(group: Group, mut turn: OwnedMutexGuard<Shared>, within: bool) {
    let undone = match within {
        true => turn.run("ROLLBACK TO member; RELEASE member").await,
        false => {
            let undone = turn.run("ROLLBACK").await;
            turn.connection = None;
            undone
        }
    };
    if let Err(error) = undone {
        // A full disk, for one, undoes the whole transaction by itself.
        tracing::debug!(%error, "there was nothing left to undo");
    }
    group.settle(turn).await;
}

impl Shared {
    /// Runs a statement on which the whole group depends: if it fails, so has everybody.
    async fn run(&mut self, statement: &'static str) -> Result<(), sqlx::Error> {
        let Some(connection) = &mut self.connection else {
            return Err(sqlx::Error::WorkerCrashed);
        };
        let ran = connection.execute(statement).await;
        ran.map(drop).inspect_err(|error| self.fail(error))
    }

    /// Commits what everybody did, and tells them.
    async fn commit(&mut self) -> Result<(), sqlx::Error> {
        self.run("COMMIT").await?;
        metrics::histogram!("loggia_storage_group_size").record(self.done.len() as f64 + 1.0);
        self.connection = None;
        for waiting in self.done.drain(..) {
            // Who no longer listens needs no answer.
            waiting.send(Ok(())).unwrap_or_default();
        }
        Ok(())
    }

    /// The transaction is lost, and with it everybody's part.
    fn fail(&mut self, error: &sqlx::Error) {
        for waiting in self.done.drain(..) {
            let lost = format!("the transaction was undone: {error}");
            // Who no longer listens needs no answer.
            waiting
                .send(Err(sqlx::Error::Protocol(lost)))
                .unwrap_or_default();
        }
        self.close();
    }

    /// Nobody knows what state the connection is in: another takes its place.
    fn close(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            connection.close_on_drop();
        }
    }
}

/// One who waits for the turn.
struct Ticket {
    group: Option<Group>,
}

impl Ticket {
    fn take(group: &Group) -> Self {
        group.waiting.fetch_add(1, Ordering::AcqRel);
        Self {
            group: Some(group.clone()),
        }
    }

    /// It is its turn now: it no longer waits.
    fn served(mut self) {
        if let Some(group) = self.group.take() {
            group.waiting.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Drop for Ticket {
    /// It gave up. If it was the last, those who counted on it to commit are looked after.
    fn drop(&mut self) {
        let Some(group) = self.group.take() else {
            return;
        };
        group.waiting.fetch_sub(1, Ordering::AcqRel);
        if let Ok(runtime) = runtime::Handle::try_current() {
            runtime.spawn(async move {
                let turn = group.turn.clone().lock_owned().await;
                group.settle(turn).await;
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
    use tokio::task::{JoinHandle, yield_now};

    use super::*;

    async fn group() -> Group {
        let options = SqliteConnectOptions::new().in_memory(true);
        let pool = SqlitePoolOptions::new().max_connections(1);
        let pool = pool.connect_with(options).await.expect("opens");
        pool.execute("CREATE TABLE seen (name TEXT NOT NULL)")
            .await
            .expect("is made");
        Group::new(pool)
    }

    async fn write(group: &Group, name: &str) -> Member {
        let mut member = group.join().await.expect("begins");
        sqlx::query("INSERT INTO seen VALUES ($1)")
            .bind(name.to_owned())
            .execute(member.connection())
            .await
            .expect("is written");
        member
    }

    async fn seen(group: &Group) -> Vec<String> {
        sqlx::query_scalar("SELECT name FROM seen ORDER BY name")
            .fetch_all(&group.pool)
            .await
            .expect("is read")
    }

    /// Commits in the background, and returns when that waits for another member.
    async fn commit_with_others(member: Member) -> JoinHandle<Result<(), sqlx::Error>> {
        let group = member.group.clone();
        let committing = tokio::spawn(member.commit());
        while group
            .turn
            .try_lock()
            .map_or(true, |turn| turn.done.is_empty())
        {
            yield_now().await;
        }
        committing
    }

    #[tokio::test]
    async fn those_who_wait_share_a_commit() {
        let group = group().await;
        let first = write(&group, "first").await;
        let others: Vec<_> = (10..60)
            .map(|name| {
                let group = group.clone();
                tokio::spawn(async move { write(&group, &name.to_string()).await.commit().await })
            })
            .collect();
        while group.waiting.load(Ordering::Acquire) < others.len() {
            yield_now().await;
        }
        first.commit().await.expect("is committed");
        // The first heard of the commit only when everybody's part was in it.
        assert_eq!(seen(&group).await.len(), 51);
        for other in others {
            other.await.expect("no panic").expect("is committed");
        }
    }

    #[tokio::test]
    async fn one_who_gives_up_undoes_its_own_part_alone() {
        let group = group().await;
        let ticket = Ticket::take(&group);
        let first = commit_with_others(write(&group, "first").await).await;
        drop(write(&group, "second").await);
        let third = commit_with_others(write(&group, "third").await).await;
        assert!(!first.is_finished() && !third.is_finished());
        drop(ticket);
        for committed in [first, third] {
            committed.await.expect("no panic").expect("is committed");
        }
        assert_eq!(seen(&group).await, ["first", "third"]);
    }

    #[tokio::test]
    async fn one_who_is_alone_and_gives_up_leaves_nothing() {
        let group = group().await;
        drop(write(&group, "gone").await);
        write(&group, "kept")
            .await
            .commit()
            .await
            .expect("is committed");
        assert_eq!(seen(&group).await, ["kept"]);
    }

    #[tokio::test]
    async fn a_transaction_that_is_lost_is_lost_for_all() {
        let group = group().await;
        let ticket = Ticket::take(&group);
        let first = commit_with_others(write(&group, "first").await).await;
        let mut second = write(&group, "second").await;
        // What SQLite itself does when the disk is full.
        second
            .connection()
            .execute("ROLLBACK")
            .await
            .expect("there is one");
        second.commit().await.expect_err("it was undone");
        let error = first.await.expect("no panic").expect_err("it was undone");
        assert!(error.to_string().contains("undone"), "{error}");
        drop(ticket);
        let turn = group.turn.lock().await;
        assert!(turn.connection.is_none(), "the connection is replaced");
    }
}
