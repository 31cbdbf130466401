//! The documents as their owners publish them, read from beside the workspace.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::folder::{self, Lexicons};
use super::october;

/// Folders with earlier generations of documents that are also there in the current one.
const SUPERSEDED: [&str; 2] = ["seed-era", "history"];

/// The newest generation known of every document, or nothing where there are none to read.
pub fn lexicons() -> Option<Lexicons> {
    let shared = shared()?;
    let mut published = folder::by_id(files(&shared.join("corpus")));
    published.extend(folder::by_id(current(&shared)));
    published.extend(folder::by_id(october_files(&shared)));
    october::amend(&mut published);
    Some(published)
}

/// Every document of every generation.
pub fn everything() -> Option<Vec<Value>> {
    let shared = shared()?;
    let mut all = files(&shared.join("corpus"));
    all.extend(files(&shared.join("reference")));
    all.extend(october_files(&shared));
    Some(all)
}

fn shared() -> Option<PathBuf> {
    let shared = folder::workspace().join("../shared");
    shared.join("reference").is_dir().then_some(shared)
}

fn files(root: &Path) -> Vec<Value> {
    folder::json_files(root)
        .iter()
        .map(|path| folder::read(path))
        .collect()
}

/// The reference documents, deepest folders first so that the shallower, newer ones win.
fn current(shared: &Path) -> Vec<Value> {
    let mut paths = folder::json_files(&shared.join("reference"));
    paths.retain(|path| {
        !path
            .iter()
            .any(|part| SUPERSEDED.iter().any(|old| part == *old))
    });
    paths.sort_by_key(|path| std::cmp::Reverse(path.components().count()));
    paths.iter().map(|path| folder::read(path)).collect()
}

/// The few documents of October 2026 that are known word for word.
fn october_files(shared: &Path) -> Vec<Value> {
    let file = folder::read(&shared.join("vectors/lexicons_oct2026.json"));
    file["lexicons"]
        .as_array()
        .expect("the file lists lexicons")
        .clone()
}
