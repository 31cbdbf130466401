//! Fetching what has changed in a repository.

use std::collections::{BTreeSet, HashMap};

use loggia_auth::PublicKey;
use loggia_delivery::{Clock as _, SystemClock};
use loggia_space::{BadCommit, RecordPath, SignedCommit};
use loggia_storage::{Errand, RepoName, SpaceCopy, StorageError, Write};
use loggia_syntax::{Cid, Did, SpaceRef, Tid};
use loggia_xrpc::NoError;
use serde::Deserialize;

use super::log::Log;
use super::proof::{Step, Unproved, check_commit, difference, follow, paths};
use super::turn::Turn;
use super::worker::{Syncer, Undone};

/// How the errand for a repository is called.
pub(super) fn subject(author: &Did, space: &SpaceRef) -> String {
    format!("{author} {space}")
}

/// What an errand wants: everything up to this revision. Of two the later is the greater text.
pub(super) fn wanted(rev: &Tid) -> String {
    serde_json::json!({ "rev": rev }).to_string()
}

/// What an errand wants that is content with whatever there is.
pub(super) fn anything() -> String {
    wanted(&Tid::from_micros(0, 0).expect("the first of all"))
}

/// The revision that an errand wants.
fn wanted_by(errand: &Errand) -> Result<Tid, Undone> {
    #[derive(Deserialize)]
    struct Wanted {
        rev: Tid,
    }
    let wanted: Wanted = serde_json::from_str(&errand.payload)?;
    Ok(wanted.rev)
}

/// The repository that an errand is about.
pub(super) fn name(subject: &str) -> Option<RepoName> {
    let (author, space) = subject.split_once(' ')?;
    Some(RepoName {
        author: Did::new(author).ok()?,
        space: SpaceRef::new(space).ok()?,
    })
}

/// Which records a log names that were changed after a revision.
fn told(log: &Log, quiet_until: &Tid) -> BTreeSet<RecordPath> {
    let later = log.operations.iter().filter(|one| one.rev > *quiet_until);
    paths(later).collect()
}

impl Syncer {
    /// Brings a copy up to date, from the log or, where that does not hold or reach back, from the whole
    /// repository.
    pub(super) async fn pull(&self, errand: &Errand) -> Result<(), Undone> {
        let name = name(&errand.subject).ok_or(Undone::Subject)?;
        let Some(copy) = self.copies.storage.space_copies().find(&name).await? else {
            return self.finish(errand).await;
        };
        if !self.still_counts(&name).await? {
            return self.finish(errand).await;
        }
        let base = self.asking.repo_host(&name.author, errand.attempts > 0);
        let turn = self.asking.turn(base.await?)?;
        let mut recent = BTreeSet::new();
        let (way, steps) = match self.by_log(&turn, &copy, &mut recent).await {
            Ok(steps) => ("log", steps),
            Err(Undone::Unproved(log)) => {
                let author = name.author.as_str();
                tracing::debug!(author, why = %log, "a log does not hold; all of it is fetched");
                self.look_for_recent(&turn, &copy, &mut recent).await?;
                ("snapshot", self.by_whole(&turn, &copy, log, recent).await?)
            }
            Err(other) => return Err(other),
        };
        self.apply(errand, copy, steps, &wanted_by(errand)?).await?;
        metrics::counter!("loggia_space_pulls_total", "outcome" => way).increment(1);
        Ok(())
    }

    /// What the log says. What has changed since the copy is to be told of is added to `recent`, even
    /// where the log does not reach back far enough to be followed.
    async fn by_log(
        &self,
        turn: &Turn,
        copy: &SpaceCopy,
        recent: &mut BTreeSet<RecordPath>,
    ) -> Result<Vec<Step>, Undone> {
        let log = self.asking.log(turn, &copy.name, copy.rev.as_ref()).await?;
        if let Some(quiet_until) = &copy.quiet_until {
            recent.extend(told(&log, quiet_until));
        }
        self.check(&log.commit, &copy.name).await?;
        let named: BTreeSet<RecordPath> = paths(&log.operations).collect();
        let held = self
            .copies
            .storage
            .space_copies()
            .held(copy, &named)
            .await?;
        let held: HashMap<RecordPath, Cid> = held.into_iter().collect();
        let copy = copy.clone();
        let following = move || follow(&copy, held, &log.operations, &log.commit);
        let steps = self.computing.run::<_, NoError>(following).await;
        Ok(steps.map_err(|_| Undone::Busy)??)
    }

