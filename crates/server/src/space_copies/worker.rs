//! Runs the errands of copies, on one node at a time.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use jiff::SignedDuration;
use loggia_delivery::{Clock as _, NodeId, SystemClock};
use loggia_storage::{Errand, StorageError};
use loggia_syntax::{SpaceRef, Tid};
use tokio::sync::Semaphore;

use super::asking::{AskError, Asking};
use super::proof::Unproved;
use super::{LEAVE, PULL, SpaceCopies, VISIT, limits};
use crate::chance;
use crate::computing::Computing;
use crate::errands::{self, chain};
use crate::space_host::AccountsError;
use crate::space_notices::NotifyError;

/// What the nodes of one store call this work.
const CLAIM: &str = "copies of spaces";
/// Between two looks when nobody rings.
const LOOK: Duration = Duration::from_secs(1);
/// Between two looks whether the claim of another node has ended.
const TURN: Duration = Duration::from_secs(2);
/// Between two looks at who is registered for what: nobody waits for a copy to begin.
const WANTED: Duration = Duration::from_secs(2);

/// Keeps the copies up to date.
pub(crate) struct Syncer {
    pub(crate) copies: SpaceCopies,
    pub(crate) asking: Asking,
    pub(crate) computing: Computing,
    pub(crate) node: NodeId,
    /// How long a claim is good for after it was last renewed.
    pub(crate) lease: SignedDuration,
    /// The name under which this server is told: its DID and the service there.
    pub(crate) service: String,
    pub(crate) between_visits: SignedDuration,
    /// Places for repositories that are read whole, see [`limits::SNAPSHOTS`].
    pub(crate) snapshots: Arc<Semaphore>,
}

/// Why an errand was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Undone {
    #[error("the database failed")]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Asked(#[from] AskError),
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    #[error("what is said of the repository is not believed")]
    Unproved(#[from] Unproved),
    #[error("the author's host is not at revision {0} yet, of which was heard")]
    Behind(Tid),
    #[error("it is not known what is wanted")]
    Payload(#[from] serde_json::Error),
    #[error("nobody can be told")]
    Notify(#[from] NotifyError),
    #[error("the copy was changed meanwhile")]
    Moved,
    #[error("there is too much to compute")]
    Busy,
    #[error("an answer came in parts where it was asked for as a whole")]
    Streamed,
    #[error("the list of the space is not in order")]
    Unordered,
    #[error(
        "the list of the space does not end: more than {} pages",
        limits::LIST_PAGES
    )]
    Endless,
    #[error("the space has more repositories than are copied")]
    Crowded,
    #[error("it took longer than {} s", limits::PATIENCE.as_secs())]
    Late,
    #[error("what it is about is no space and no repository")]
    Subject,
}

impl Syncer {
    /// Works whenever it is this node's turn, until `shutdown` ends. What is under way then is done
    /// again.
    pub(crate) async fn run(self, shutdown: impl Future<Output = ()>) {
        tokio::select! {
            () = shutdown => {}
            () = self.take_turns() => {}
        }
        let claims = self.copies.storage.claims();
        if let Err(error) = claims.release(CLAIM, &self.node).await {
            log(&error, "the claim of copies could not be given up");
        }
    }

    async fn take_turns(&self) {
        let claims = self.copies.storage.claims();
        loop {
            match claims.take(CLAIM, &self.node, self.lease).await {
                Ok(true) => tokio::select! {
                    () = self.keep_claim() => {}
                    () = self.work() => {}
                },
                Ok(false) => {}
                Err(error) => log(&error, "copies cannot be claimed"),
            }
            tokio::time::sleep(TURN).await;
        }
    }

