//! One batch, one transaction: whom it concerns is enqueued, what has to be asked for becomes errands,
//! and the place in the stream is saved.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use loggia_delivery::{Clock as _, Handle, NodeId, SystemClock};
use loggia_firehose::{Batch, Malformed, Reason};
use loggia_storage::{Enqueue, Errands, Storage, StorageError, StreamCursor, Write};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::known::KnownWebhooks;
use super::telling::{Seen, Telling, Terms};
use crate::projections::Feeding;
use crate::streamplace::{self, Streamplace};
use crate::wisp_registry::{self, Bell};

/// Deliveries that one transaction enqueues; with more, what is left of the batch goes into others,
/// and the place in the stream into the last.
pub(crate) const DELIVERIES: usize = 10_000;
/// Between two looks whether there is room for more errands.
const LOOK: Duration = Duration::from_secs(1);

/// Takes batches of events. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Intake {
    pub(crate) storage: Storage,
    pub(crate) engine: Handle,
    /// Rings for whoever runs Wisp's errands.
    pub(crate) bell: Bell,
    /// Tells the webhooks of streamers.
    pub(crate) streamplace: Streamplace,
    /// Tells projections.
    pub(crate) feeding: Feeding,
    pub(crate) terms: Terms,
    pub(crate) looked: Looked,
    /// After so many deliveries a transaction takes no more events, see [`DELIVERIES`].
    pub(crate) most: usize,
}

/// When it was last looked whether there is room for more errands. Shared, since all streams wait for
/// the same.
#[derive(Clone, Default)]
pub(crate) struct Looked(Arc<Mutex<Option<Instant>>>);

/// A batch on its way in.
pub(super) struct Taking<'a> {
    pub(super) stream: &'a str,
    /// What its consumer claims.
    pub(super) claim: &'a str,
    pub(super) node: &'a NodeId,
    pub(super) batch: &'a Batch,
}

/// Why a batch was not taken.
#[derive(Debug)]
pub(super) enum NotTaken {
    /// Another node consumes the stream now.
    Lost,
    /// The store failed; nothing was written, or only what is harmless to write again.
    Failed(StorageError),
}

impl From<StorageError> for NotTaken {
    fn from(error: StorageError) -> Self {
        Self::Failed(error)
    }
}

impl Intake {
    /// A consumer begins: what it may have missed is looked for where it is kept.
    pub(super) async fn begin(&self, stream: &str) -> Result<(), StorageError> {
        let mut tx = self.storage.begin().await?;
        let now = SystemClock.now();
        wisp_registry::want_backfill(&self.storage, &mut tx, stream, now).await?;
        tx.commit().await?;
        self.bell.ring();
        Ok(())
    }

    /// Waits while there are as many errands as there may be.
    pub(super) async fn wait_for_room(&self) {
        let mut looked = self.looked.0.lock().await;
        if looked.is_some_and(|at| at.elapsed() < LOOK) {
            return;
        }
        while self.is_full().await {
            metrics::counter!("loggia_stream_waits_total").increment(1);
            tracing::warn!("too many errands are open: the record streams wait");
            tokio::time::sleep(LOOK).await;
        }
        *looked = Some(Instant::now());
    }

    async fn is_full(&self) -> bool {
        let errands = self.storage.errands();
        for kind in wisp_registry::KINDS
            .into_iter()
            .chain([streamplace::ERRAND])
        {
            // A store that fails says so when the batch is written.
            let open = errands.open(kind).await.unwrap_or(0);
            if open >= Errands::MOST {
                return true;
            }
        }
        false
    }

    /// Takes a whole batch.
    pub(super) async fn take(
        &self,
        taking: &Taking<'_>,
        known: &mut KnownWebhooks,
    ) -> Result<(), NotTaken> {
        let mut from = 0;
        loop {
            from += match self.take_from(taking, known, from).await {
                Err(NotTaken::Failed(StorageError::NoEndpoint(id))) => {
                    // Somebody removed its row; that is no reason to tell nobody else.
                    tracing::error!(endpoint = %id, "a webhook has no endpoint and is not told");
                    known.forget(id);
                    continue;
                }
                taken => taken?,
            };
            if from >= taking.batch.events.len() {
                return Ok(());
            }
        }
    }

