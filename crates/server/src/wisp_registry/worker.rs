//! Runs Wisp's errands, on one node at a time.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use jiff::SignedDuration;
use loggia_delivery::{Clock as _, Handle, NodeId, SystemClock};
use loggia_storage::{Errand, Storage, StorageError, WispCaps};
use loggia_xrpc_client::AddressGuard;
use url::Url;

use super::host::{AskError, Hosts};
use super::{BACKFILL, Bell, DISCOVERY, GAP, KINDS, READ, SCAN};
use crate::chance;
use crate::errands::{self, LOOK, chain};
use crate::host_places::{Kind, NoPlace};
use crate::record_stream::Terms;

/// What the nodes of one store call this work.
const CLAIM: &str = "errands of Wisp";
/// Errands of a kind that run at once: each waits for a stranger's host, and may hold many records.
const AT_ONCE: usize = 8;
/// Records that are read back at once, whosever they are: many, since a host has only a few places.
const READS_AT_ONCE: usize = 64;
/// An errand is given up that is so old when its host is found silent.
const OLD: SignedDuration = SignedDuration::from_hours(24);
/// Between two looks whether the claim of another node has ended.
const TURN: Duration = Duration::from_secs(2);
/// How long a host may take to tell what was missed in a gap.
const OF_A_GAP: Duration = Duration::from_secs(600);

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
    /// Who is asked for accounts that nobody else has told of.
    pub(crate) relay: Option<Url>,
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
        if let Err(error) = self.want_discovery().await {
            log(&error, "a relay cannot be asked for accounts");
        }
        let mut kinds: FuturesUnordered<_> =
            KINDS.map(|kind| self.work_at(kind)).into_iter().collect();
        while kinds.next().await.is_some() {}
    }

    async fn work_at(&self, kind: &'static str) -> Infallible {
        let at_once = places_of(kind).at_once;
        let due = || self.due(kind, at_once);
        errands::work(at_once, self.bell.ear(), due, |errand| self.attempt(errand)).await
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
            GAP => {
                let filled = tokio::time::timeout(OF_A_GAP, self.fill_gap(&errand)).await;
                filled.unwrap_or(Err(Undone::Asked(AskError::Late)))
            }
            DISCOVERY => self.discover(&errand).await,
            _ => Err(Undone::Subject),
        };
        match done {
            Ok(()) => {}
            Err(Undone::Asked(AskError::NoPlace(busy))) => self.defer(&errand, busy).await,
            Err(error) => self.postpone(&errand, error).await,
        }
        errand.subject
    }

    /// Its host cannot be asked now, which is no failure of the errand's: others have their turn.
    async fn defer(&self, errand: &Errand, busy: NoPlace) {
        let now = SystemClock.now();
        let written = if busy.silences > 0 && now.duration_since(errand.created_at) > OLD {
            let (kind, subject) = (&errand.kind, &errand.subject);
            tracing::warn!(kind, subject, "an errand to a silent host is given up");
            self.give_up(errand).await
        } else {
            // Not all at once.
            let most = 1000 + busy.wait.as_millis() as u64 / 2;
            let wait = busy.wait + Duration::from_millis(chance::number() % most);
            let until = now.saturating_add(wait).unwrap_or(now);
            self.storage.errands().defer(errand, until).await
        };
        if let Err(error) = written {
            log(&error, "an errand cannot be deferred");
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn postpone(&self, errand: &Errand, error: Undone) {
        let (kind, subject) = (&errand.kind, &errand.subject);
        let chain = chain(&error);
        metrics::counter!("loggia_wisp_errands_failed_total").increment(1);
        let senseless = matches!(error, Undone::Payload(_) | Undone::Subject);
        let written = if senseless || errand.attempts >= errands::GIVE_UP {
            tracing::warn!(kind, subject, error = chain, "an errand is given up");
            self.give_up(errand).await
        } else {
            tracing::debug!(kind, subject, error = chain, "an errand has to wait");
            let until = errands::next(errand.attempts, SystemClock.now(), chance::number());
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

/// How many errands of a kind are done at once.
pub(super) fn places_of(name: &'static str) -> Kind {
    let at_once = if name == READ { READS_AT_ONCE } else { AT_ONCE };
    Kind { name, at_once }
}

fn log(error: &StorageError, message: &'static str) {
    let error = error as &dyn std::error::Error;
    tracing::error!(error, "{message}");
}
