//! Batches that fail, panic, and wait for their turn.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::MasterKey;

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
    storage: Storage,
    gate: Semaphore,
    /// How many batches stand before the gate or are through.
    arrived: Semaphore,
    /// How often somebody will still be in the way.
    conflicts: AtomicU32,
    /// How many jobs each batch had that was written.
    batches: Mutex<Vec<usize>>,
}

const BROKEN: &str = "it breaks";
const CROSSED: &str = "others are in the way";

impl Batch for Scripted {
    type Job = &'static str;
    type Answer = ();
    type Written<'b> = usize;
    type Error = Undone;

    fn storage(&self) -> Result<Storage, StorageError> {
        Ok(self.storage.clone())
    }

    async fn write(&self, _: &mut Write, jobs: &[&'static str]) -> Result<usize, Undone> {
        self.arrived.add_permits(1);
        let turn = self.gate.acquire().await.expect("is never closed");
        turn.forget();
        assert!(!jobs.contains(&BROKEN), "a broken invariant");
        let left = self.conflicts.load(Ordering::SeqCst);
        if jobs.contains(&CROSSED) && left > 0 {
            self.conflicts.store(left - 1, Ordering::SeqCst);
            return Err(Undone::Conflict);
        }
        Ok(jobs.len())
    }

    fn committed(&self, written: usize) -> Vec<()> {
        self.batches.lock().expect("nobody panics").push(written);
        vec![(); written]
    }

    fn is_conflict(error: &Undone) -> bool {
        *error == Undone::Conflict
    }
}

async fn together(name: &str, conflicts: u32) -> Together<Scripted> {
    let key = MasterKey::new([7; 32]);
    let storage = Storage::memory(name, &key).await.expect("opens");
    let scripted = Scripted {
        storage,
        gate: Semaphore::new(0),
        arrived: Semaphore::new(0),
        conflicts: AtomicU32::new(conflicts),
        batches: Mutex::default(),
    };
    Together::new(scripted, Backend::Sqlite)
}

fn ask(
    together: &Together<Scripted>,
    job: &'static str,
) -> tokio::task::JoinHandle<Result<(), Undone>> {
    let together = together.clone();
    tokio::spawn(async move { together.ask(job).await })
}

/// Waits until somebody writes, or waits for the turn to, and nobody else waits.
async fn taken(together: &Together<Scripted>) {
    while together.0.writers.available_permits() > 0 || !together.0.queue().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn who_comes_before_it_is_the_batchs_turn_is_in_it() {
    let together = together("turn", 0).await;
    together.0.batch.gate.add_permits(2);
    let other = together.0.batch.storage.begin().await.expect("begins");
    let first = ask(&together, "a job");
    taken(&together).await;
    let second = ask(&together, "a job");
    while together.0.queue().is_empty() {
        tokio::task::yield_now().await;
    }
    drop(other);
    for asked in [first, second] {
        assert_eq!(asked.await.expect("runs"), Ok(()));
    }
    let batches = together.0.batch.batches.lock().expect("nobody panics");
    assert_eq!(*batches, [2]);
}

#[tokio::test]
async fn who_waits_behind_a_batch_that_panics_is_served_all_the_same() {
    let together = together("panic", 0).await;
    let broken = ask(&together, BROKEN);
    let arrived = together.0.batch.arrived.acquire().await;
    arrived.expect("is never closed").forget();
    let next = ask(&together, "a job");
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
        let together = together("conflict", conflicts).await;
        together.0.batch.gate.add_permits(9);
        assert_eq!(together.ask(CROSSED).await, done, "{conflicts}");
    }
}
