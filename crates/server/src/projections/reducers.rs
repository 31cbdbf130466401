//! Threads on which programs of strangers are compiled and run, and those that are compiled already.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;

use loggia_reducer::{NoRoom, Room};
use loggia_storage::{Projection, ProjectionId};
use tokio::sync::{Semaphore, oneshot};

use crate::lexicons::Lexicons;
use crate::projections::definition::{Compiled, Definition, Invalid};

/// Most definitions that are kept compiled, some hundred kilobytes each. When it is full, all are
/// forgotten.
const MOST_COMPILED: usize = 256;

/// Compiled definitions, each with the revision of its projection.
type Kept = HashMap<ProjectionId, (i64, Arc<Compiled>)>;

/// As many threads at once as there are processors, each with one program: however long programs take,
/// calls and deliveries have threads of their own. Cheap to clone; clones share them.
#[derive(Clone)]
pub struct Reducers {
    threads: Arc<Semaphore>,
    lexicons: Lexicons,
    compiled: Arc<Mutex<Kept>>,
}

/// Nothing could be run.
#[derive(Debug, thiserror::Error)]
pub enum NotRun {
    /// There is no thread.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// It panicked, which has been reported.
    #[error("a program made its thread panic")]
    Panicked,
}

impl Reducers {
    /// One thread for each processor.
    pub fn new(lexicons: Lexicons) -> Self {
        let threads = available_parallelism().map_or(1, NonZero::get);
        Self {
            threads: Arc::new(Semaphore::new(threads)),
            lexicons,
            compiled: Arc::default(),
        }
    }

    /// Runs on a thread with room on its stack, as soon as there is one. Who does not wait for it any
    /// more keeps its thread until it has ended, which programs do within their budget.
    ///
    /// # Errors
    /// There is no thread, or it panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Room) -> T + Send + 'static,
    ) -> Result<T, NotRun> {
        let thread = self.threads.clone().acquire_owned().await;
        let thread = thread.expect("the semaphore is never closed");
        let (told, done) = oneshot::channel();
        Room::spawn(work, move |result| {
            drop(thread);
            // Whoever asked may have left.
            told.send(result).map_err(drop).unwrap_or_default();
        })?;
        match done.await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(_)) | Err(_) => Err(NotRun::Panicked),
        }
    }

    /// Compiles a definition, to see whether it can be.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn check(&self, definition: &Definition) -> Result<Result<(), Invalid>, NotRun> {
        let (definition, lexicons) = (definition.clone(), self.lexicons.clone());
        self.run(move |room| definition.compile(&lexicons, room).map(drop))
            .await
    }

    /// A projection's definition, compiled.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn compiled(
        &self,
        projection: &Projection,
        definition: &Definition,
    ) -> Result<Result<Arc<Compiled>, Invalid>, NotRun> {
        if let Some((revision, compiled)) = self.lock().get(&projection.id)
            && *revision == projection.revision
        {
            return Ok(Ok(Arc::clone(compiled)));
        }
        let (definition, lexicons) = (definition.clone(), self.lexicons.clone());
        let compiled = self.run(move |room| definition.compile(&lexicons, room));
        let compiled = match compiled.await? {
            Ok(compiled) => Arc::new(compiled),
            Err(invalid) => return Ok(Err(invalid)),
        };
        let mut kept = self.lock();
        if kept.len() >= MOST_COMPILED {
            kept.clear();
        }
        kept.insert(projection.id, (projection.revision, Arc::clone(&compiled)));
        Ok(Ok(compiled))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Every entry is whole at any moment.
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
