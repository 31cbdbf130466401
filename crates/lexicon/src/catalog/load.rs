//! Loading a catalog from a folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{Catalog, CatalogBuilder};

/// Larger files are no lexicons: the largest published one has 130 kB.
const LARGEST_FILE: u64 = 4 << 20;
/// More files than this are not the folder that was meant.
const MOST_FILES: usize = 100_000;
/// Deeper folders than an NSID has segments are not the folder that was meant.
const DEEPEST: usize = 64;

/// Why a folder could not be loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    /// A folder could not be listed.
    #[error("listing the folder {}", path.display())]
    List {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There are too many files or levels.
    #[error("the folder {} has more than {MOST_FILES} lexicons or {DEEPEST} levels", path.display())]
    TooLarge {
        /// The folder.
        path: PathBuf,
    },
}

impl Catalog {
    /// Reads every `.json` file below a folder, in the order of their paths.
    ///
    /// Hidden folders and files are left out, and links to folders are not followed. Files are
    /// named by their path below the folder, with `/`. A file that cannot be read is a problem of
    /// the catalog and no error.
    ///
    /// # Errors
    /// If a folder cannot be listed, or holds far more than lexicons.
    pub fn load(folder: impl AsRef<Path>) -> Result<Self, LoadError> {
        let folder = folder.as_ref();
        let mut files = Vec::new();
        list(folder, String::new(), 0, &mut files)?;
        files.sort();
        let mut builder = Self::builder();
        for file in files {
            add_file(&mut builder, folder, file);
        }
        Ok(builder.build())
    }
}

fn add_file(builder: &mut CatalogBuilder, folder: &Path, file: String) {
    let path = folder.join(&file);
    let text = fs::metadata(&path).and_then(|metadata| {
        if metadata.len() > LARGEST_FILE {
            let message = format!("larger than {LARGEST_FILE} bytes");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        fs::read_to_string(&path)
    });
    match text {
        Ok(text) => {
            builder.add(&text, file);
        }
        Err(error) => builder.add_unreadable(file, format!("cannot be read: {error}")),
    }
}

fn list(
    folder: &Path,
    prefix: String,
    depth: usize,
    files: &mut Vec<String>,
) -> Result<(), LoadError> {
    let failed = |source| LoadError::List {
        path: folder.to_owned(),
        source,
    };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        if depth >= DEEPEST || files.len() >= MOST_FILES {
            return Err(LoadError::TooLarge {
                path: folder.to_owned(),
            });
        }
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            list(&entry.path(), format!("{prefix}{name}/"), depth + 1, files)?;
        } else if name.ends_with(".json") && (kind.is_file() || entry.path().is_file()) {
            files.push(format!("{prefix}{name}"));
        }
    }
    Ok(())
}
