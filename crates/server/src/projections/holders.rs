//! Clients of the API with open streams, which end when a key is revoked, by whichever process.

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::{Stream, StreamExt as _, stream};
use loggia_storage::{ApiClientId, ApiClients, StorageError};
use loggia_xrpc::{Failure, Rejection};
use tokio::sync::watch;

/// Clients that one statement asks for.
const PART: usize = 500;

/// Who holds a stream open, and whether their key was revoked. No more entries than there are open
/// streams, whose number is limited where they are opened.
#[derive(Clone, Default)]
pub struct Holders(Arc<Mutex<HashMap<ApiClientId, watch::Sender<bool>>>>);

/// One stream of a client, until it is dropped.
pub struct Holding {
    holders: Holders,
    id: ApiClientId,
    revoked: watch::Receiver<bool>,
}

impl Holders {
    /// A client has opened a stream.
    pub fn hold(&self, id: ApiClientId) -> Holding {
        let mut held = self.lock();
        let revoked = held.entry(id).or_default().subscribe();
        drop(held);
        Holding {
            holders: self.clone(),
            id,
            revoked,
        }
    }

    /// The stream of a subscription, which says so and ends when the key that it was opened with is
    /// revoked. One that was opened without a key ends by itself alone.
    pub fn until_revoked<T, E, S>(
        &self,
        client: Option<ApiClientId>,
        stream: S,
    ) -> impl Stream<Item = Result<T, Failure<E>>> + Send + use<T, E, S>
    where
        T: Send,
        E: Send,
        S: Stream<Item = Result<T, Failure<E>>> + Send,
    {
        let holding = client.map(|client| self.hold(client));
        stream::unfold(Some((Box::pin(stream), holding)), |open| async {
            let (mut stream, mut holding) = open?;
            let revoked = async {
                match &mut holding {
                    Some(holding) => holding.revoked().await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                () = revoked => {
                    let ended = Rejection::new(401, "InvalidClientKey", "the key was revoked");
                    Some((Err(ended.into()), None))
                }
                item = stream.next() => Some((item?, Some((stream, holding)))),
            }
        })
    }

    /// Looks whose key was revoked.
    ///
    /// # Errors
    /// The store failed.
    pub async fn look(&self, clients: &ApiClients) -> Result<(), StorageError> {
        let held: Vec<_> = self.lock().keys().copied().collect();
        for part in held.chunks(PART) {
            let good = clients.good(part).await?;
            let held = self.lock();
            let revoked = part.iter().filter(|id| !good.contains(id));
            for revoked in revoked.filter_map(|id| held.get(id)) {
                revoked.send_replace(true);
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ApiClientId, watch::Sender<bool>>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Holding {
    /// Ends when the client's key is revoked.
    pub async fn revoked(&mut self) {
        // The sender stays as long as this does.
        let revoked = self.revoked.wait_for(|revoked| *revoked).await;
        revoked.map(drop).unwrap_or_default();
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        let mut held = self.holders.lock();
        let last = held
            .get(&self.id)
            .is_some_and(|revoked| revoked.receiver_count() <= 1);
        if last {
            held.remove(&self.id);
        }
    }
}