    /// Ends when the claim is lost. Of two nodes that fetch the same only one moves the copy on.
    async fn keep_claim(&self) {
        let claims = self.copies.storage.claims();
        loop {
            tokio::time::sleep(self.lease.unsigned_abs() / 3).await;
            match claims.renew(CLAIM, &self.node, self.lease).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => log(&error, "the claim of copies was not renewed"),
            }
        }
    }

    async fn work(&self) {
        if let Err(error) = self.want_all_visits(SystemClock.now()).await {
            log(&error, "copied spaces cannot be visited after the start");
        }
        tokio::join!(
            self.look_who_wants(),
            self.work_at(VISIT),
            self.work_at(PULL),
            self.work_at(LEAVE),
        );
    }

    async fn look_who_wants(&self) {
        loop {
            if let Err(error) = self.reconcile(SystemClock.now()).await {
                tracing::error!(
                    error = chain(&error),
                    "it is not known which spaces to copy"
                );
            }
            tokio::time::sleep(WANTED).await;
        }
    }

    async fn work_at(&self, kind: &'static str) {
        let mut running = FuturesUnordered::new();
        let mut subjects = HashSet::new();
        let mut ear = self.copies.bell.ear();
        loop {
            if subjects.len() < limits::AT_ONCE {
                for errand in self.due(kind).await {
                    if subjects.len() < limits::AT_ONCE && subjects.insert(errand.subject.clone()) {
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

    async fn due(&self, kind: &str) -> Vec<Errand> {
        // Those that run are among those that are due.
        let limit = u32::try_from(2 * limits::AT_ONCE).unwrap_or(u32::MAX);
        let errands = self.copies.storage.errands();
        let due = errands.due(kind, SystemClock.now(), limit).await;
        due.unwrap_or_else(|error| {
            log(&error, "errands cannot be looked for");
            Vec::new()
        })
    }

    /// Does an errand, or says when it is to be tried again; its subject.
    async fn attempt(&self, errand: Errand) -> String {
        let doing = async {
            match errand.kind.as_str() {
                VISIT => self.visit(&errand).await,
                PULL => self.pull(&errand).await,
                LEAVE => self.leave(&errand).await,
                _ => Err(Undone::Subject),
            }
        };
        let done = tokio::time::timeout(limits::PATIENCE, doing).await;
        if let Err(error) = done.unwrap_or(Err(Undone::Late)) {
            let written = self.put_off(&errand, error).await;
            if let Err(error) = written {
                tracing::error!(error = chain(&error), "an errand cannot be postponed");
                tokio::time::sleep(LOOK).await;
            }
        }
        errand.subject
    }

    async fn put_off(&self, errand: &Errand, error: Undone) -> Result<(), Undone> {
        let (kind, subject) = (&*errand.kind, &errand.subject);
        let why = chain(&error);
        let outcome = match &error {
            Undone::Unproved(_) => "unproved",
            _ => "failed",
        };
        if kind == PULL {
            metrics::counter!("loggia_space_pulls_total", "outcome" => outcome).increment(1);
        }
        let is_over = match (kind, &error) {
            (_, Undone::Subject | Undone::Payload(_)) => true,
            (LEAVE, _) => errand.attempts >= limits::LEAVINGS,
            (PULL, _) => errand.attempts >= errands::GIVE_UP,
            _ => false,
        };
        match &error {
            Undone::Asked(AskError::Deleted) => self.end(errand).await,
            Undone::Unproved(_) => {
                tracing::warn!(
                    subject,
                    error = why,
                    "a repository is not believed and set aside"
                );
                Ok(self.set_aside(errand, &why).await?)
            }
            _ if is_over => {
                tracing::warn!(kind, subject, error = why, "an errand is given up");
                Ok(self.set_aside(errand, &why).await?)
            }
            _ => {
                tracing::debug!(kind, subject, error = why, "an errand has to wait");
                let now = SystemClock.now();
                let until = errands::next(errand.attempts, now, chance::number());
                let errands = self.copies.storage.errands();
                Ok(errands.postpone(errand, until, &why).await?)
            }
        }
    }

    /// The space is gone, as its host says when it is asked for a credential: the call that says so by
    /// itself may have been missed.
    async fn end(&self, errand: &Errand) -> Result<(), Undone> {
        let space = errand.subject.rsplit(' ').next().unwrap_or_default();
        let space = SpaceRef::new(space).map_err(|_| Undone::Subject)?;
        let mut tx = self.copies.storage.begin().await?;
        let told = self.copies.deleted(&mut tx, &space, SystemClock.now());
        let told = told.await?;
        self.copies.storage.errands().done(&mut tx, errand).await?;
        tx.commit().await?;
        if let Some(told) = told {
            told.deliver();
        }
        Ok(())
    }

    /// There is nothing to be done any more.
    pub(super) async fn finish(&self, errand: &Errand) -> Result<(), Undone> {
        let mut tx = self.copies.storage.begin().await?;
        self.copies.storage.errands().done(&mut tx, errand).await?;
        Ok(tx.commit().await?)
    }
}

fn log(error: &StorageError, message: &'static str) {
    let error = error as &dyn std::error::Error;
    tracing::error!(error, "{message}");
}
