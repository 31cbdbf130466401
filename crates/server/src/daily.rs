//! The daily sweep: from 03:00 UTC on, deliveries that ended and notifications of projections that were
//! made long enough ago go to the archive, if there is one, and out of the database; and so does, without
//! an archive, what projections read elsewhere.

mod events;
mod notices;

use std::future::Future;
use std::time::Duration;

use jiff::civil::time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use loggia_delivery::{Clock as _, Profile, SystemClock};
use loggia_storage::{BadRow, EndedBefore, LogPlace, Storage, StorageError};

use crate::archive::{self, Archive, ArchiveError};
use crate::chance;

/// What the nodes of one store call this work.
const CHORE: &str = "daily_sweep";
/// How often to look whether it is time: a computer's clock may be set, and sleeps do not notice.
const LOOK: Duration = Duration::from_secs(60);
/// Deliveries in one file of the archive, and in one transaction that removes them.
const BATCH: u32 = 500;
/// Operations of repositories that one transaction removes.
const OPERATIONS: u32 = 2_000;
/// Lines that are held in memory at once, in bytes; one delivery more may come on top.
const MOST_LINES: usize = 8 * 1024 * 1024;
/// How long a node that sweeps has for one batch before another takes over.
const CLAIM: SignedDuration = SignedDuration::from_mins(10);
/// Deliveries that are kept of one Wisp webhook (`place.wisp.v2.wh`), as its documentation says.
const WISP_LOG: u32 = 500;
/// Webhooks whose records are shortened in one sweep: the others have their turn tomorrow.
const CROWDED: u32 = 10_000;
/// So long after its end a delivery is kept all the same: an event that comes again is known by it.
const SETTLED: SignedDuration = SignedDuration::from_hours(1);

/// How long what is over stays in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Delivered and cancelled ones; and, from when they were made, notifications of projections.
    pub delivered: SignedDuration,
    /// Dead letters: abandoned and expired ones, which can be replayed while they are there.
    pub dead_letters: SignedDuration,
    /// Events that projections read from the record stream and from spaces, from when they came. What
    /// owners append themselves stays for good.
    pub source_events: SignedDuration,
    /// Operations in the logs of repositories in spaces. Who was away for longer is told of the rest by
    /// the hash, which does not fit then, and reads the whole repository.
    pub space_log: SignedDuration,
}

/// Sweeps once a day.
pub struct Daily {
    storage: Storage,
    archive: Option<Archive>,
    kept: Kept,
}

