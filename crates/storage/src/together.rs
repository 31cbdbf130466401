//! Writing for many callers at once: those who come while one batch is being written make up the
//! next, so that many share a transaction and its statements. Whoever is alone waits for nobody.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{mem, thread};

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::error::Tries;
use crate::sql::Backend;
use crate::{Storage, StorageError};

/// What several callers may want at the same time.
pub trait Batch: Send + Sync + 'static {
    /// What one of them wants.
    type Job: Send + Sync + 'static;
    /// What they get.
    type Answer: Send + 'static;
    /// Why they do not.
    type Error: From<StorageError> + Send + 'static;

    /// Does it for all of these, in one transaction; an answer for each, in their order. If it cannot
    /// be done for all, nothing is done, and it is tried for each alone.
    fn write(
        &self,
        jobs: &[Self::Job],
    ) -> impl Future<Output = Result<Vec<Self::Answer>, Self::Error>> + Send;

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
/// See [`WRITERS_SQLITE`].
const WRITERS_POSTGRES: usize = 4;

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
            let waiting = this.next();
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

    /// Those who have waited for longest.
    fn next(&self) -> Vec<Waiting<B>> {
        let mut waiting = self.queue();
        let mut bytes = 0;
        let fits = waiting.iter().take(MOST).take_while(|one| {
            let goes = bytes < MOST_BYTES;
            bytes += B::bytes(&one.job);
            goes
        });
        let count = fits.count();
        let rest = waiting.split_off(count);
        mem::replace(&mut *waiting, rest)
    }

    /// Writes it, once more while others stand in the way.
    async fn tried(&self, jobs: &[B::Job]) -> Result<Vec<B::Answer>, B::Error> {
        let mut tries = Tries::default();
        loop {
            let done = self.batch.write(jobs).await;
            if !tries.again_after(done.as_ref().is_err_and(B::is_conflict)) {
                return done;
            }
        }
    }

    /// Writes a batch; if that fails, each of it alone, so that nobody suffers for another.
    async fn write(&self, waiting: Vec<Waiting<B>>) {
        let (jobs, tell): (Vec<_>, Vec<_>) =
            waiting.into_iter().map(|one| (one.job, one.tell)).unzip();
        match self.tried(&jobs).await {
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
                    let alone = self.tried(std::slice::from_ref(job)).await;
                    let alone = alone.and_then(|mut one| one.pop().ok_or_else(|| lost().into()));
                    answer::<B>(tell, alone);
                }
            }
        }
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
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// Why a job is not done.
    #[derive(Debug, PartialEq, Eq)]
    enum Undone {
        Lost,
        Conflict,
    }

    impl From<StorageError> for Undone {
        fn from(_: StorageError) -> Self {
            Self::Lost
        }
    }

    /// Does a job once the gate is open, unless it is one of the two.
    struct Scripted {
        gate: Semaphore,
        /// How often somebody will still be in the way.
        conflicts: AtomicU32,
    }

    const BROKEN: &str = "it breaks";
    const CROSSED: &str = "others are in the way";

    impl Batch for Scripted {
        type Job = &'static str;
        type Answer = ();
        type Error = Undone;

        async fn write(&self, jobs: &[&'static str]) -> Result<Vec<()>, Undone> {
            let turn = self.gate.acquire().await.expect("is never closed");
            turn.forget();
            assert!(!jobs.contains(&BROKEN), "a broken invariant");
            let left = self.conflicts.load(Ordering::SeqCst);
            if jobs.contains(&CROSSED) && left > 0 {
                self.conflicts.store(left - 1, Ordering::SeqCst);
                return Err(Undone::Conflict);
            }
            Ok(vec![(); jobs.len()])
        }

        fn is_conflict(error: &Undone) -> bool {
            *error == Undone::Conflict
        }
    }

    fn together(conflicts: u32) -> Together<Scripted> {
        let scripted = Scripted {
            gate: Semaphore::new(0),
            conflicts: AtomicU32::new(conflicts),
        };
        Together::new(scripted, Backend::Sqlite)
    }

    #[tokio::test]
    async fn who_waits_behind_a_batch_that_panics_is_served_all_the_same() {
        let together = together(0);
        let ask = |job| {
            let together = together.clone();
            tokio::spawn(async move { together.ask(job).await })
        };
        let broken = ask(BROKEN);
        while together.0.writers.available_permits() > 0 || !together.0.queue().is_empty() {
            tokio::task::yield_now().await;
        }
        let next = ask("a job");
        while together.0.queue().is_empty() {
            tokio::task::yield_now().await;
        }
        together.0.batch.gate.add_permits(2);
        assert_eq!(broken.await.expect("runs"), Err(Undone::Lost));
        assert_eq!(next.await.expect("runs"), Ok(()));
        assert_eq!(together.0.writers.available_permits(), 1);
    }

    #[tokio::test]
    async fn what_others_were_in_the_way_of_is_done_again_a_few_times() {
        for (conflicts, done) in [(4, Ok(())), (5, Err(Undone::Conflict))] {
            let together = together(conflicts);
            together.0.batch.gate.add_permits(9);
            assert_eq!(together.ask(CROSSED).await, done, "{conflicts}");
        }
    }
}
