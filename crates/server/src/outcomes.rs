//! Waking whoever follows the deliveries to an account's endpoints.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use loggia_delivery::{Observed, Observer};
use loggia_syntax::Did;
use tokio::sync::watch;

/// Most followers of one account: each reads the store on its own.
const MOST_OF_EACH: usize = 8;

/// Who follows which account. An outcome of this process wakes them; those of others are found by
/// looking again and again.
#[derive(Clone, Default)]
pub struct Outcomes(Arc<Mutex<HashMap<Did, watch::Sender<()>>>>);

/// Follows one account until it is dropped.
pub struct Following {
    outcomes: Outcomes,
    owner: Did,
    news: watch::Receiver<()>,
}

impl Outcomes {
    /// Follows an account, unless as many do already as may.
    pub fn follow(&self, owner: &Did) -> Option<Following> {
        let mut followed = self.lock();
        let news = followed.entry(owner.clone()).or_default();
        if news.receiver_count() >= MOST_OF_EACH {
            return None;
        }
        let news = news.subscribe();
        drop(followed);
        Some(Following {
            outcomes: self.clone(),
            owner: owner.clone(),
            news,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Did, watch::Sender<()>>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Outcomes {
    fn recorded(&self, outcome: &Observed<'_>) {
        let followed = self.lock();
        if let Some(news) = followed.get(&outcome.due.endpoint.owner) {
            news.send_replace(());
        }
    }
}

impl Following {
    /// Ends when something has happened since the last time.
    pub async fn news(&mut self) {
        // The sender stays as long as this does.
        self.news.changed().await.unwrap_or_default();
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let mut followed = self.outcomes.lock();
        let last = followed
            .get(&self.owner)
            .is_some_and(|news| news.receiver_count() <= 1);
        if last {
            followed.remove(&self.owner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn followers_are_few_and_leave_nothing_behind() {
        let outcomes = Outcomes::default();
        let owner = Did::new("did:plc:alice").expect("a DID");
        let mut all: Vec<_> = (0..MOST_OF_EACH)
            .map_while(|_| outcomes.follow(&owner))
            .collect();
        assert_eq!(all.len(), MOST_OF_EACH);
        assert!(outcomes.follow(&owner).is_none());
        all.pop();
        all.extend(outcomes.follow(&owner));
        assert_eq!(all.len(), MOST_OF_EACH);
        drop(all);
        assert!(outcomes.lock().is_empty());
    }
}