/// Why a sweep ended early.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The database.
    #[error("the database failed")]
    Storage(#[from] StorageError),
    /// The archive.
    #[error("the archive failed")]
    Archive(#[from] ArchiveError),
    /// A delivery.
    #[error("a delivery cannot be written as JSON")]
    Line(#[from] serde_json::Error),
}

impl Daily {
    /// A sweep of this store; without an archive what is swept is gone.
    pub fn new(storage: Storage, archive: Option<Archive>, kept: Kept) -> Self {
        Self {
            storage,
            archive,
            kept,
        }
    }

    /// Sweeps whenever a day's sweep has not been made, by this node or another, until `shutdown` ends.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => return,
                swept = self.sweep_if_due(SystemClock.now()) => log(swept),
            }
            tokio::select! {
                () = &mut shutdown => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Sweeps, unless today's sweep was made or another node is making it; how many deliveries went.
    ///
    /// # Errors
    /// The database or the archive failed; what was not archived is still there.
    pub async fn sweep_if_due(&self, now: Timestamp) -> Result<Option<u64>, SweepError> {
        let (chores, due) = (self.storage.chores(), last_turn(now));
        if !chores.claim(CHORE, due, now, now + CLAIM).await? {
            return Ok(None);
        }
        let swept = self.sweep(now).await?;
        chores.done(CHORE, due).await?;
        Ok(Some(swept))
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64, SweepError> {
        let deliveries = self.storage.deliveries();
        let before = EndedBefore {
            delivered: now - self.kept.delivered,
            dead_letters: now - self.kept.dead_letters,
        };
        let mut swept = 0;
        loop {
            let ended = deliveries.ended(&before, BATCH).await?;
            if ended.is_empty() {
                break;
            }
            swept += self.retire(&ended).await?;
        }
        swept += self.shorten(now).await?;
        let endpoints = self.storage.endpoints();
        while endpoints.sweep(before.delivered, BATCH).await? == u64::from(BATCH) {}
        self.sweep_notices(before.delivered).await?;
        self.sweep_events(now - self.kept.source_events).await?;
        self.shorten_logs(now - self.kept.space_log).await?;
        Ok(swept)
    }

    /// Shortens the records of Wisp's webhooks to what is kept of each; how many deliveries went.
    async fn shorten(&self, now: Timestamp) -> Result<u64, SweepError> {
        let deliveries = self.storage.deliveries();
        let before = now - SETTLED;
        let mut swept = 0;
        for profile in [Profile::Wisp, Profile::Wisp2] {
            let crowded = deliveries.crowded(profile, WISP_LOG, CROWDED).await?;
            for endpoint in crowded {
                loop {
                    let beyond = deliveries.beyond_newest(endpoint, WISP_LOG, before, BATCH);
                    let beyond = beyond.await?;
                    if beyond.is_empty() {
                        break;
                    }
                    swept += self.retire(&beyond).await?;
                }
            }
        }
        Ok(swept)
    }

    /// Removes what is too old from the logs of repositories in spaces.
    async fn shorten_logs(&self, before: Timestamp) -> Result<(), SweepError> {
        let repos = self.storage.space_repos();
        let mut place = LogPlace::default();
        loop {
            let (removed, next) = repos.shorten_logs(before, place, OPERATIONS).await?;
            if removed < u64::from(OPERATIONS) {
                return Ok(());
            }
            place = next;
            let chores = self.storage.chores();
            chores.renew(CHORE, SystemClock.now() + CLAIM).await?;
        }
    }

    /// Archives and removes the first of these; how many went.
    async fn retire(&self, ended: &[loggia_storage::Ended]) -> Result<u64, SweepError> {
        let archived = self.archive(ended).await?;
        let deliveries = self.storage.deliveries();
        let removed = deliveries.remove(&ended[..archived]).await?;
        let chores = self.storage.chores();
        chores.renew(CHORE, SystemClock.now() + CLAIM).await?;
        Ok(removed)
    }

    /// Archives the first of these, as many as fit into one file; how many those are. All of them if
    /// there is no archive.
    async fn archive(&self, ended: &[loggia_storage::Ended]) -> Result<usize, SweepError> {
        let Some(archive) = &self.archive else {
            return Ok(ended.len());
        };
        let mut lines = Vec::new();
        let mut count = 0;
        for delivery in ended {
            if lines.len() >= MOST_LINES {
                break;
            }
            match self.storage.deliveries().retired(delivery).await {
                Ok(Some(retired)) => lines.extend(archive::line(&retired)?),
                // It was removed or replayed since, and will not be removed now.
                Ok(None) => {}
                Err(StorageError::BadRow(bad)) => {
                    log_unreadable(&bad);
                    lines.extend(archive::unreadable(delivery.id, &bad)?);
                }
                Err(error) => return Err(error.into()),
            }
            count += 1;
        }
        let path = archive
            .write(&lines, SystemClock.now(), chance::number())
            .await?;
        tracing::info!(deliveries = count, file = %path, "deliveries archived");
        Ok(count)
    }
}

/// Apart, because the borrowed cause must not live over an await.
fn log_unreadable(bad: &BadRow) {
    let error = bad as &dyn std::error::Error;
    tracing::error!(error, "a delivery cannot be read, and is archived as that");
}

fn log(swept: Result<Option<u64>, SweepError>) {
    match swept {
        Ok(Some(deliveries)) => tracing::info!(deliveries, "the daily sweep is done"),
        Ok(None) => {}
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "the daily sweep failed; trying again");
        }
    }
}

/// The last 03:00 UTC at or before `now`.
fn last_turn(now: Timestamp) -> Timestamp {
    let at = now.to_zoned(TimeZone::UTC);
    let today = at.date().to_datetime(time(3, 0, 0, 0));
    let turn = match today <= at.datetime() {
        true => today,
        false => today.saturating_sub(1.day()),
    };
    let turn = turn.to_zoned(TimeZone::UTC);
    turn.map_or(Timestamp::MIN, |turn| turn.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_turns_at_three() {
        for (now, turn) in [
            ("2026-03-01T02:59:59.999Z", "2026-02-28T03:00:00Z"),
            ("2026-03-01T03:00:00Z", "2026-03-01T03:00:00Z"),
            ("2026-03-02T00:00:00Z", "2026-03-01T03:00:00Z"),
        ] {
            let [now, turn]: [Timestamp; 2] = [now, turn].map(|text| text.parse().expect(text));
            assert_eq!(last_turn(now), turn, "{now}");
        }
    }
}
