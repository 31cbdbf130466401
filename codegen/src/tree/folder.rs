//! Which files of a folder are generated, and by whom.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::TreeError;
use crate::print::{MARK, ROOT_MARK};

/// The generated files below a folder with their texts, those of another output below it left out.
///
/// Links are not followed, and hidden folders hold no modules.
pub(crate) fn generated(folder: &Path) -> Result<BTreeMap<PathBuf, String>, TreeError> {
    let mut files = BTreeMap::new();
    collect(folder, Path::new(""), &mut files)?;
    Ok(files)
}

/// A file that [`generated`] does not list though one of ours belongs there: a link to one, or none.
pub(crate) fn other(path: &Path) -> Result<Option<String>, TreeError> {
    match fs::read_to_string(path) {
        Ok(text) if text.starts_with(MARK) => Ok(Some(text)),
        Ok(_) => Err(TreeError::Foreign {
            path: path.to_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(TreeError::io("reading", path, error)),
    }
}

/// Refuses links on the way from the folder to these files.
pub(crate) fn no_links<'a>(
    folder: &Path,
    files: impl Iterator<Item = &'a PathBuf>,
) -> Result<(), TreeError> {
    let mut parents: BTreeSet<&Path> = BTreeSet::new();
    for file in files {
        parents.extend(
            file.ancestors()
                .skip(1)
                .filter(|path| *path != Path::new("")),
        );
    }
    for parent in parents {
        let path = folder.join(parent);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_symlink() => return Err(TreeError::Link { path }),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(TreeError::io("reading", &path, error)),
        }
    }
    Ok(())
}

fn collect(
    root: &Path,
    below: &Path,
    files: &mut BTreeMap<PathBuf, String>,
) -> Result<(), TreeError> {
    let full = root.join(below);
    let entries = match fs::read_dir(&full) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(TreeError::io("listing", &full, error)),
    };
    let (mut folders, mut here) = (Vec::new(), Vec::new());
    for entry in entries {
        let entry = entry.map_err(|error| TreeError::io("listing", &full, error))?;
        let path = below.join(entry.file_name());
        let kind = entry
            .file_type()
            .map_err(|error| TreeError::io("reading", &root.join(&path), error))?;
        if kind.is_dir() && !entry.file_name().as_encoded_bytes().starts_with(b".") {
            folders.push(path);
        } else if kind.is_file() && path.extension().is_some_and(|it| it == "rs") {
            let text = ours(&root.join(&path))?;
            here.extend(text.map(|text| (path, text)));
        }
    }
    let is_nested = below != Path::new("");
    if is_nested && here.iter().any(|(_, text)| text.starts_with(ROOT_MARK)) {
        return Ok(());
    }
    files.extend(here);
    for folder in folders {
        collect(root, &folder, files)?;
    }
    Ok(())
}

/// A file's text if it was generated. Of any other file only the beginning is read: the folder may be
/// a whole project.
fn ours(path: &Path) -> Result<Option<String>, TreeError> {
    let failed = |error| TreeError::io("reading", path, error);
    let mut file = File::open(path).map_err(failed)?;
    let mut text = Vec::new();
    let length = u64::try_from(MARK.len()).expect("a line is short");
    file.by_ref()
        .take(length)
        .read_to_end(&mut text)
        .map_err(failed)?;
    if text != MARK.as_bytes() {
        return Ok(None);
    }
    file.read_to_end(&mut text).map_err(failed)?;
    let text = String::from_utf8(text)
        .map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidData, error)))?;
    Ok(Some(text))
}
