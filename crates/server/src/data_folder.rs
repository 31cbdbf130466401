//! The folder that a server owns while it runs.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// A data folder, locked for as long as this value lives: two servers on one SQLite file would each
/// believe that the other's leases are its own.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    /// Held, not read: the lock goes with it.
    _lock: File,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataFolderError {
    /// Another process has it.
    #[error(
        "another loggia process uses the folder {0}: stop it, or set LOGGIA_DATA to another folder"
    )]
    InUse(PathBuf),
    /// It cannot be made or locked.
    #[error("making or locking the data folder {path}")]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl DataFolder {
    /// Makes the folder, for its owner's eyes only, if it does not exist, and locks it.
    ///
    /// # Errors
    /// The folder is in use or not writable.
    pub fn open(path: &Path) -> Result<Self, DataFolderError> {
        let failed = |source| DataFolderError::Io {
            path: path.to_owned(),
            source,
        };
        make(path).map_err(failed)?;
        let lock = File::create(path.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(DataFolderError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// The SQLite file of a folder that another process may own.
    pub fn database_in(path: &Path) -> PathBuf {
        path.join("loggia.db")
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// URLs of webhooks are in the database as they are, and many are secrets themselves.
fn make(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_owner_at_a_time() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let path = parent.path().join("new");
        let first = DataFolder::open(&path).expect("made and locked");
        assert!(matches!(
            DataFolder::open(&path),
            Err(DataFolderError::InUse(_))
        ));
        drop(first);
        DataFolder::open(&path).expect("free again");
    }
}