    /// One transaction, with as many of the batch's events as go into it; how many those were.
    async fn take_from(
        &self,
        taking: &Taking<'_>,
        known: &mut KnownWebhooks,
        from: usize,
    ) -> Result<usize, NotTaken> {
        let (now, storage) = (SystemClock.now(), &self.storage);
        let mut tx = storage.begin().await?;
        let claims = storage.claims();
        if !claims.hold(&mut tx, taking.claim, taking.node).await? {
            return Err(NotTaken::Lost);
        }
        known.refresh(&mut tx, &storage.wisp_webhooks()).await?;
        let rest = &taking.batch.events[from..];
        let relay = taking.batch.cursor.as_ref();
        let relay = relay.map_or("", |cursor| cursor.source.as_str());
        let mut telling = Telling::new(storage, &mut tx, known, rest).await?;
        let seen = Seen {
            relay,
            now,
            terms: self.terms,
        };
        let taken = telling.tell(rest, known, &seen, self.most);
        let events = &rest[..taken];
        let kept = self.streamplace.take(&mut tx, events, now).await?;
        let fed = self.feeding.streamed(&mut tx, events, now).await?;
        let noted = wisp_registry::note(storage, &mut tx, events, now).await?;
        let (news, references) = telling.ended();
        let count = news.iter().map(|one| one.recipients.len()).sum();
        let reservation = self.engine.reserve(count, now);
        let all = news.iter().map(|one| Enqueue {
            new: one.new.clone(),
            recipients: &one.recipients,
            lease: reservation.lease(),
            room: one.recipients.len(),
        });
        let all = all.collect();
        let deliveries = storage.deliveries();
        let enqueued = deliveries.enqueue_all(&mut tx, all, now).await?;
        references.keep(storage, &mut tx, now).await?;
        if from + taken >= taking.batch.events.len() {
            self.finish(&mut tx, taking, now).await?;
        }
        tx.commit().await?;
        let pending = enqueued.iter().any(|one| one.pending > 0);
        reservation.offer(enqueued.into_iter().flat_map(|one| one.due).collect());
        if pending {
            self.engine.wake();
        }
        self.wake(kept, fed);
        if noted.errands || taking.batch.gap.is_some() {
            self.bell.ring();
        }
        for endpoint in noted.dropped {
            self.engine.endpoint_dropped(endpoint).await;
        }
        metrics::counter!("loggia_stream_events_total").increment(taken as u64);
        Ok(taken)
    }

    /// Wakes those for whom something was kept.
    fn wake(&self, kept: bool, fed: bool) {
        if kept {
            self.streamplace.wake();
        }
        if fed {
            self.feeding.wake();
        }
    }

    /// What belongs to the batch as a whole.
    async fn finish(
        &self,
        tx: &mut Write,
        taking: &Taking<'_>,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let Batch {
            cursor,
            gap,
            malformed,
            ..
        } = taking.batch;
        let quarantine = self.storage.stream_quarantine();
        for bad in malformed {
            let (sha256, reason) = (hex(&bad.sha256), reason(bad));
            quarantine
                .put(tx, taking.stream, &sha256, &reason, bad.position, now)
                .await?;
        }
        if !malformed.is_empty() {
            quarantine.trim(tx).await?;
        }
        if let Some(gap) = gap {
            wisp_registry::want_gap(&self.storage, tx, taking.stream, gap, now).await?;
        }
        if let Some(cursor) = cursor {
            let cursor = StreamCursor {
                source: cursor.source.clone(),
                position: cursor.position,
                time: cursor.time,
            };
            let cursors = self.storage.stream_cursors();
            cursors.save(tx, taking.stream, &cursor, now).await?;
        }
        Ok(())
    }
}

/// Of a frame that is too long it is worth knowing how long it is.
fn reason(bad: &Malformed) -> Cow<'static, str> {
    match bad.reason {
        Reason::TooLong => format!("{}: {} bytes", bad.reason.as_str(), bad.bytes).into(),
        reason => reason.as_str().into(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
