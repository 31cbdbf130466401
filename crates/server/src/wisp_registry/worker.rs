//! Runs Wisp's errands, on one node at a time.

use std::collections::HashSet;
use std::future::Future;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use jiff::SignedDuration;
use loggia_delivery::{Clock as _, Handle, NodeId, SystemClock};
use loggia_storage::{Errand, Storage, StorageError, WispCaps};
use loggia_xrpc_client::AddressGuard;

use super::host::{AskError, Hosts};
use super::{BACKFILL, Bell, GAP, KINDS, READ, SCAN, backoff};
use crate::chance;
use crate::record_stream::Terms;

/// What the nodes of one store call this work.
const CLAIM: &str = "errands of Wisp";
/// Errands of a kind that run at once: each waits for a stranger's host.
const AT_ONCE: usize = 8;
/// Between two looks when nobody rings.
const LOOK: Duration = Duration::from_secs(1);
/// Between two looks whether the claim of another node has ended.
const TURN: Duration = Duration::from_secs(2);

/// Which webhooks there are, and what they are allowed.
pub(crate) struct WispRegistry {
    pub(crate) storage: Storage,
    pub(crate) engine: Handle,
    pub(crate) bell: Bell,
    pub(crate) node: NodeId,
    /// How long a claim is good for after it was last renewed.
    pub(crate) lease: SignedDuration,
    pub(crate) caps: WispCaps,
    pub(crate) guard: AddressGuard,
    pub(crate) terms: Terms,
    /// Who is asked for records.
    pub(crate) hosts: Hosts,
}

/// Why an errand was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Undone {
    #[error("the database failed")]
    Storage(#[from] StorageError),
    #[error("the account's host could not be asked")]
    Asked(#[from] AskError),
    #[error("what was to be done cannot be read")]
    Payload(#[from] serde_json::Error),
    #[error("what it is about is neither an account nor a record")]
    Subject,
}

impl WispRegistry {
    /// Runs errands whenever it is this node's turn, until `shutdown` ends. What is under way then is
    /// done again.
    pub(crate) async fn run(self, shutdown: impl Future<Output = ()>) {
        tokio::select! {
            () = shutdown => {}
            () = self.take_turns() => {}
        }
        if let Err(error) = self.storage.claims().release(CLAIM, &self.node).await {
            log(&error, "the claim of errands could not be given up");
        }
    }

    async fn take_turns(&self) {
        loop {
            match self.claim().await {
                Ok(true) => tokio::select! {
                    () = self.keep_claim() => {}
                    () = self.work() => {}
                },
                Ok(false) => {}
                Err(error) => log(&error, "errands cannot be claimed"),
            }
            tokio::time::sleep(TURN).await;
        }
    }

    async fn claim(&self) -> Result<bool, StorageError> {
        let claims = self.storage.claims();
        claims.take(CLAIM, &self.node, self.lease).await
    }

    /// Ends when the claim is lost. Nothing bad comes of two nodes that do the same errand.
    async fn keep_claim(&self) {
        let claims = self.storage.claims();
        loop {
            tokio::time::sleep(self.lease.unsigned_abs() / 3).await;
            match claims.renew(CLAIM, &self.node, self.lease).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => log(&error, "the claim of errands was not renewed"),
            }
        }
    }

    /// Each kind has places of its own, so that a long one keeps no short one waiting.
    async fn work(&self) {
        let mut kinds: FuturesUnordered<_> =
            KINDS.map(|kind| self.work_at(kind)).into_iter().collect();
        while kinds.next().await.is_some() {}
    }

    async fn work_at(&self, kind: &'static str) {
        let mut running = FuturesUnordered::new();
        let mut subjects = HashSet::new();
        let mut ear = self.bell.ear();
        loop {
            let free = AT_ONCE - subjects.len();
            if free > 0 {
                for errand in self.due(kind, AT_ONCE).await {
                    if subjects.len() < AT_ONCE && subjects.insert(errand.subject.clone()) {
                        running.push(self.attempt(errand));
                    }
                }
            }
            tokio::select! {
                Some(subject) = running.next() => {
                    subjects.remove(&subject);
                }
                () = ear.heard() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn due(&self, kind: &str, limit: usize) -> Vec<Errand> {
        // Those that run are among those that are due.
        let limit = u32::try_from(2 * limit).unwrap_or(u32::MAX);
        let errands = self.storage.errands();
        let due = errands.due(kind, SystemClock.now(), limit).await;
        due.unwrap_or_else(|error| {
            log(&error, "errands cannot be looked for");
            Vec::new()
        })
    }

    /// Does an errand, or says when it is to be tried again; its subject.
    async fn attempt(&self, errand: Errand) -> String {
        let done = match errand.kind.as_str() {
            READ => self.read(&errand).await,
            SCAN => self.scan(&errand).await,
            BACKFILL => self.backfill(&errand).await,
            GAP => self.fill_gap(&errand).await,
            _ => Err(Undone::Subject),
        };
        if let Err(error) = done {
            self.postpone(&errand, error).await;
        }
        errand.subject
    }

    async fn postpone(&self, errand: &Errand, error: Undone) {
        let (kind, subject) = (&errand.kind, &errand.subject);
        let chain = chain(&error);
        metrics::counter!("loggia_wisp_errands_failed_total").increment(1);
        let senseless = matches!(error, Undone::Payload(_) | Undone::Subject);
        let written = if senseless || errand.attempts >= backoff::GIVE_UP {
            tracing::warn!(kind, subject, error = chain, "an errand is given up");
            self.give_up(errand).await
        } else {
            tracing::debug!(kind, subject, error = chain, "an errand has to wait");
            let until = backoff::next(errand.attempts, SystemClock.now(), chance::number());
            self.storage.errands().postpone(errand, until, &chain).await
        };
        if let Err(error) = written {
            log(&error, "an errand cannot be postponed");
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn give_up(&self, errand: &Errand) -> Result<(), StorageError> {
        let mut tx = self.storage.begin().await?;
        self.storage.errands().done(&mut tx, errand).await?;
        tx.commit().await
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
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