    /// What the first look at a repository is to tell of, where the log from its beginning is too long to
    /// be read: otherwise the news with which copying began would be taken for known.
    async fn look_for_recent(
        &self,
        turn: &Turn,
        copy: &SpaceCopy,
        recent: &mut BTreeSet<RecordPath>,
    ) -> Result<(), Undone> {
        let Some(quiet_until) = &copy.quiet_until else {
            return Ok(());
        };
        if copy.rev.is_some() || !recent.is_empty() {
            return Ok(());
        }
        match self.asking.log(turn, &copy.name, Some(quiet_until)).await {
            Ok(log) => recent.extend(told(&log, quiet_until)),
            Err(Undone::Unproved(why)) => {
                let author = copy.name.author.as_str();
                tracing::warn!(author, %why, "what an author wrote before the first copy is not told");
            }
            Err(other) => return Err(other),
        }
        Ok(())
    }

    async fn by_whole(
        &self,
        turn: &Turn,
        copy: &SpaceCopy,
        log: Unproved,
        recent: BTreeSet<RecordPath>,
    ) -> Result<Vec<Step>, Undone> {
        let steps = self.whole(turn, copy, recent).await;
        steps.map_err(|error| match error {
            Undone::Unproved(snapshot) => {
                let (log, snapshot) = (Box::new(log), Box::new(snapshot));
                Unproved::Neither { log, snapshot }.into()
            }
            other => other,
        })
    }

    async fn whole(
        &self,
        turn: &Turn,
        copy: &SpaceCopy,
        recent: BTreeSet<RecordPath>,
    ) -> Result<Vec<Step>, Undone> {
        let snapshot = self.snapshot(turn, &copy.name).await?;
        let held = self.copies.storage.space_copies().records(copy).await?;
        let copy = copy.clone();
        let comparing = move || difference(&copy, held, &snapshot, &recent);
        let steps = self.computing.run::<_, NoError>(comparing).await;
        Ok(steps.map_err(|_| Undone::Busy)??)
    }

    /// Whether the author has signed the commit, with the key of now if not with the known one.
    async fn check(&self, commit: &SignedCommit, name: &RepoName) -> Result<(), Undone> {
        let check = |key: &PublicKey| check_commit(commit, name, key).map_err(Unproved::Commit);
        let key = self.asking.key(&name.author).await?;
        match check(&key) {
            Err(Unproved::Commit(BadCommit::Signature)) => {}
            checked => return Ok(checked?),
        }
        match self.asking.new_key(&name.author).await? {
            Some(key) => Ok(check(&key)?),
            None => Err(Undone::Key(Unproved::Commit(BadCommit::Signature))),
        }
    }

    /// Says why a copy does not go on just now, while its errand stays.
    pub(super) async fn note_trouble(
        &self,
        errand: &Errand,
        why: &str,
    ) -> Result<(), StorageError> {
        let mut tx = self.copies.storage.begin().await?;
        self.trouble(&mut tx, errand, why).await?;
        tx.commit().await
    }

    async fn trouble(
        &self,
        tx: &mut Write,
        errand: &Errand,
        why: &str,
    ) -> Result<(), StorageError> {
        let Some(name) = name(&errand.subject) else {
            return Ok(());
        };
        let copies = self.copies.storage.space_copies();
        let why = (why, &*errand.payload);
        copies.trouble(tx, &name, why, SystemClock.now()).await
    }

    /// Leaves a copy as it was proved, until something is heard of the repository again, or a visit finds
    /// that it was left alone for long enough.
    pub(super) async fn set_aside(&self, errand: &Errand, why: &str) -> Result<(), StorageError> {
        let mut tx = self.copies.storage.begin().await?;
        self.trouble(&mut tx, errand, why).await?;
        self.copies.storage.errands().done(&mut tx, errand).await?;
        tx.commit().await
    }
}
