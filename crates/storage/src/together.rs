//! Writing for many callers at once: those who come while one batch is being written, or waits for its
//! turn to be, make up the next, so that many share a transaction and its statements. Whoever is alone
//! waits for nobody.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::error::Tries;
use crate::sql::Backend;
use crate::{Storage, StorageError, Write};

/// What several callers may want at the same time.
pub trait Batch: Send + Sync + 'static {
    /// What one of them wants.
    type Job: Send + Sync + 'static;
    /// What they get.
    type Answer: Send + 'static;
    /// What was written, before it is certain to stay.
    type Written<'b>: Send
    where
        Self: 'b;
    /// Why they do not.
    type Error: From<StorageError> + Send + 'static;

    /// The store that it is written to.
    ///
    /// # Errors
    /// The store is closed.
    fn storage(&self) -> Result<Storage, StorageError>;

    /// Does it for all of these, within the transaction. If it cannot be done for all, nothing is done,
    /// and it is tried for each alone.
    fn write<'b>(
        &'b self,
        tx: &mut Write,
        jobs: &[Self::Job],
    ) -> impl Future<Output = Result<Self::Written<'b>, Self::Error>> + Send;

    /// It is on the disk: an answer for each job, in their order.
    fn committed(&self, written: Self::Written<'_>) -> Vec<Self::Answer>;

    /// Whether another transaction stood in the way, see [`StorageError::is_conflict`]: then it is done
    /// once more, a few times at most.
    fn is_conflict(error: &Self::Error) -> bool;

    /// How many bytes it takes to write this.
    fn bytes(_: &Self::Job) -> usize {
        0
    }
}

/// Jobs in one transaction.
const MOST: usize = 128;

/// Bytes after which a transaction takes no more jobs.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// Transactions at a time: SQLite has one writer, and PostgreSQL others who want to write.
const WRITERS_SQLITE: usize = 1;
/// See [`WRITERS_SQLITE`]. One writes while the other commits; with more the batches are smaller, and it takes
/// more statements for as many jobs.
const WRITERS_POSTGRES: usize = 2;

/// Takes the jobs of many callers. Cheap to clone; clones share their batches.
pub struct Together<B: Batch>(Arc<Shared<B>>);

struct Shared<B: Batch> {
    batch: B,
    /// As many as there are callers who wait.
    waiting: Mutex<Vec<Waiting<B>>>,
    writers: Arc<Semaphore>,
}

struct Waiting<B: Batch> {
    job: B::Job,
    tell: oneshot::Sender<Result<B::Answer, B::Error>>,
}

impl Storage {
    /// Has this done for many at once, as many times at a time as suits the database.
    pub fn together<B: Batch>(&self, batch: B) -> Together<B> {
        Together::new(batch, self.readers().backend())
    }
}

impl<B: Batch> Clone for Together<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B: Batch> std::fmt::Debug for Together<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Together").finish_non_exhaustive()
    }
}

impl<B: Batch> Together<B> {
    pub(crate) fn new(batch: B, backend: Backend) -> Self {
        let writers = match backend {
            Backend::Sqlite => WRITERS_SQLITE,
            Backend::Postgres => WRITERS_POSTGRES,
        };
        Self(Arc::new(Shared {
            batch,
            waiting: Mutex::default(),
            writers: Arc::new(Semaphore::new(writers)),
        }))
    }

    /// Has the job done, with those of others who want the same now. If the caller goes away meanwhile,
    /// it may be done all the same.
    ///
    /// # Errors
    /// Why it could not be done, alone if need be.
    pub async fn ask(&self, job: B::Job) -> Result<B::Answer, B::Error> {
        let (tell, told) = oneshot::channel();
        self.0.queue().push(Waiting { job, tell });
        Shared::start(&self.0);
        told.await.unwrap_or_else(|_| Err(lost().into()))
    }
}

impl<B: Batch> Shared<B> {
    fn queue(&self) -> MutexGuard<'_, Vec<Waiting<B>>> {
        // Nothing panics while it is held.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has somebody write what waits, unless as many are at it as may be: they look again before they
    /// end.
    fn start(this: &Arc<Self>) {
        if let Ok(turn) = this.writers.clone().try_acquire_owned() {
            let turn = Turn {
                of: Arc::clone(this),
                permit: Some(turn),
            };
            tokio::spawn(Self::write_all(turn));
        }
    }

