//! Which spaces are copied: those that somebody is registered for.

use jiff::Timestamp;
use loggia_storage::StorageError;
use loggia_syntax::SpaceRef;

use super::visit::NOTHING;
use super::worker::{Syncer, Undone};
use super::{LEAVE, VISIT};

/// Spaces that are looked at in one go.
const BATCH: u32 = 100;

impl Syncer {
    /// Begins to copy what is wanted, ends what is not, and has those visited whose time has come.
    pub(super) async fn reconcile(&self, now: Timestamp) -> Result<(), Undone> {
        if !self.asking.readers.is_empty() {
            self.begin_wanted(now).await?;
        }
        self.end_unwanted(now).await?;
        Ok(self.want_visits(now).await?)
    }

    /// After a start: nobody knows what was missed.
    pub(super) async fn want_all_visits(&self, now: Timestamp) -> Result<(), StorageError> {
        let storage = &self.copies.storage;
        let mut tx = storage.begin().await?;
        storage.space_copies().visit_all(&mut tx, now).await?;
        tx.commit().await
    }

    async fn begin_wanted(&self, now: Timestamp) -> Result<(), Undone> {
        let copies = self.copies.storage.space_copies();
        let mut after = String::new();
        loop {
            let wanted = copies.wanted(&after, now, BATCH).await?;
            let Some(last) = wanted.last() else {
                return Ok(());
            };
            after = last.to_string();
            for space in &wanted {
                if !self.copies.accounts.hosts(&space.authority()).await? {
                    self.begin(space, now).await?;
                }
            }
        }
    }

    /// What there is no room for is looked at again and again, and so without a write.
    async fn begin(&self, space: &SpaceRef, now: Timestamp) -> Result<(), StorageError> {
        if self.copies.storage.space_copies().room(space).await? == 0 {
            metrics::counter!("loggia_space_copies_refused_total").increment(1);
            let space = space.as_str();
            tracing::debug!(space, "a space is not copied: as many are as may be");
            return Ok(());
        }
        let storage = &self.copies.storage;
        let mut tx = storage.begin().await?;
        let copies = storage.space_copies();
        if !copies.insert_space(&mut tx, space, now).await? {
            // Somebody else was quicker.
            return Ok(());
        }
        tracing::info!(space = space.as_str(), "a space is copied from now on");
        tx.commit().await
    }

    async fn end_unwanted(&self, now: Timestamp) -> Result<(), StorageError> {
        let storage = &self.copies.storage;
        for space in storage.space_copies().unwanted(now, BATCH).await? {
            let mut tx = storage.begin().await?;
            let copies = storage.space_copies();
            // Somebody may have asked for it since.
            if copies.is_wanted(&mut tx, &space, now).await? {
                continue;
            }
            let errands = storage.errands();
            errands
                .put(&mut tx, LEAVE, space.as_str(), NOTHING, now)
                .await?;
            copies.delete_space(&mut tx, &space).await?;
            tx.commit().await?;
            tracing::info!(space = space.as_str(), "a space is copied no longer");
        }
        Ok(())
    }

    async fn want_visits(&self, now: Timestamp) -> Result<(), StorageError> {
        let storage = &self.copies.storage;
        let due = storage.space_copies().due_spaces(now, BATCH).await?;
        if due.is_empty() {
            return Ok(());
        }
        let mut tx = storage.begin().await?;
        let errands: Vec<_> = due.iter().map(|space| (space.as_str(), NOTHING)).collect();
        storage
            .errands()
            .put_all(&mut tx, VISIT, &errands, now)
            .await?;
        for space in &due {
            let next = now + self.between_visits;
            storage
                .space_copies()
                .visit_next(&mut tx, space, next)
                .await?;
        }
        tx.commit().await?;
        self.copies.bell.ring();
        Ok(())
    }
}
