//! The keys in the memory of a running server, which follows what is done to them elsewhere.

use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use loggia_storage::Storage;

use super::{Keys, KeysError, make_missing};

/// How long another process' rotation may go unnoticed. A read of a few rows; verification of tokens
/// allows for a minute.
const RELOAD: Duration = Duration::from_secs(5);

/// The keys of a running server. Cheap to clone.
#[derive(Clone)]
pub struct Keyring(Arc<Shared>);

struct Shared {
    storage: Storage,
    held: RwLock<Arc<Keys>>,
}

impl Keyring {
    /// Makes the keys that are missing and holds all.
    ///
    /// # Errors
    /// The keys cannot be made or read.
    pub async fn open(storage: &Storage, now: Timestamp) -> Result<Self, KeysError> {
        for role in make_missing(storage, now).await? {
            tracing::info!(%role, "made a key");
        }
        let held = Keys::read(storage).await?;
        Ok(Self(Arc::new(Shared {
            storage: storage.clone(),
            held: RwLock::new(Arc::new(held)),
        })))
    }

    /// The keys as last read.
    pub fn held(&self) -> Arc<Keys> {
        // Only whole values are put in, so that a panic elsewhere left none half done.
        let held = self.0.held.read();
        Arc::clone(&held.unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the keys again.
    ///
    /// # Errors
    /// They cannot be read; those of before are still held.
    pub async fn reload(&self) -> Result<(), KeysError> {
        let read = Arc::new(Keys::read(&self.0.storage).await?);
        *self.0.held.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    /// Reads the keys again and again until `shutdown` ends.
    pub async fn follow(self, shutdown: impl Future<Output = ()>) {
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => return,
                () = tokio::time::sleep(RELOAD) => {}
            }
            if let Err(error) = self.reload().await {
                let error = &error as &dyn std::error::Error;
                tracing::error!(
                    error,
                    "the server's keys cannot be read; keeping those of before"
                );
            }
        }
    }
}
