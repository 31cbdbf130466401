//! How errands are waited for, when one that failed is tried again, and what is said of it meanwhile.

use std::collections::HashSet;
use std::convert::Infallible;
use std::error::Error;
use std::pin::pin;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use loggia_storage::Errand;

use crate::wisp_registry::Ear;

/// Between two looks when nobody rings.
pub(crate) const LOOK: Duration = Duration::from_secs(1);

/// The longest pause after the first failure, in seconds.
const BASE: i64 = 5;
/// The longest of all, in seconds.
const MOST: i64 = 3600;

/// Failures after which an errand is given up: about a day of them.
pub(crate) const GIVE_UP: u32 = 50;

/// Looks for more to do while what runs goes on, and says what of it ended: otherwise one of them whose turn it
/// is to have a connection would not take it, and the look, like everybody else, would wait behind it.
pub(crate) async fn look_beside<L: Future, R: Future>(
    look: L,
    running: &mut FuturesUnordered<R>,
) -> (L::Output, Vec<R::Output>) {
    let mut look = pin!(look);
    let mut ended = Vec::new();
    loop {
        tokio::select! {
            found = &mut look => return (found, ended),
            Some(one) = running.next() => ended.push(one),
        }
    }
}

/// Works at errands that are `due` whenever it hears of news, `at_once` so many of them, of each subject one at a
/// time. `attempt` does one, or puts it off; its subject.
pub(crate) async fn work<D, A>(
    at_once: usize,
    mut ear: Ear,
    due: impl Fn() -> D,
    attempt: impl Fn(Errand) -> A,
) -> Infallible
where
    D: Future<Output = Vec<Errand>>,
    A: Future<Output = String>,
{
    let mut running = FuturesUnordered::new();
    let mut subjects = HashSet::new();
    loop {
        if subjects.len() < at_once {
            let (due, ended) = look_beside(due(), &mut running).await;
            for errand in due {
                if subjects.len() < at_once && subjects.insert(errand.subject.clone()) {
                    running.push(attempt(errand));
                }
            }
            if !ended.is_empty() {
                subjects.retain(|subject| !ended.contains(subject));
                continue;
            }
        }
        tokio::select! {
            Some(subject) = running.next() => {
                subjects.remove(&subject);
                // Those that were done meanwhile are done with before another look.
                while let Some(Some(subject)) = running.next().now_or_never() {
                    subjects.remove(&subject);
                }
            }
            () = ear.heard() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Full jitter: anywhere between a second and a limit that doubles with each failure.
pub(crate) fn next(failures: u32, now: Timestamp, chance: u64) -> Timestamp {
    let limit = BASE.saturating_mul(1 << failures.min(12)).min(MOST);
    let part = i64::try_from(chance % u64::try_from(limit).unwrap_or(1)).unwrap_or(0);
    let pause = SignedDuration::from_secs(1 + part);
    now.saturating_add(pause).unwrap_or(Timestamp::MAX)
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn one_that_runs_takes_what_a_look_waits_for_and_gives_it_back() {
        let connections = Semaphore::new(1);
        let held = connections.acquire().await.expect("there is one");
        let take = async || {
            let taken = connections.acquire().await;
            drop(taken.expect("there is one"));
        };
        let mut running: FuturesUnordered<_> = [take()].into_iter().collect();
        // It is the first in line now, and is not looked at again but by whoever looks for more.
        assert!(futures_util::poll!(running.next()).is_pending());
        drop(held);
        let (found, ended) = look_beside(
            async {
                take().await;
                7
            },
            &mut running,
        )
        .await;
        assert_eq!((found, ended.len()), (7, 1));
        let (found, ended) = look_beside(async { 8 }, &mut running).await;
        assert_eq!((found, ended.len()), (8, 0), "with nothing that runs");
    }

    #[test]
    fn pauses_grow_to_an_hour_and_are_never_none() {
        let now = Timestamp::UNIX_EPOCH;
        for (failures, longest) in [(0, 5), (1, 10), (5, 160), (10, 3600), (u32::MAX, 3600)] {
            let pause = |chance| next(failures, now, chance).as_second();
            let limit = u64::try_from(longest).expect("is positive");
            assert_eq!(pause(0), 1, "{failures}");
            assert_eq!(pause(limit - 1), longest, "{failures}");
            assert_eq!(pause(limit), 1, "{failures}");
        }
    }
}
