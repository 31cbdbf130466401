//! The consumer of one stream: claims it, reads it, and hands on what it says batch by batch.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use loggia_delivery::{Clock as _, NodeId, SystemClock};
use loggia_firehose::{Batch, Cursor, Signatures, Sockets, Stream, Tools};
use loggia_storage::{Storage, StorageError, StreamCursor};

use super::intake::{Intake, NotTaken, Taking};
use super::known::KnownWebhooks;
use super::{LiveStreams, StreamLife, StreamSettings};
use crate::chance;

/// Frames of one batch at most.
const FRAMES: usize = 512;
/// Between two looks whether a stream that another node consumes is free.
const LOOK: Duration = Duration::from_secs(2);
/// After a batch that could not be written: first, and at most.
const PAUSE: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(30)];

/// Consumes one stream whenever it is this node's turn.
pub(super) struct Consumer {
    pub(super) claim: String,
    pub(super) storage: Storage,
    pub(super) settings: StreamSettings,
    pub(super) node: NodeId,
    pub(super) lease: SignedDuration,
    pub(super) intake: Intake,
    pub(super) live: LiveStreams,
    pub(super) sockets: Arc<dyn Sockets>,
    pub(super) signatures: Option<Arc<dyn Signatures>>,
}

impl Consumer {
    /// Consumes until `shutdown` ends. What is being written then is undone, and comes again.
    pub(super) async fn run(self, shutdown: impl Future<Output = ()>) {
        tokio::select! {
            () = shutdown => {}
            () = self.take_turns() => {}
        }
        self.live.reads(&self.settings.name, None);
        if let Err(error) = self.storage.claims().release(&self.claim, &self.node).await {
            // It lapses by itself.
            self.log(&error, "the claim of a record stream could not be given up");
        }
    }

    async fn take_turns(&self) {
        loop {
            match self.claim().await {
                Ok(true) => self.turn().await,
                Ok(false) => self.live.is(&self.settings.name, StreamLife::Elsewhere),
                Err(error) => self.log(&error, "a record stream cannot be claimed"),
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn claim(&self) -> Result<bool, StorageError> {
        let claims = self.storage.claims();
        claims.take(&self.claim, &self.node, self.lease).await
    }

    /// Consumes for as long as the claim lasts.
    async fn turn(&self) {
        let name = &self.settings.name;
        tracing::info!(stream = name, "consuming a record stream");
        self.live.is(name, StreamLife::Here);
        tokio::select! {
            () = self.keep_claim() => {}
            ended = self.consume() => match ended {
                NotTaken::Lost => {}
                NotTaken::Failed(error) => self.log(&error, "a record stream cannot be consumed"),
            },
        }
        self.live.reads(name, None);
        self.live.is(name, StreamLife::Starting);
        tracing::warn!(stream = name, "no longer consuming a record stream");
    }

    /// Ends when the claim is lost.
    async fn keep_claim(&self) {
        let claims = self.storage.claims();
        let third = self.lease.unsigned_abs() / 3;
        loop {
            tokio::time::sleep(third).await;
            match claims.renew(&self.claim, &self.node, self.lease).await {
                Ok(true) => {}
                Ok(false) => return,
                // What is written meanwhile is written under the claim all the same, or not at all.
                Err(error) => self.log(&error, "the claim of a record stream was not renewed"),
            }
        }
    }

    async fn consume(&self) -> NotTaken {
        let name = &self.settings.name;
        let cursors = match self.storage.stream_cursors().list(name).await {
            Ok(cursors) => cursors,
            Err(error) => return NotTaken::Failed(error),
        };
        let new = cursors.is_empty();
        let from = match new {
            true => self.settings.first_cursors(),
            false => cursors.into_iter().map(cursor).collect(),
        };
        let tools = Tools {
            sockets: self.sockets.clone(),
            signatures: self.signatures.clone(),
            chance: Box::new(chance::number),
            clock: Box::new(|| SystemClock.now()),
        };
        let stream = Arc::new(Stream::open(self.settings.source(), from, tools));
        self.live.reads(name, Some(stream.clone()));
        let mut known = KnownWebhooks::default();
        if let Err(error) = self.intake.begin(name).await {
            return NotTaken::Failed(error);
        }
        loop {
            self.intake.wait_for_room().await;
            let batch = stream.next(FRAMES).await;
            if let Err(lost) = self.take(&batch, &mut known).await {
                return lost;
            }
            if let Some(cursor) = &batch.cursor {
                stream.done(cursor);
            }
        }
    }

    /// Writes a batch, again and again until it is written or the claim is lost.
    async fn take(&self, batch: &Batch, known: &mut KnownWebhooks) -> Result<(), NotTaken> {
        let name = &self.settings.name;
        if let Some(gap) = &batch.gap {
            self.live.saw_gap(name);
            metrics::counter!("loggia_stream_gaps_total").increment(1);
            tracing::warn!(
                stream = name,
                from = %gap.from,
                to = %gap.to,
                "the source no longer has some events; what can be is read from the accounts' hosts"
            );
        }
        let taking = Taking {
            stream: name,
            claim: &self.claim,
            node: &self.node,
            batch,
        };
        let mut pause = PAUSE[0];
        loop {
            match self.intake.take(&taking, known).await {
                Err(NotTaken::Failed(error)) => {
                    // What was seen within a transaction that was undone may never have been.
                    *known = KnownWebhooks::default();
                    self.live.is(name, StreamLife::Stuck);
                    self.log(&error, "events could not be written, trying again");
                }
                done => {
                    self.live.is(name, StreamLife::Here);
                    self.live.quarantined(name, batch.malformed.len() as u64);
                    return done;
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE[1]);
        }
    }

    fn log(&self, error: &StorageError, message: &'static str) {
        let error = error as &dyn std::error::Error;
        tracing::error!(error, stream = self.settings.name, "{message}");
    }
}

fn cursor(kept: StreamCursor) -> Cursor {
    Cursor {
        source: kept.source,
        position: kept.position,
        time: kept.time,
    }
}
