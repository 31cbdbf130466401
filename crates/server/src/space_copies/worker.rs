//! Runs the errands of copies, on one node at a time.

use std::future::Future;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use jiff::SignedDuration;
use loggia_delivery::{Clock as _, NodeId, SystemClock};
use loggia_storage::{Errand, StorageError};
use loggia_syntax::{SpaceRef, Tid};

use super::asking::{AskError, Asking};
use super::proof::Unproved;
use super::snapshot::Snapshots;
use super::{LEAVE, PULL, SpaceCopies, VISIT, limits};
use crate::chance;
use crate::computing::Computing;
use crate::errands::{self, LOOK, chain, look_beside};
use crate::host_places::NoPlace;
use crate::space_host::AccountsError;
use crate::space_notices::NotifyError;

/// What the nodes of one store call this work.
const CLAIM: &str = "copies of spaces";
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
    /// Places for repositories that are read whole.
    pub(crate) snapshots: Snapshots,
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
    #[error("it does not hold with the author's key, which was looked up just before")]
    Key(#[source] Unproved),
    #[error("it is not known what is wanted")]
    Payload(#[from] serde_json::Error),
    #[error("nobody can be told")]
    Notify(#[from] NotifyError),
    #[error("the copy was changed meanwhile")]
    Moved,
    #[error("there is too much to compute")]
    Busy,
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
        let mut busy = Vec::new();
        let mut ear = self.copies.bell.ear();
        loop {
            let next = self.next(kind, &mut busy);
            let (next, ended) = look_beside(next, &mut running).await;
            for errand in next {
                running.push(self.attempt(errand));
            }
            if !ended.is_empty() {
                busy.retain(|one| !ended.contains(one));
                continue;
            }
            tokio::select! {
                Some(space) = running.next() => busy.retain(|one| *one != space),
                () = ear.heard() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// The errands to begin, one for each space that has none under way: however much there is to do in
    /// one, it holds up no other.
    async fn next(&self, kind: &str, busy: &mut Vec<String>) -> Vec<Errand> {
        let mut next = Vec::new();
        while busy.len() < limits::AT_ONCE {
            let before = busy.len();
            for errand in self.due(kind, busy).await {
                let space = space_of(&errand.subject);
                if busy.len() < limits::AT_ONCE && !busy.iter().any(|one| one == space) {
                    busy.push(space.to_owned());
                    next.push(errand);
                }
            }
            if busy.len() == before {
                break;
            }
        }
        next
    }

    async fn due(&self, kind: &str, busy: &[String]) -> Vec<Errand> {
        let limit = u32::try_from(2 * limits::AT_ONCE).unwrap_or(u32::MAX);
        let errands = self.copies.storage.errands();
        let due = errands.due_besides(kind, busy, SystemClock.now(), limit);
        due.await.unwrap_or_else(|error| {
            log(&error, "errands cannot be looked for");
            Vec::new()
        })
    }

    /// Does an errand, or says when it is to be tried again; its space.
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
        space_of(&errand.subject).to_owned()
    }

    async fn put_off(&self, errand: &Errand, error: Undone) -> Result<(), Undone> {
        if let Undone::Asked(AskError::NoPlace(busy)) = error {
            return self.defer(errand, busy).await;
        }
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
                if kind == LEAVE
                    && let Ok(space) = SpaceRef::new(&**subject)
                {
                    self.copies.purse.forget(&space);
                }
                tracing::warn!(kind, subject, error = why, "an errand is given up");
                Ok(self.set_aside(errand, &why).await?)
            }
            _ => {
                tracing::debug!(kind, subject, error = why, "an errand has to wait");
                if let Undone::Key(_) = error {
                    self.note_trouble(errand, &why).await?;
                }
                let now = SystemClock.now();
                let until = errands::next(errand.attempts, now, chance::number());
                let errands = self.copies.storage.errands();
                Ok(errands.postpone(errand, until, &why).await?)
            }
        }
    }

    /// A host cannot be asked now, which is no failure of the errand's.
    async fn defer(&self, errand: &Errand, busy: NoPlace) -> Result<(), Undone> {
        let now = SystemClock.now();
        let is_old = now.duration_since(errand.created_at) > limits::SILENT_FOR;
        if busy.silences > 0 && is_old && errand.kind != VISIT {
            return Ok(self.set_aside(errand, "the host does not answer").await?);
        }
        // Not all at once.
        let most = 1000 + busy.wait.as_millis() as u64 / 2;
        let wait = busy.wait + Duration::from_millis(chance::number() % most);
        let until = now.saturating_add(wait).unwrap_or(now);
        Ok(self.copies.storage.errands().defer(errand, until).await?)
    }

    /// The space is gone, as its host says when it is asked for a credential: the call that says so by
    /// itself may have been missed.
    async fn end(&self, errand: &Errand) -> Result<(), Undone> {
        let space = SpaceRef::new(space_of(&errand.subject)).map_err(|_| Undone::Subject)?;
        let mut tx = self.copies.storage.begin().await?;
        // In every transaction the copies come first, then errands, then the copied space: so that no two
        // wait for each other.
        let copies = self.copies.storage.space_copies();
        copies.hold(&mut tx, &space).await?;
        self.copies.storage.errands().done(&mut tx, errand).await?;
        let told = self.copies.deleted(&mut tx, &space, SystemClock.now());
        let told = told.await?;
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

/// The space that an errand is in: its name is the end of the subject.
fn space_of(subject: &str) -> &str {
    subject.rsplit(' ').next().unwrap_or_default()
}

fn log(error: &StorageError, message: &'static str) {
    let error = error as &dyn std::error::Error;
    tracing::error!(error, "{message}");
}
