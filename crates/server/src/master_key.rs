//! The key under which secrets are sealed in the database.
//!
//! From `LOGGIA_MASTER_KEY` (32 bytes in base64), or else from `master.key` in the data folder, which
//! is made on the first start. Whoever has the database without this key has no secrets.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The environment variable that overrides the file.
pub const VARIABLE: &str = "LOGGIA_MASTER_KEY";

/// The file in the data folder.
pub const FILE: &str = "master.key";

/// Why there is no usable master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The text is not 32 bytes in base64.
    #[error("{origin} must hold 32 bytes in base64, for example from `openssl rand -base64 32`")]
    Malformed {
        /// The variable or file.
        origin: String,
    },
    /// The file cannot be read or made.
    #[error("reading or writing the master key {path}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// What the environment gives. A value that is not text is no key, and no reason to make a new one.
pub fn given() -> Option<String> {
    std::env::var_os(VARIABLE).map(|value| value.to_string_lossy().into_owned())
}

/// Finds the master key, making the file if neither it nor the variable exists.
///
/// # Errors
/// A malformed key, or a file that cannot be read or made.
pub fn find(
    variable: Option<&str>,
    data: &Path,
    random: impl FnOnce() -> [u8; 32],
) -> Result<[u8; 32], MasterKeyError> {
    if let Some(text) = variable {
        return parse(text, VARIABLE);
    }
    let path = data.join(FILE);
    if let Some(key) = read(&path)? {
        return Ok(key);
    }
    let key = random();
    let text = STANDARD.encode(key);
    write_private(&path, text.as_bytes()).map_err(|source| file_error(&path, source))?;
    Ok(key)
}

/// Reads a key; `origin` says where it comes from.
pub fn parse(text: &str, origin: &str) -> Result<[u8; 32], MasterKeyError> {
    let bytes = STANDARD.decode(text.trim()).ok();
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| MasterKeyError::Malformed {
            origin: origin.to_owned(),
        })
}

/// The key file of a folder, and the one that is to replace it.
pub struct KeyFiles {
    present: PathBuf,
    next: PathBuf,
}

impl KeyFiles {
    /// Those of this folder.
    pub fn new(folder: &Path) -> Self {
        Self {
            present: folder.join(FILE),
            next: folder.join(format!("{FILE}.new")),
        }
    }

    /// The key that holds.
    ///
    /// # Errors
    /// The file cannot be read, or holds no key.
    pub fn present(&self) -> Result<Option<[u8; 32]>, MasterKeyError> {
        read(&self.present)
    }

    /// The key that is to hold next.
    ///
    /// # Errors
    /// See [`KeyFiles::present`].
    pub fn next(&self) -> Result<Option<[u8; 32]>, MasterKeyError> {
        read(&self.next)
    }

    /// Lays the next key beside the present one. If the database is not sealed `under` the present one,
    /// an earlier change was interrupted, and what was to be next becomes the present key first.
    ///
    /// # Errors
    /// The files cannot be read or written.
    pub fn stage(&self, under: &[u8; 32], next: &[u8; 32]) -> Result<(), MasterKeyError> {
        if self.present()?.as_ref() != Some(under) && self.next()?.as_ref() == Some(under) {
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

    /// The next key becomes the present one; on disk before this returns.
    ///
    /// # Errors
    /// The file cannot be renamed.
    pub fn promote(&self) -> Result<(), MasterKeyError> {
        let folder = self.present.parent().unwrap_or(Path::new("."));
        std::fs::rename(&self.next, &self.present)
            .and_then(|()| std::fs::File::open(folder)?.sync_all())
            .map_err(|source| file_error(&self.present, source))
    }
}

/// The key in a file, if there is such a file.
fn read(path: &Path) -> Result<Option<[u8; 32]>, MasterKeyError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(parse(&text, &path.display().to_string())?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(file_error(path, source)),
    }
}

fn file_error(path: &Path, source: io::Error) -> MasterKeyError {
    MasterKeyError::File {
        path: path.display().to_string(),
        source,
    }
}

/// Writes a new file that only its owner may read; on disk before this returns. What cannot be written
/// whole is removed again, so that a full disk leaves no half a key behind.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    fill(path, || {
        file.write_all(content)?;
        file.sync_all()
    })
}

/// Fills a file that was just made, and removes it if that fails.
fn fill(path: &Path, write: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    write().or_else(|error| std::fs::remove_file(path).and(Err(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_made_once_and_read_afterwards() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let made = find(None, folder.path(), || [7; 32]).expect("made");
        let read = find(None, folder.path(), || [8; 32]).expect("read");
        assert_eq!((made, read), ([7; 32], [7; 32]));
    }

    #[test]
    fn the_variable_wins_and_must_be_32_bytes() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let text = STANDARD.encode([9; 32]);
        assert_eq!(
            find(Some(&text), folder.path(), || [7; 32]).expect("parsed"),
            [9; 32]
        );
        let error = find(Some("short"), folder.path(), || [7; 32]).expect_err("too short");
        assert!(error.to_string().contains("LOGGIA_MASTER_KEY"));
    }

    #[test]
    fn what_cannot_be_written_whole_leaves_no_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("master.key");
        let error = fill(&path, || {
            std::fs::write(&path, "half a")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        let error = error.expect_err("the disk is full");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(!path.exists(), "half a key stays behind");
        write_private(&path, b"whole").expect("there is room again");
        let error = write_private(&path, b"other").expect_err("it is there");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).expect("readable"), b"whole");
    }

    #[test]
    fn a_damaged_file_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("master.key"), "garbage").expect("written");
        let error = find(None, folder.path(), || [7; 32]).expect_err("damaged");
        assert!(error.to_string().contains("master.key"));
    }
}
