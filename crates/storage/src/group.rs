//! Group commit for SQLite: whoever writes at the same time shares one transaction, and so one write
//! to the disk.
//!
//! SQLite has one writer. Those who want to write take turns, first come first served. The first of a
//! group begins the transaction; each of the others works within a savepoint, so that one can undo its
//! own part alone. Whoever finds nobody waiting when it is done commits for all, and only then does
//! anyone hear that it is done. While one group is being committed, the next one gathers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime;
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};
use tokio::task::spawn_blocking;

use crate::replay::Known;
use crate::sql::Inline;

/// A group is committed when it has so many members, even while others wait.
const MOST_MEMBERS: usize = 256;

/// The one writer of an SQLite database, and those who wait for it.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    turn: Arc<Mutex<Shared>>,
    waiting: Arc<AtomicUsize>,
}

/// Opens the connection.
type Open = Box<dyn Fn() -> Result<Inline, sqlx::Error> + Send + Sync>;

/// The transaction that is shared. Whoever holds the turn has it alone.
struct Shared {
    open: Open,
    /// Every commit takes along the keys that were used.
    known: Arc<Known>,
    /// The connection, unless it was lost: then the next who writes opens another.
    connection: Option<Inline>,
    /// It is within a transaction.
    begun: bool,
    /// Nobody may begin another.
    closed: bool,
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
    pub(crate) fn new(open: Open, known: Arc<Known>) -> Result<Self, sqlx::Error> {
        let connection = Some(open()?);
        let shared = Shared {
            open,
            known,
            connection,
            begun: false,
            closed: false,
            done: Vec::new(),
        };
        Ok(Self {
            turn: Arc::new(Mutex::new(shared)),
            waiting: Arc::default(),
        })
    }

    /// Waits for the turn and begins.
    pub(crate) async fn join(&self) -> Result<Member, sqlx::Error> {
        let ticket = Ticket::take(self);
        let mut turn = self.turn.clone().lock_owned().await;
        ticket.served();
        let within = turn.begun;
        if within {
            turn.run("SAVEPOINT member")?;
        } else if !turn.begin_now()? {
            let group = self.clone();
            let begun = spawn_blocking(move || {
                turn.begin()?;
                // Should nobody wait for it any more, it is dropped and so undone.
                Ok(Member::new(group, turn, within))
            });
            return begun.await.map_err(|_| sqlx::Error::WorkerCrashed)?;
        }
        Ok(Member::new(self.clone(), turn, within))
    }

    /// Closes the connection once it is given back. Keys that still wait are written before, if they can
    /// be: whoever used them is gone.
    pub(crate) async fn close(&self) {
        let waits = self.turn.lock().await.known.waits();
        if waits
            && let Ok(last) = self.join().await
            && let Err(error) = last.commit().await
        {
            tracing::warn!(%error, "used keys are not kept");
        }
        let mut turn = self.turn.lock().await;
        turn.closed = true;
        turn.connection = None;
    }

    fn nobody_waits(&self) -> bool {
        self.waiting.load(Ordering::Acquire) == 0
    }

    /// Commits what is done, if nobody is left who would.
    fn settle(&self, mut turn: OwnedMutexGuard<Shared>) {
        if !turn.done.is_empty() && self.nobody_waits() {
            spawn_blocking(move || {
                // Everybody who waited has been told.
                turn.commit().unwrap_or_default();
            });
        }
    }
}

impl Member {
    fn new(group: Group, turn: OwnedMutexGuard<Shared>, within: bool) -> Self {
        Self {
            group,
            turn: Some(turn),
            within,
        }
    }

    pub(crate) fn connection(&mut self) -> &mut Inline {
        let turn = self.turn.as_mut();
        turn.and_then(|turn| turn.connection.as_mut())
            .expect("a member has the turn, within a transaction, until it is committed")
    }

    /// Makes its part durable, together with those of others.
    pub(crate) async fn commit(mut self) -> Result<(), sqlx::Error> {
        let mut turn = self.turn.take().expect("a member has the turn until now");
        if self.within {
            turn.run("RELEASE member")?;
        }
        if self.group.nobody_waits() || turn.done.len() + 1 >= MOST_MEMBERS {
            let committed = spawn_blocking(move || turn.commit()).await;
            return committed.map_err(|_| sqlx::Error::WorkerCrashed)?;
        }
        let (tell, told) = oneshot::channel();
        turn.done.push(tell);
        drop(turn);
        told.await.map_err(|_| sqlx::Error::WorkerCrashed)?
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let Some(mut turn) = self.turn.take() else {
            return;
        };
        turn.undo(self.within);
        // Without a runtime the process ends: the transaction is undone with its connection.
        if runtime::Handle::try_current().is_ok() {
            self.group.settle(turn);
        }
    }
}

impl Shared {
    /// Begins, unless that takes a while: there is no connection, or another process writes. Whether it
    /// did.
    fn begin_now(&mut self) -> Result<bool, sqlx::Error> {
        let Some(connection) = self.usable() else {
            return Ok(false);
        };
        self.begun = connection.begin_now()?;
        Ok(self.begun)
    }

    /// Begins, for which it may have to wait.
    fn begin(&mut self) -> Result<(), sqlx::Error> {
        if self.closed {
            return Err(sqlx::Error::PoolClosed);
        }
        if self.usable().is_none() {
            self.connection = Some((self.open)()?);
        }
        self.run("BEGIN IMMEDIATE")?;
        self.begun = true;
        Ok(())
    }

    /// The connection, if there is one. A commit that failed, on a full disk say, may leave it within a
    /// transaction that no rollback ends.
    fn usable(&mut self) -> Option<&Inline> {
        let usable = |connection: &Inline| !connection.is_in_transaction();
        self.connection
            .as_ref()
            .filter(|connection| usable(connection))
    }

    /// Does something on which the whole group depends: if it fails, so has everybody.
    fn on<T>(
        &mut self,
        work: impl FnOnce(&mut Inline) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        let Some(connection) = &mut self.connection else {
            return Err(sqlx::Error::WorkerCrashed);
        };
        work(connection).inspect_err(|error| self.fail(error))
    }

    fn run(&mut self, statement: &'static str) -> Result<(), sqlx::Error> {
        self.on(|connection| connection.run(statement))
    }

    /// Undoes the part of a member that was dropped.
    fn undo(&mut self, within: bool) {
        let undone = match within {
            true => self.run("ROLLBACK TO member; RELEASE member"),
            false => {
                self.begun = false;
                self.run("ROLLBACK")
            }
        };
        if let Err(error) = undone {
            // A full disk, for one, undoes the whole transaction by itself.
            tracing::debug!(%error, "there was nothing left to undo");
        }
    }

    /// Commits what everybody did, and tells them.
    fn commit(&mut self) -> Result<(), sqlx::Error> {
        let known = Arc::clone(&self.known);
        let keys = self.on(|connection| {
            let keys = known.write(connection)?;
            connection.run("COMMIT")?;
            Ok(keys)
        })?;
        keys.committed();
        metrics::histogram!("loggia_storage_group_size").record(self.done.len() as f64 + 1.0);
        self.begun = false;
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
        // Nobody knows what state the connection is in: another takes its place.
        self.connection = None;
        self.begun = false;
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
                group.settle(turn);
            });
        }
    }
}

#[cfg(test)]
mod tests;
