//! Another master key for a data folder.
//!
//! The database changes in one transaction, and the key file in one renaming; between the two the
//! new key lies beside the old one as `master.key.new`. Interrupted anywhere, the same command run
//! again finishes the work.

use loggia_storage::{Location, MasterKey, Resealed, Storage, StorageError};

use super::OperatorError;
use crate::config::Config;
use crate::data_folder::DataFolder;
use crate::master_key::{self, KeyFiles, MasterKeyError};

/// The environment variable that holds the new master key.
pub const NEW_KEY_VARIABLE: &str = "LOGGIA_NEW_MASTER_KEY";

/// Why the master key was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ResealError {
    /// The data cannot be opened.
    #[error(transparent)]
    Open(#[from] OperatorError),
    /// The old or the new key cannot be used.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// There is nothing to change.
    #[error("there is no database {0}: a master key is chosen when the server first starts")]
    NoDatabase(Location),
    /// The database refused.
    #[error("the secrets cannot be sealed under the new master key; nothing has changed")]
    Storage(#[source] StorageError),
}

/// Seals everything in a data folder under another master key. `old` is what `LOGGIA_MASTER_KEY`
/// says; without it, the folder's key file is replaced as well. The folder must not be in use.
///
/// # Errors
/// A running server, keys that cannot be used, or a database or file that cannot be written.
pub async fn reseal(
    config: &Config,
    old: Option<&str>,
    new: &str,
) -> Result<Resealed, ResealError> {
    let new_key = master_key::parse(new, NEW_KEY_VARIABLE)?;
    let folder = DataFolder::open(&config.data).map_err(OperatorError::from)?;
    let database = config.location();
    if database.as_file().is_some_and(|file| !file.is_file()) {
        return Err(ResealError::NoDatabase(database));
    }
    let files = old.is_none().then(|| KeyFiles::new(folder.path()));
    let (storage, under) = open(&database, old, files.as_ref(), &new_key).await?;
    if let Some(files) = &files {
        files.stage(&under, &new_key)?;
    }
    let done = if under == new_key {
        storage.close().await;
        Resealed::default()
    } else {
        let resealed = storage.reseal(&MasterKey::new(new_key)).await;
        resealed.map_err(ResealError::Storage)?
    };
    if let Some(files) = &files {
        files.promote()?;
    }
    Ok(done)
}

/// Opens the database under whichever of the keys it is sealed: the present one, or, after an
/// interruption, one that was to be next.
async fn open(
    database: &Location,
    old: Option<&str>,
    files: Option<&KeyFiles>,
    new: &[u8; 32],
) -> Result<(Storage, [u8; 32]), ResealError> {
    let mut keys = Vec::new();
    match (old, files) {
        (Some(text), _) => keys.push(master_key::parse(text, master_key::VARIABLE)?),
        (None, Some(files)) => {
            keys.extend(files.present()?);
            keys.extend(files.next()?);
        }
        (None, None) => {}
    }
    keys.push(*new);
    for key in keys {
        match Storage::open(database, &MasterKey::new(key)).await {
            Ok(storage) => return Ok((storage, key)),
            Err(StorageError::WrongKey) => {}
            Err(error) => return Err(OperatorError::from(error).into()),
        }
    }
    Err(OperatorError::from(StorageError::WrongKey).into())
}
