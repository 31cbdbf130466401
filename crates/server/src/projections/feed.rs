//! Notifications of one projection in their order: those that were missed, then new ones.

use std::collections::VecDeque;

use loggia_storage::{Notice, ProjectionId, Projections, StorageError};

use crate::projections::followers::{Followers, Following};

/// Notifications that are read at once. Few, since each may have a quarter of a megabyte and there
/// may be thousands of readers.
const PART: u32 = 16;

/// Gives out the log after a number, with no gap and nothing twice: numbers are given in the
/// transaction that writes them, one after the other, so what is read in their order is whole.
pub struct Feed {
    projections: Projections,
    id: ProjectionId,
    following: Following,
    /// What was given out last.
    after: i64,
    ready: VecDeque<Notice>,
    /// Whether the log was found to end where what was given out ends, and nothing was heard since.
    is_quiet: bool,
}

/// Why there is no next notification.
#[derive(Debug, thiserror::Error)]
pub enum FeedEnd {
    /// The projection was deleted.
    #[error("the projection was deleted")]
    Deleted,
    /// The store failed.
    #[error("the log of a projection cannot be read")]
    Storage(#[from] StorageError),
}

impl Feed {
    /// Begins after a number.
    pub fn new(
        projections: Projections,
        followers: &Followers,
        id: ProjectionId,
        after: i64,
    ) -> Self {
        Self {
            projections,
            id,
            following: followers.follow(id),
            after,
            ready: VecDeque::new(),
            is_quiet: false,
        }
    }

    /// Whose log it is.
    pub fn id(&self) -> ProjectionId {
        self.id
    }

    /// Whether the next one is waited for without another look at the store.
    #[cfg(test)]
    pub fn is_quiet(&self) -> bool {
        self.is_quiet
    }

    /// The number of what was given out last.
    pub fn after(&self) -> i64 {
        self.after
    }

    /// The next notification, waited for. May be dropped at any time and called anew.
    ///
    /// # Errors
    /// There is none any more.
    pub async fn next(&mut self) -> Result<Notice, FeedEnd> {
        loop {
            if self.following.is_deleted() {
                return Err(FeedEnd::Deleted);
            }
            if let Some(next) = self.ready.pop_front() {
                self.after = next.sequence;
                return Ok(next);
            }
            // Whoever waits anew, as after each ping, does not read anew.
            if self.is_quiet {
                self.following.beyond(self.after).await;
                self.is_quiet = false;
            }
            let known = self.following.last();
            let read = self
                .projections
                .notices_after(self.id, self.after, PART)
                .await?;
            if !read.is_empty() {
                self.ready = read.into();
            } else if known > self.after {
                // They were there before this look, and are swept.
                self.after = known;
            } else {
                self.is_quiet = true;
            }
        }
    }
}
