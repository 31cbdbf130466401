//! Generated files, and the folder that they are written into.

pub(crate) mod folder;
pub(crate) mod stamp;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use similar::TextDiff;
use thiserror::Error;

use crate::Diagnostic;

/// Everything that was generated.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The files by path, relative to the folder that they are written into.
    pub files: BTreeMap<PathBuf, String>,
    /// What could not be generated as the documents say.
    pub diagnostics: Vec<Diagnostic>,
}

/// What [`Tree::write`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Files that were new or different.
    pub written: Vec<PathBuf>,
    /// Generated files that are no longer generated.
    pub removed: Vec<PathBuf>,
    /// How many files were already as they should be.
    pub unchanged: usize,
}

/// Why the folder could not be read or written.
#[derive(Debug, Error)]
pub enum TreeError {
    /// The file system said no.
    #[error("{doing} {}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A folder below the one that is written into is a link, which may lead anywhere.
    #[error("{} is a link; nothing is written outside of the folder, so put a real one there", path.display())]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// A file that is not generated stands where a generated one belongs.
    #[error("{} was not generated; move it away or write elsewhere", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
}

impl TreeError {
    fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            doing,
            path: path.to_owned(),
            source,
        }
    }
}

impl Tree {
    /// Writes what is new or different into a folder and removes what is no longer generated.
    ///
    /// Files without our mark in their first line are never touched, and nothing outside of the
    /// folder is. A folder below it that has a root file of its own is somebody else's output.
    ///
    /// # Errors
    /// If the file system says no, or a file that was not generated is in the way.
    pub fn write(&self, folder: &Path) -> Result<Outcome, TreeError> {
        let changes = self.changes(folder)?;
        let mut outcome = Outcome {
            unchanged: changes.unchanged,
            ..Outcome::default()
        };
        for (path, _) in changes.different {
            let full = folder.join(&path);
            if let Some(parent) = full.parent() {
                fs::create_dir_all(parent)
                    .map_err(|error| TreeError::io("making the folder", parent, error))?;
            }
            fs::write(&full, &self.files[&path])
                .map_err(|error| TreeError::io("writing", &full, error))?;
            outcome.written.push(path);
        }
        for (path, _) in changes.stale {
            let full = folder.join(&path);
            fs::remove_file(&full).map_err(|error| TreeError::io("removing", &full, error))?;
            remove_empty_parents(folder, &full)?;
            outcome.removed.push(path);
        }
        Ok(outcome)
    }

    /// What [`write`](Self::write) would change, as a unified diff; `None` if nothing.
    ///
    /// # Errors
    /// As for [`write`](Self::write).
    pub fn check(&self, folder: &Path) -> Result<Option<String>, TreeError> {
        let changes = self.changes(folder)?;
        let mut diff = String::new();
        for (path, old) in &changes.different {
            let from = if old.is_some() {
                format!("a/{}", path.display())
            } else {
                NOTHING.into()
            };
            let to = format!("b/{}", path.display());
            let old = old.as_deref().unwrap_or_default();
            push_diff(&mut diff, (old, &from), (&self.files[path], &to));
        }
        for (path, old) in &changes.stale {
            push_diff(
                &mut diff,
                (old, &format!("a/{}", path.display())),
                ("", NOTHING),
            );
        }
        Ok((!diff.is_empty()).then_some(diff))
    }

    fn changes(&self, folder: &Path) -> Result<Changes, TreeError> {
        let mut changes = Changes::default();
        let mut found = folder::generated(folder)?;
        folder::no_links(folder, self.files.keys())?;
        for (path, text) in &self.files {
            let old = match found.remove(path) {
                Some(old) => Some(old),
                None => folder::other(&folder.join(path))?,
            };
            match old {
                Some(old) if old == *text => changes.unchanged += 1,
                old => changes.different.push((path.clone(), old)),
            }
        }
        changes.stale = found.into_iter().collect();
        Ok(changes)
    }
}

const NOTHING: &str = "/dev/null";

#[derive(Default)]
struct Changes {
    /// New or different, with what stands there now.
    different: Vec<(PathBuf, Option<String>)>,
    stale: Vec<(PathBuf, String)>,
    unchanged: usize,
}

fn push_diff(diff: &mut String, (old, from): (&str, &str), (new, to): (&str, &str)) {
    let lines = TextDiff::from_lines(old, new);
    diff.push_str(&lines.unified_diff().header(from, to).to_string());
}

/// Removes the folders between a file that is gone and the root, as far as they are empty.
fn remove_empty_parents(root: &Path, file: &Path) -> Result<(), TreeError> {
    for parent in file
        .ancestors()
        .skip(1)
        .take_while(|parent| *parent != root)
    {
        let mut entries =
            fs::read_dir(parent).map_err(|error| TreeError::io("listing", parent, error))?;
        if entries.next().is_some() {
            break;
        }
        fs::remove_dir(parent).map_err(|error| TreeError::io("removing", parent, error))?;
    }
    Ok(())
}
