//! Work that only computes, away from the threads that serve.

use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;

use loggia_xrpc::{Failure, Rejection};
use tokio::sync::Semaphore;

/// How many pieces of work may wait for a thread. Each holds a request body of at most a megabyte.
const MOST_WAITING: usize = 64;

/// Threads for computing, as many at once as there are processors. Cheap to clone; clones share them.
///
/// A piece of work whose caller has left goes on to its end and keeps its place until then, so that
/// nobody gets more threads by hanging up.
#[derive(Clone)]
pub struct Computing {
    threads: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

impl Computing {
    /// One thread for each processor.
    pub fn new() -> Self {
        let threads = available_parallelism().map_or(1, NonZero::get);
        Self::with(threads, MOST_WAITING)
    }

    fn with(threads: usize, waiting: usize) -> Self {
        Self {
            threads: Arc::new(Semaphore::new(threads)),
            places: Arc::new(Semaphore::new(threads + waiting)),
        }
    }

    /// Does a piece of work as soon as a thread is free.
    ///
    /// # Errors
    /// 503 if too many wait already; a panic is an internal error.
    pub async fn run<T: Send + 'static, E>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure<E>> {
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            return Err(busy().into());
        };
        let thread = self.threads.clone().acquire_owned().await;
        let thread = thread.expect("the semaphore is never closed");
        let done = tokio::task::spawn_blocking(move || {
            let _held = (place, thread);
            work()
        });
        Ok(done.await?)
    }
}

fn busy() -> Rejection {
    let message = "too many checks wait already; try again soon";
    Rejection::new(503, "NotEnoughResources", message).header("retry-after", "1")
}

impl Default for Computing {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use loggia_xrpc::NoError;

    use super::*;

    #[tokio::test]
    async fn work_beyond_the_bound_is_refused_and_a_lost_caller_keeps_its_thread() {
        let computing = Computing::with(1, 1);
        let (release, held) = mpsc::channel::<()>();
        let (begun, begins) = tokio::sync::oneshot::channel();
        let first = computing.clone();
        let first = tokio::spawn(async move {
            let work = move || {
                begun.send(()).expect("the test waits");
                held.recv().expect("the test lets go");
            };
            first.run::<_, NoError>(work).await
        });
        begins.await.expect("the first has the thread");
        first.abort();
        assert!(first.await.is_err(), "its caller has left");

        let second = computing.clone();
        let second = tokio::spawn(async move { second.run::<_, NoError>(|| 2).await });
        while computing.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let third = computing.run::<_, NoError>(|| 3).await;
        let Err(Failure::Rejected(busy)) = third else {
            panic!("nothing is free: {third:?}")
        };
        assert_eq!(busy.status, 503);

        release.send(()).expect("the first waits");
        assert_eq!(second.await.expect("not lost").expect("done"), 2);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_gives_its_thread_back() {
        let computing = Computing::with(1, 0);
        let broken = || panic!("a broken invariant");
        let lost: Result<(), Failure<NoError>> = computing.run(broken).await;
        assert!(matches!(lost, Err(Failure::Internal(_))), "{lost:?}");
        let next = computing.run::<_, NoError>(|| 1).await;
        assert_eq!(next.expect("free again"), 1);
    }
}
