//! Making and revoking clients of the API.

use jiff::Timestamp;
use loggia_delivery::{Clock as _, SystemClock};
use loggia_storage::{ApiClient, ApiClientId, StorageError};

use super::Operator;
use crate::api_clients::{ClientKey, InvalidOrigin, read_origin};
use crate::chance;

/// The longest name, in characters: it stands in lists.
const LONGEST_NAME: usize = 100;

/// A client to be made.
#[derive(Clone, Debug)]
pub struct NewClient {
    /// What to call it.
    pub name: String,
    /// The origins of web pages that may use its key; without one, no page may.
    pub origins: Vec<String>,
    /// How many calls it has within a minute; without it, as many as anybody.
    pub requests_per_minute: Option<u32>,
}

/// Why a client was not made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The name does not fit on a line.
    #[error("a client's name has 1 to {LONGEST_NAME} characters, and no control characters")]
    Name,
    /// An origin is none.
    #[error(transparent)]
    Origin(#[from] InvalidOrigin),
    /// The store failed.
    #[error("the API clients cannot be read or written")]
    Storage(#[from] StorageError),
}

impl Operator {
    /// Makes a client; with its key, which nobody can be told again.
    ///
    /// # Errors
    /// A name or an origin that is none, or a store that fails.
    pub async fn create_client(
        &self,
        new: NewClient,
    ) -> Result<(ApiClient, ClientKey), ClientError> {
        let fits = (1..=LONGEST_NAME).contains(&new.name.chars().count());
        if !fits || new.name.chars().any(char::is_control) {
            return Err(ClientError::Name);
        }
        let origins = new.origins.iter().map(|origin| read_origin(origin));
        let now = whole_millis(SystemClock.now());
        let client = ApiClient {
            id: ApiClientId::new(now, chance::bytes()),
            name: new.name,
            origins: origins.collect::<Result<_, _>>()?,
            requests_per_minute: new.requests_per_minute,
            created_at: now,
            revoked_at: None,
        };
        let key = ClientKey::new(chance::bytes());
        let mut tx = self.storage.begin().await?;
        let clients = self.storage.api_clients();
        clients.insert(&mut tx, &client, &key.hash()).await?;
        tx.commit().await?;
        Ok((client, key))
    }

    /// Every client, oldest first.
    ///
    /// # Errors
    /// The store fails.
    pub async fn clients(&self) -> Result<Vec<ApiClient>, ClientError> {
        Ok(self.storage.api_clients().list().await?)
    }

    /// Makes a client's key worthless, at every running server as well: for its next call, and within two
    /// seconds for the streams that were opened with it. Whether there was such a client with a good key.
    ///
    /// # Errors
    /// The store fails.
    pub async fn revoke_client(&self, id: ApiClientId) -> Result<bool, ClientError> {
        let mut tx = self.storage.begin().await?;
        let clients = self.storage.api_clients();
        let revoked = clients.revoke(&mut tx, id, SystemClock.now()).await?;
        tx.commit().await?;
        Ok(revoked)
    }
}

/// The time as the store gives it back.
fn whole_millis(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}
