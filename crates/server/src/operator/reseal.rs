//! Another master key for a data folder.
//!
//! The database changes in one transaction, and the key file in one renaming; between the two the
//! new key lies beside the old one as `master.key.new`. Interrupted anywhere, the same command run
//! again finishes the work.

use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use loggia_storage::{MasterKey, Resealed, Storage, StorageError};

use super::OperatorError;
use crate::config::Config;
use crate::data_folder::DataFolder;
use crate::master_key::{self, MasterKeyError, write_private};

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
    #[error("there is no database in {0}: a master key is chosen when the server first starts")]
    NoDatabase(PathBuf),
    /// The database refused.
    #[error("the secrets cannot be sealed under the new master key; nothing has changed")]
    Storage(#[source] StorageError),
    /// The key file cannot be written.
    #[error("writing the new master key {path}; run the command again")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
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
    let database = folder.database();
    if !database.is_file() {
        return Err(ResealError::NoDatabase(folder.path().to_owned()));
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
    database: &Path,
    old: Option<&str>,
    files: Option<&KeyFiles>,
    new: &[u8; 32],
) -> Result<(Storage, [u8; 32]), ResealError> {
    let mut keys = Vec::new();
    match (old, files) {
        (Some(text), _) => keys.push(master_key::parse(text, master_key::VARIABLE)?),
        (None, Some(files)) => {
            keys.extend(read(&files.present)?);
            keys.extend(read(&files.next)?);
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

/// The key file of a folder, and the one that is to replace it.
struct KeyFiles {
    present: PathBuf,
    next: PathBuf,
}

impl KeyFiles {
    fn new(folder: &Path) -> Self {
        Self {
            present: folder.join(master_key::FILE),
            next: folder.join(format!("{}.new", master_key::FILE)),
        }
    }

    /// Lays the next key beside the present one. If the database is not sealed under the present one,
    /// an earlier run was interrupted, and what was to be next becomes the present key first.
    fn stage(&self, under: &[u8; 32], next: &[u8; 32]) -> Result<(), ResealError> {
        if read(&self.present)?.as_ref() != Some(under) && read(&self.next)?.as_ref() == Some(under)
        {
            self.promote()?;
        }
        match std::fs::remove_file(&self.next) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(file_error(&self.next, error));
            }
            Ok(()) | Err(_) => {}
        }
        let text = STANDARD.encode(next);
        write_private(&self.next, text.as_bytes()).map_err(|source| file_error(&self.next, source))
    }

    /// The next key becomes the present one.
    fn promote(&self) -> Result<(), ResealError> {
        std::fs::rename(&self.next, &self.present)
            .map_err(|source| file_error(&self.present, source))
    }
}

/// The key in a file, if there is such a file.
fn read(path: &Path) -> Result<Option<[u8; 32]>, ResealError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(master_key::parse(&text, &path.display().to_string())?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(file_error(path, source)),
    }
}

fn file_error(path: &Path, source: io::Error) -> ResealError {
    ResealError::File {
        path: path.to_owned(),
        source,
    }
}
