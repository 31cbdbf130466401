//! Threads with enough stack for what strangers nest.

use std::cell::Cell;
use std::io;
use std::marker::PhantomData;
use std::thread;

/// Address space only: what is not used takes no memory. Runs may use [`MOST_DEPTH`](crate::MOST_DEPTH)
/// of it; the rest is for compiling the most deeply nested source, and for unwinding.
const STACK: usize = 256 * 1024 * 1024;

/// Proof that there is enough stack: programs are compiled and run with it only.
pub struct Room {
    /// Steps that programs have taken here.
    spent: Cell<u64>,
    /// It stays on its thread.
    here: PhantomData<*const ()>,
}

/// No thread could be had.
#[derive(Debug, thiserror::Error)]
#[error("the system has no thread to run a program on")]
pub struct NoRoom(#[source] io::Error);

impl Room {
    fn new() -> Self {
        Self {
            spent: Cell::new(0),
            here: PhantomData,
        }
    }

    /// Steps that programs have taken here so far.
    pub fn spent(&self) -> u64 {
        self.spent.get()
    }

    pub(crate) fn spend(&self, steps: u64) {
        self.spent.set(self.spent.get().saturating_add(steps));
    }

    /// Does work on a thread of its own that has room, and tells `done` what came of it; nothing, if
    /// it panicked. Does not wait.
    ///
    /// # Errors
    /// The system has no thread.
    pub fn spawn<T: Send + 'static>(
        work: impl FnOnce(&Self) -> T + Send + 'static,
        done: impl FnOnce(thread::Result<T>) + Send + 'static,
    ) -> Result<(), NoRoom> {
        let spawned = thread::Builder::new()
            .name("reducer".to_owned())
            .stack_size(STACK)
            .spawn(move || {
                let work = std::panic::AssertUnwindSafe(|| work(&Self::new()));
                done(std::panic::catch_unwind(work));
            });
        spawned.map(drop).map_err(NoRoom)
    }

    /// The same for who waits.
    ///
    /// # Errors
    /// The system has no thread.
    ///
    /// # Panics
    /// If the work does.
    pub fn with<T: Send>(work: impl FnOnce(&Self) -> T + Send) -> Result<T, NoRoom> {
        thread::scope(|scope| {
            let working = thread::Builder::new()
                .stack_size(STACK)
                .spawn_scoped(scope, || work(&Self::new()))
                .map_err(NoRoom)?;
            Ok(working
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
    }
}