    async fn write_all(turn: Turn<B>) {
        let this = Arc::clone(&turn.of);
        loop {
            let mut waiting = Vec::new();
            this.add_to(&mut waiting);
            if waiting.is_empty() {
                break;
            }
            this.write(waiting).await;
        }
        drop(turn);
        // Who came after the last look found the turn taken.
        if !this.queue().is_empty() {
            Self::start(&this);
        }
    }

    /// Adds those who have waited for longest, as many as go into one transaction.
    fn add_to(&self, batch: &mut Vec<Waiting<B>>) {
        let mut waiting = self.queue();
        let mut bytes: usize = batch.iter().map(|one| B::bytes(&one.job)).sum();
        let room = MOST.saturating_sub(batch.len());
        let fits = waiting.iter().take(room).take_while(|one| {
            let goes = bytes < MOST_BYTES;
            bytes += B::bytes(&one.job);
            goes
        });
        let count = fits.count();
        batch.extend(waiting.drain(..count));
    }

    /// Writes a batch, and who has come by the time it is its turn; if that fails, each of it alone, so
    /// that nobody suffers for another.
    async fn write(&self, mut waiting: Vec<Waiting<B>>) {
        let begun = self.begin().await;
        self.add_to(&mut waiting);
        let (jobs, tell): (Vec<_>, Vec<_>) =
            waiting.into_iter().map(|one| (one.job, one.tell)).unzip();
        match self.tried(begun, &jobs).await {
            Ok(answers) => {
                for (tell, done) in tell.into_iter().zip(answers) {
                    answer::<B>(tell, Ok(done));
                }
            }
            Err(error) if jobs.len() == 1 => {
                let tell = tell.into_iter().next().expect("one for each job");
                answer::<B>(tell, Err(error));
            }
            Err(_) => {
                for (job, tell) in jobs.iter().zip(tell) {
                    let job = std::slice::from_ref(job);
                    let alone = self.tried(self.begin().await, job).await;
                    let alone = alone.and_then(|mut one| one.pop().ok_or_else(|| lost().into()));
                    answer::<B>(tell, alone);
                }
            }
        }
    }

    /// Begins a transaction, which waits for those who write.
    async fn begin(&self) -> Result<Write, StorageError> {
        self.batch.storage()?.begin_brief().await
    }

    /// Writes it, once more while others stand in the way.
    async fn tried(
        &self,
        mut begun: Result<Write, StorageError>,
        jobs: &[B::Job],
    ) -> Result<Vec<B::Answer>, B::Error> {
        let mut tries = Tries::default();
        loop {
            let done = match begun {
                Ok(tx) => self.once(tx, jobs).await,
                Err(error) => Err(error.into()),
            };
            if !tries.again_after(done.as_ref().is_err_and(B::is_conflict)) {
                return done;
            }
            begun = self.begin().await;
        }
    }

    async fn once(&self, mut tx: Write, jobs: &[B::Job]) -> Result<Vec<B::Answer>, B::Error> {
        let written = self.batch.write(&mut tx, jobs).await?;
        tx.commit().await?;
        Ok(self.batch.committed(written))
    }
}

/// Somebody's turn to write. If they panic, another goes on with those who wait; those whose batch it was are
/// told that nobody knows.
struct Turn<B: Batch> {
    of: Arc<Shared<B>>,
    permit: Option<OwnedSemaphorePermit>,
}

impl<B: Batch> Drop for Turn<B> {
    fn drop(&mut self) {
        drop(self.permit.take());
        let goes_on = thread::panicking() && Handle::try_current().is_ok();
        if goes_on && !self.of.queue().is_empty() {
            Shared::start(&self.of);
        }
    }
}

/// The one who wrote is gone, and nobody knows with what result.
fn lost() -> StorageError {
    StorageError::Sql {
        doing: "write with others",
        source: sqlx::Error::WorkerCrashed,
    }
}

fn answer<B: Batch>(
    tell: oneshot::Sender<Result<B::Answer, B::Error>>,
    result: Result<B::Answer, B::Error>,
) {
    if tell.send(result).is_err() {
        tracing::debug!("somebody who wrote with others went away before it was done");
    }
}

#[cfg(test)]
mod tests;
