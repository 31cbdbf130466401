//! Waking whoever waits for notifications of a projection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use loggia_storage::{ProjectionId, Projections, StorageError};
use tokio::sync::watch;

/// Who follows which projection, each with the number of its last notification as far as it is known
/// here. No more entries than there are open streams, whose number is limited where they are opened.
#[derive(Clone, Default)]
pub struct Followers(Arc<Mutex<HashMap<ProjectionId, watch::Sender<i64>>>>);

/// Follows one projection until it is dropped.
pub struct Following {
    followers: Followers,
    id: ProjectionId,
    last: watch::Receiver<i64>,
}

/// Projections that one statement asks for.
const PART: usize = 500;

impl Followers {
    /// Follows a projection.
    pub fn follow(&self, id: ProjectionId) -> Following {
        let mut followed = self.lock();
        let last = followed.entry(id).or_default().subscribe();
        drop(followed);
        Following {
            followers: self.clone(),
            id,
            last,
        }
    }

    /// A projection has come to this number.
    pub fn moved(&self, id: ProjectionId, sequence: i64) {
        let followed = self.lock();
        if let Some(last) = followed.get(&id) {
            last.send_if_modified(|last| {
                let is_news = sequence > *last;
                *last = sequence.max(*last);
                is_news
            });
        }
    }

    /// Looks what other processes have done.
    ///
    /// # Errors
    /// The store failed.
    pub async fn look(&self, projections: &Projections) -> Result<(), StorageError> {
        let followed: Vec<_> = self.lock().keys().copied().collect();
        for part in followed.chunks(PART) {
            for (id, sequence) in projections.sequences(part).await? {
                self.moved(id, sequence);
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ProjectionId, watch::Sender<i64>>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Following {
    /// The number that the projection has come to, as far as it is known here.
    pub fn last(&self) -> i64 {
        *self.last.borrow()
    }

    /// Ends when there may be notifications after this one.
    pub async fn beyond(&mut self, sequence: i64) {
        // The sender stays as long as this does.
        let news = self.last.wait_for(|last| *last > sequence).await;
        news.map(drop).unwrap_or_default();
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let mut followed = self.followers.lock();
        let last = followed
            .get(&self.id)
            .is_some_and(|last| last.receiver_count() <= 1);
        if last {
            followed.remove(&self.id);
        }
    }
}
