//! Runs the errands of spaces.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{Clock as _, SystemClock};
use loggia_storage::{Errand, StorageError};

use super::outbound::{Call, Outbound, Undone};
use crate::chance;
use crate::errands::{self, LOOK};
use crate::host_places::NoPlace;
use crate::wisp_registry::Bell;

/// Errands of a kind that run at once: each waits for a stranger's document, for which hosts have places.
pub(super) const AT_ONCE: usize = 8;
/// The longest pause after the first failure, and of all.
const FIRST: i64 = 2;
const MOST: i64 = 600;

impl Outbound {
    /// Runs errands until `shutdown` ends. Several nodes may: of two who do the same one, one finds it
    /// done.
    pub(crate) async fn serve(self, bell: Bell, shutdown: impl Future<Output = ()>) {
        let all = Call::ALL.map(|call| self.work_at(call, &bell));
        let mut all: FuturesUnordered<_> = all.into_iter().collect();
        tokio::select! {
            () = shutdown => {}
            _ = all.next() => {}
        }
    }

    async fn work_at(&self, call: Call, bell: &Bell) -> Infallible {
        let attempt = |errand| self.attempt(call, errand);
        errands::work(AT_ONCE, bell.ear(), || self.due(call), attempt).await
    }

    async fn due(&self, call: Call) -> Vec<Errand> {
        // Those that run are among those that are due.
        let limit = u32::try_from(2 * AT_ONCE).unwrap_or(u32::MAX);
        let errands = self.storage.errands();
        let due = errands.due(call.kind(), SystemClock.now(), limit).await;
        due.unwrap_or_else(|error| {
            log(&error, "errands of spaces cannot be looked for");
            Vec::new()
        })
    }

    /// Does an errand, or says when it is to be tried again; its subject.
    async fn attempt(&self, call: Call, errand: Errand) -> String {
        if let Err(error) = self.run(call, &errand).await {
            self.postpone(call, &errand, error).await;
        }
        errand.subject
    }

    async fn postpone(&self, call: Call, errand: &Errand, error: Undone) {
        let now = SystemClock.now();
        if let Undone::NoPlace(busy) = &error
            && !self.is_over(call, errand, now)
        {
            return self.defer(errand, *busy, now).await;
        }
        let (kind, subject) = (call.kind(), &errand.subject);
        let senseless = matches!(error, Undone::Payload(_));
        let text = with_causes(&error);
        let written = if senseless || self.is_over(call, errand, now) {
            tracing::warn!(
                kind,
                subject,
                error = text,
                "a host cannot be told and is not"
            );
            self.give_up(errand).await
        } else {
            tracing::debug!(kind, subject, error = text, "a host cannot be told yet");
            let until = next(errand.attempts, now, chance::number());
            self.storage.errands().postpone(errand, until, &text).await
        };
        if let Err(error) = written {
            log(&error, "an errand of a space cannot be postponed");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// A host cannot be asked now, which is no failure of the errand's.
    async fn defer(&self, errand: &Errand, busy: NoPlace, now: Timestamp) {
        // Not all at once.
        let most = 1000 + busy.wait.as_millis() as u64 / 2;
        let wait = busy.wait + Duration::from_millis(chance::number() % most);
        let until = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        if let Err(error) = self.storage.errands().defer(errand, until).await {
            log(&error, "an errand of a space cannot be deferred");
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn give_up(&self, errand: &Errand) -> Result<(), StorageError> {
        let mut tx = self.storage.begin().await?;
        self.storage.errands().done(&mut tx, errand).await?;
        tx.commit().await
    }
}

/// Full jitter below a limit that doubles with each failure.
fn next(failures: u32, now: Timestamp, chance: u64) -> Timestamp {
    let limit = FIRST.saturating_mul(1 << failures.min(12)).min(MOST);
    let part = i64::try_from(chance % u64::try_from(limit).unwrap_or(1)).unwrap_or(0);
    let pause = SignedDuration::from_secs(1 + part);
    now.saturating_add(pause).unwrap_or(Timestamp::MAX)
}

/// An error with its causes.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn log(error: &StorageError, message: &'static str) {
    let error = error as &dyn std::error::Error;
    tracing::error!(error, "{message}");
}
