//! A host's turn to be asked: a place for it, and how long it may still take.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use loggia_xrpc_client::{CallError, Url};
use tokio::time::Instant;

use super::asking::{AskError, Asking};
use super::limits;
use crate::host_places::{Kind, NoPlace, Place, Places};

/// All that is asked for copies. Of every kind of errand half of the places stay for hosts that are known to
/// answer.
const COPIES: Kind = Kind {
    name: "copies",
    at_once: limits::AT_ONCE,
};

/// A host that an errand is about, for as long as it is done. What others are asked for meanwhile is not
/// its fault, and does not count.
pub(super) struct Turn {
    base: Url,
    seen: Mutex<Seen>,
}

struct Seen {
    place: Place,
    left: Duration,
}

impl Asking {
    /// The turn of a host, if it may be asked now.
    pub(super) fn turn(&self, base: Url) -> Result<Turn, AskError> {
        Turn::of(&self.places, base).map_err(AskError::NoPlace)
    }
}

impl Turn {
    pub(super) fn of(places: &Places, base: Url) -> Result<Self, NoPlace> {
        let place = places.enter(&base, COPIES)?;
        let left = limits::OF_A_HOST;
        let seen = Mutex::new(Seen { place, left });
        Ok(Self { base, seen })
    }

    /// Where it is.
    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    /// Whether somewhere else is asked in this turn as well.
    pub(super) fn is_at(&self, base: &Url) -> bool {
        Places::are_same(&self.base, base)
    }

    /// Asks it, while there is time, and takes note of whether it answered.
    pub(super) async fn call<T>(
        &self,
        asked: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, AskError> {
        let (left, begun) = (self.seen().left, Instant::now());
        let answer = tokio::time::timeout(left, asked).await;
        let is_silent = matches!(answer, Err(_) | Ok(Err(CallError::Client { .. })));
        let mut seen = self.seen();
        seen.left = left.saturating_sub(begun.elapsed());
        seen.place.answered(!is_silent);
        drop(seen);
        Ok(answer.map_err(|_| AskError::Late)??)
    }

    /// Takes note that it does not bring what it has begun with, until [`brought`](Self::brought).
    pub(super) fn began(&self) {
        self.seen().place.answered(false);
    }

    /// Takes note that it brought all of it.
    pub(super) fn brought(&self) {
        self.seen().place.answered(true);
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // Nothing panics while it is held.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    fn turn(places: &Places) -> Turn {
        let base = "https://a.test".parse().expect("a URL");
        Turn::of(places, base).unwrap_or_else(|_| panic!("a place"))
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_has_so_much_time_for_all_of_its_answers() {
        let places = Places::default();
        let slow = turn(&places);
        for _ in 0..3 {
            let third = limits::OF_A_HOST / 3;
            let answer = async {
                tokio::time::sleep(third - Duration::from_millis(1)).await;
                Ok(())
            };
            slow.call(answer).await.expect("it answers in time");
        }
        let answer = slow.call(pending::<Result<(), CallError>>()).await;
        assert!(matches!(answer, Err(AskError::Late)), "{answer:?}");
        drop(slow);
        let base: Url = "https://a.test".parse().expect("a URL");
        let silent = places.enter(&base, COPIES).err().expect("it is left alone");
        assert_eq!(silent.silences, 1);
    }

    #[tokio::test]
    async fn who_answers_is_asked_again_at_once() {
        let places = Places::default();
        let answering = turn(&places);
        answering.call(ready(Ok(()))).await.expect("it answers");
        drop(answering);
        drop(turn(&places));
    }
}
