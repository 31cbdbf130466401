//! What an operator does to a server's data from the command line, beside a running server or
//! without one.

mod accounts;
mod clients;
mod deliveries;
mod reseal;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use loggia_delivery::{Clock, SystemClock};
use loggia_storage::{KeyRole, KeyState, MasterKey, Storage, StorageError};
use loggia_syntax::Did;

pub use accounts::{AccountError, ShownAccount};
pub use clients::{ClientError, NewClient};
pub use deliveries::{DeliveriesError, InvalidSince, read_delivery, read_since};
pub use loggia_storage::{
    ApiClient, ApiClientId, AttemptPlace, DeliveryDetail, DeliveryFilter, EndedState,
    EndpointStats, LoggedAttempt, LoggedDelivery, Redelivery, RedeliveryEnd, RedeliveryId,
    Resealed,
};
pub use reseal::{NEW_KEY_VARIABLE, ResealError, reseal};

pub use crate::master_key::VARIABLE as KEY_VARIABLE;

use crate::chance;
use crate::config::Config;
use crate::data_folder::{DataFolder, DataFolderError};
use crate::keys::{self, KeysError};
use crate::master_key::{self, MasterKeyError};
use crate::origin::Origin;

/// An operator's access to the data of a server. Everything is a short transaction, so that a server
/// that runs is not held up.
pub struct Operator {
    storage: Storage,
    /// The server's own DID, which no account may have.
    server: Did,
    /// Where development accounts lie.
    data: PathBuf,
    /// Held where no server runs, so that none starts in the middle.
    _folder: Option<DataFolder>,
}

/// Why there is no access.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// The data folder.
    #[error(transparent)]
    DataFolder(#[from] DataFolderError),
    /// There is none to look into.
    #[error(
        "there is no data of a server in {0}: start one with `loggia serve`, or set LOGGIA_DATA to \
         its folder"
    )]
    NoData(PathBuf),
    /// The master key.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// The database.
    #[error("the database cannot be used")]
    Storage(#[from] StorageError),
}

/// A key as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownKey {
    /// What it is for.
    pub role: KeyRole,
    /// Its public half, as a `did:key`.
    pub did_key: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When another one replaced it.
    pub retired_at: Option<Timestamp>,
}

impl Operator {
    /// Like [`Operator::open`], for whoever only looks at what there is or changes it: makes nothing
    /// where there is nothing.
    ///
    /// # Errors
    /// See [`Operator::open`]; and there is no database yet.
    pub async fn open_existing(
        config: &Config,
        master_key: Option<&str>,
    ) -> Result<Self, OperatorError> {
        match config.location().as_file() {
            Some(file) if !file.is_file() => Err(OperatorError::NoData(config.data.clone())),
            _ => Self::open(config, master_key).await,
        }
    }

    /// Opens the data folder, or joins the server that has it open.
    ///
    /// # Errors
    /// No usable folder, master key or database; or a running server of another version.
    pub async fn open(config: &Config, master_key: Option<&str>) -> Result<Self, OperatorError> {
        let database = config.location();
        let made = database.as_file().is_none_or(Path::is_file);
        let folder = match DataFolder::open(&config.data) {
            Ok(folder) => Some(folder),
            // The key is made before the database, so that whoever joins makes neither.
            Err(DataFolderError::InUse(_)) if made => None,
            Err(error) => return Err(error.into()),
        };
        let key = MasterKey::new(master_key::find(master_key, &config.data, chance::bytes)?);
        let storage = match folder {
            Some(_) => Storage::open(&database, &key).await?,
            None => Storage::join(&database, &key).await?,
        };
        Ok(Self {
            storage,
            server: Origin::of(config, config.bind.port()).did,
            data: config.data.clone(),
            _folder: folder,
        })
    }

    /// Makes the keys that are missing; the roles that had none.
    ///
    /// # Errors
    /// The keys cannot be made or stored.
    pub async fn make_missing_keys(&self) -> Result<Vec<KeyRole>, KeysError> {
        keys::make_missing(&self.storage, SystemClock.now()).await
    }

    /// Every key, by role, the current one of each role last.
    ///
    /// # Errors
    /// The keys cannot be read.
    pub async fn keys(&self) -> Result<Vec<ShownKey>, KeysError> {
        let keys = self.storage.server_keys().list().await?;
        let shown = keys.into_iter().map(|key| ShownKey {
            role: key.role,
            did_key: format!("did:key:{}", key.public),
            created_at: key.created_at,
            retired_at: match key.state {
                KeyState::Current(_) => None,
                KeyState::Retired(at) => Some(at),
            },
        });
        Ok(shown.collect())
    }

    /// Puts a new key in the place of a role's current one; its `did:key`. A running server uses it
    /// within seconds.
    ///
    /// # Errors
    /// The key cannot be made or stored.
    pub async fn rotate_key(&self, role: KeyRole) -> Result<String, KeysError> {
        keys::rotate(&self.storage, role, SystemClock.now()).await
    }

    /// Has the key by which the server proves itself when people log in made anew at the next start. What
    /// was allowed to the old one ends: people log in again.
    ///
    /// # Errors
    /// The database fails.
    pub async fn rotate_login_key(&self) -> Result<(), StorageError> {
        self.storage.login_sessions().forget_client_key().await
    }

    /// Closes the database.
    pub async fn close(self) {
        self.storage.close().await;
    }
}
