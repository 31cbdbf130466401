//! Opening the database of a server.

use loggia_storage::{MasterKey, Storage, StorageError};

use crate::chance;
use crate::config::Config;
use crate::data_folder::DataFolder;
use crate::master_key::{self, KeyFiles};
use crate::serve::ServeError;

/// Opens the database under the master key; both. `given` is what the environment says of the key.
///
/// A change of the key that was interrupted between the database and the key file is finished here.
pub(crate) async fn open(
    config: &Config,
    data: &DataFolder,
    given: Option<&str>,
) -> Result<(Storage, [u8; 32]), ServeError> {
    let key = master_key::find(given, data.path(), chance::bytes)?;
    let location = config.location();
    let wrong = match Storage::open(&location, &MasterKey::new(key)).await {
        Err(StorageError::WrongKey) => ServeError::WrongKey {
            database: location.to_string(),
        },
        opened => return Ok((opened?, key)),
    };
    let files = KeyFiles::new(data.path());
    let next = if given.is_none() { files.next()? } else { None };
    let Some(next) = next else {
        return Err(wrong);
    };
    match Storage::open(&location, &MasterKey::new(next)).await {
        Err(StorageError::WrongKey) => Err(wrong),
        opened => {
            let storage = opened?;
            files.promote()?;
            tracing::warn!("a change of the master key had been interrupted, and is finished now");
            Ok((storage, next))
        }
    }
}
