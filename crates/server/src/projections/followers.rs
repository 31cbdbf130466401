//! Waking whoever waits for notifications of a projection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use loggia_storage::{ProjectionId, Projections, StorageError};
use tokio::sync::watch;

/// Who follows which projection, each with the number of its last notification as far as it is known
/// here. No more entries than there are open streams, whose number is limited where they are opened.
#[derive(Clone, Default)]
pub struct Followers(Arc<Mutex<HashMap<ProjectionId, watch::Sender<Heard>>>>);

/// Follows one projection until it is dropped.
pub struct Following {
    followers: Followers,
    id: ProjectionId,
    heard: watch::Receiver<Heard>,
}

/// What is known here of a projection.
#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    /// The number of its last notification.
    last: i64,
    is_deleted: bool,
}

/// Projections that one statement asks for.
const PART: usize = 500;

impl Followers {
    /// Follows a projection.
    pub fn follow(&self, id: ProjectionId) -> Following {
        let mut followed = self.lock();
        let heard = followed.entry(id).or_default().subscribe();
        drop(followed);
        Following {
            followers: self.clone(),
            id,
            heard,
        }
    }

    /// A projection has come to this number.
    pub fn moved(&self, id: ProjectionId, sequence: i64) {
        let followed = self.lock();
        if let Some(heard) = followed.get(&id) {
            heard.send_if_modified(|heard| {
                let is_news = sequence > heard.last;
                heard.last = sequence.max(heard.last);
                is_news
            });
        }
    }

    /// A projection is no more.
    pub fn deleted(&self, id: ProjectionId) {
        if let Some(heard) = self.lock().get(&id) {
            heard.send_modify(|heard| heard.is_deleted = true);
        }
    }

    /// Looks what other processes have done.
    ///
    /// # Errors
    /// The store failed.
    pub async fn look(&self, projections: &Projections) -> Result<(), StorageError> {
        let followed: Vec<_> = self.lock().keys().copied().collect();
        for part in followed.chunks(PART) {
            let mut found: HashMap<_, _> = projections.sequences(part).await?.into_iter().collect();
            for &id in part {
                match found.remove(&id) {
                    Some(sequence) => self.moved(id, sequence),
                    None => self.deleted(id),
                }
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ProjectionId, watch::Sender<Heard>>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Following {
    /// The number that the projection has come to, as far as it is known here.
    pub fn last(&self) -> i64 {
        self.heard.borrow().last
    }

    /// Whether the projection is no more, as far as it is known here.
    pub fn is_deleted(&self) -> bool {
        self.heard.borrow().is_deleted
    }

    /// Ends when there may be notifications after this one, or none ever again.
    pub async fn beyond(&mut self, sequence: i64) {
        // The sender stays as long as this does.
        let news = |heard: &Heard| heard.last > sequence || heard.is_deleted;
        let news = self.heard.wait_for(news).await;
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
