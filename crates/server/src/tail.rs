//! Following the attempts at an account's endpoints as they end.
//!
//! Other processes write attempts as well, and each a moment after it has ended. So the store is
//! read again and again, a little back each time, and what was given out is remembered for as long.
//! Outcomes of this process only make it sooner.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use jiff::SignedDuration;
use loggia_delivery::{Clock as _, EndpointId, SystemClock};
use loggia_storage::{AttemptPlace, LoggedAttempt, Storage, StorageError, Whose};
use loggia_syntax::Did;

use crate::outcomes::Following;

/// How far is looked back, in milliseconds: longer than an attempt may have ended before it is
/// written, as long as the store keeps up.
pub const OVERLAP: i64 = 5_000;
/// Between two looks while nothing is heard.
const PAUSE: Duration = Duration::from_secs(1);
/// Between two looks at the least, and this many times as long as the last one took: whoever follows
/// a busy account takes no more than a share of the store's time.
const LEAST_PAUSE: Duration = Duration::from_millis(50);
const SHARE: u32 = 4;
/// Attempts that are read at once.
const BATCH: u32 = 200;
/// Attempts that are remembered. With more within the overlap, it gets shorter.
const MOST_SEEN: usize = 20_000;

/// Follows one account, or one of its endpoints.
pub struct Follower {
    storage: Storage,
    owner: Did,
    endpoint: Option<EndpointId>,
    following: Following,
    /// Everything up to here has been given out.
    floor: AttemptPlace,
    /// Where the present look has come to.
    at: AttemptPlace,
    /// What was given out after `floor`.
    seen: BTreeSet<AttemptPlace>,
    /// What is to be given out next.
    ready: VecDeque<LoggedAttempt>,
    /// How long the present look has taken so far.
    took: SignedDuration,
}

impl Follower {
    /// Follows from the millisecond `from` on.
    pub fn new(
        storage: Storage,
        owner: Did,
        endpoint: Option<EndpointId>,
        from: i64,
        following: Following,
    ) -> Self {
        let floor = AttemptPlace::before(from);
        Self {
            storage,
            owner,
            endpoint,
            following,
            floor,
            at: floor,
            seen: BTreeSet::new(),
            ready: VecDeque::new(),
            took: SignedDuration::ZERO,
        }
    }

    /// The next attempt, waited for.
    ///
    /// # Errors
    /// The store failed.
    pub async fn next(&mut self) -> Result<LoggedAttempt, StorageError> {
        loop {
            if let Some(next) = self.ready.pop_front() {
                return Ok(next);
            }
            if !self.look().await? {
                self.rest().await;
            }
        }
    }

    /// Reads on; whether there may be more in the present look.
    async fn look(&mut self) -> Result<bool, StorageError> {
        let began = SystemClock.now();
        let found = self
            .storage
            .deliveries()
            .attempts_after(Whose::Of(&self.owner), self.endpoint, self.at, BATCH)
            .await?;
        self.took += SystemClock.now().duration_since(began);
        let Some(last) = found.last() else {
            return Ok(false);
        };
        self.at = last.place();
        for attempt in found {
            if self.seen.insert(attempt.place()) {
                self.ready.push_back(attempt);
            }
        }
        while self.seen.len() > MOST_SEEN {
            self.floor = self.seen.pop_first().unwrap_or(self.floor);
        }
        Ok(true)
    }

    /// Ends the present look and waits for the next.
    async fn rest(&mut self) {
        let back = SystemClock.now().as_millisecond().saturating_sub(OVERLAP);
        self.floor = self.floor.max(AttemptPlace::before(back));
        self.seen = self.seen.split_off(&self.floor);
        self.at = self.floor;
        let took = Duration::try_from(self.took).unwrap_or(Duration::ZERO);
        self.took = SignedDuration::ZERO;
        tokio::time::sleep(LEAST_PAUSE.max(took.saturating_mul(SHARE))).await;
        // Nothing that was heard in the meantime is lost: it is still news.
        if tokio::time::timeout(PAUSE, self.following.news())
            .await
            .is_err()
        {
            tracing::trace!("nothing was heard; looking for what other processes have done");
        }
    }
}
