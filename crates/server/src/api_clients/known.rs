//! Clients that were looked up a moment ago.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use loggia_storage::{ApiClient, ApiClients, StorageError};

/// How long a look into the store is believed; that long a revoked key may still be taken.
const FRESH: SignedDuration = SignedDuration::from_secs(5);

/// Most answers that are kept, 300 bytes each. When it is full, all are forgotten: whoever sends
/// made-up keys costs the others a look into the store, and is held to the limits of their address.
const MOST: usize = 4096;

/// Clients by the hash of their key, those included that there are not.
pub(super) struct Known {
    clients: ApiClients,
    answers: Mutex<HashMap<[u8; 32], Answer>>,
}

struct Answer {
    until: Timestamp,
    client: Option<Arc<ApiClient>>,
}

impl Known {
    pub fn new(clients: ApiClients) -> Self {
        Self {
            clients,
            answers: Mutex::default(),
        }
    }

    /// The client of this key, unless its key was revoked.
    pub async fn find(
        &self,
        key_hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<Arc<ApiClient>>, StorageError> {
        if let Some(answer) = self.answers().get(key_hash)
            && now < answer.until
        {
            return Ok(answer.client.clone());
        }
        let found = self.clients.find(key_hash).await?;
        let client = found
            .filter(|client| client.revoked_at.is_none())
            .map(Arc::new);
        let answer = Answer {
            until: now + FRESH,
            client: client.clone(),
        };
        let mut answers = self.answers();
        if answers.len() >= MOST {
            answers.clear();
        }
        answers.insert(*key_hash, answer);
        Ok(client)
    }

    fn answers(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], Answer>> {
        // Every entry is whole at any moment: a panic elsewhere cannot have left half of one.
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use loggia_storage::{ApiClientId, MasterKey, Storage};

    use super::*;

    const START: Timestamp = Timestamp::constant(1_700_000_000, 0);

    async fn store(name: &str) -> Storage {
        let key = MasterKey::new([7; 32]);
        Storage::memory(name, &key).await.expect("opens")
    }

    #[tokio::test]
    async fn a_revoked_key_is_taken_a_moment_longer_and_then_never() {
        let storage = store("known_clients").await;
        let client = ApiClient {
            id: ApiClientId::new(START, [1; 10]),
            name: "app".to_owned(),
            origins: Vec::new(),
            requests_per_minute: None,
            created_at: START,
            revoked_at: None,
        };
        let clients = storage.api_clients();
        let mut tx = storage.begin().await.expect("begins");
        clients
            .insert(&mut tx, &client, &[1; 32])
            .await
            .expect("inserts");
        tx.commit().await.expect("commits");

        let known = Known::new(clients.clone());
        let find = async |now| {
            let found = known.find(&[1; 32], now).await.expect("finds");
            found.map(|client| client.id)
        };
        assert_eq!(find(START).await, Some(client.id));
        let mut tx = storage.begin().await.expect("begins");
        clients
            .revoke(&mut tx, client.id, START)
            .await
            .expect("revokes");
        tx.commit().await.expect("commits");
        assert_eq!(find(START).await, Some(client.id), "believed");
        assert_eq!(find(START + FRESH).await, None, "asked again");
        assert_eq!(find(START).await, None, "and remembered");
    }

    #[tokio::test]
    async fn made_up_keys_fill_no_memory() {
        let storage = store("made_up_keys").await;
        let known = Known::new(storage.api_clients());
        for number in 0..MOST + 10 {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&number.to_be_bytes());
            let found = known.find(&hash, START).await.expect("finds nothing");
            assert!(found.is_none());
        }
        assert_eq!(known.answers().len(), 10);
    }
}
