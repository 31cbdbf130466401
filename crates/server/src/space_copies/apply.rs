//! Moving a copy on and telling of it, in one transaction.

use loggia_delivery::{Clock as _, SystemClock};
use loggia_storage::{Errand, Forward, SpaceCopy};
use loggia_syntax::Tid;

use super::proof::Step;
use super::worker::{Syncer, Undone};
use crate::space_hub;

impl Syncer {
    /// Goes through all of it, a transaction for each part; the errand ends with the last one. A crash
    /// between two of them leaves a copy whose records and hash fit each other, from which the next
    /// attempt goes on.
    ///
    /// The errand stays if the author's host is not as far as was heard: it may be one of several, the
    /// others of which are.
    pub(super) async fn apply(
        &self,
        errand: &Errand,
        mut copy: SpaceCopy,
        steps: Vec<Step>,
        wanted: &Tid,
    ) -> Result<(), Undone> {
        let reached = steps.last().map_or(&copy.rev, |step| &step.rev).clone();
        let is_behind = reached.as_ref().is_none_or(|reached| reached < wanted);
        let ends = |is_last: bool| (is_last && !is_behind).then_some(errand);
        let mut steps = steps.into_iter().peekable();
        if steps.peek().is_none() {
            // Nothing is new, and that is proved.
            let (rev, hash) = (copy.rev.clone(), copy.hash.clone());
            let nothing = Step {
                rev,
                hash,
                changes: Vec::new(),
                quiet: 0,
            };
            copy = self.write(ends(true), &copy, &nothing).await?;
        }
        while let Some(step) = steps.next() {
            let is_last = steps.peek().is_none();
            copy = self.write(ends(is_last), &copy, &step).await?;
        }
        match is_behind {
            true => Err(Undone::Behind(wanted.clone())),
            false => Ok(()),
        }
    }

    async fn write(
        &self,
        ends: Option<&Errand>,
        copy: &SpaceCopy,
        step: &Step,
    ) -> Result<SpaceCopy, Undone> {
        let (storage, now) = (&self.copies.storage, SystemClock.now());
        let mut tx = storage.begin().await?;
        let forward = Forward {
            rev: step.rev.as_ref(),
            hash: &step.hash,
            changes: &step.changes,
        };
        let copies = storage.space_copies();
        let moved = copies.forward(&mut tx, copy, forward).await?;
        let next = moved.ok_or(Undone::Moved)?;
        let loud = &step.changes[step.quiet..];
        let notices = &self.copies.notices;
        let told = space_hub::changed(notices, &mut tx, &copy.name, loud, now).await?;
        if let Some(errand) = ends {
            // If newer news have come meanwhile, their errand stays.
            storage.errands().done(&mut tx, errand).await?;
        }
        tx.commit().await?;
        told.deliver();
        Ok(next)
    }
}
