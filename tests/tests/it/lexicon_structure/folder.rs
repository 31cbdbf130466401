//! Reading lexicon folders.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Documents by NSID.
pub type Lexicons = BTreeMap<String, Value>;

/// The folder that holds the workspace's `Cargo.toml` and `lexicons/`.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .find(|folder| folder.join("Cargo.toml").is_file() && folder.join("lexicons").is_dir())
        .expect("the tests crate lies inside the workspace")
}

/// Our documents with their paths inside `lexicons/`, segments separated by `/`.
pub fn files() -> Vec<(String, Value)> {
    let root = workspace().join("lexicons");
    json_files(&root)
        .into_iter()
        .map(|path| {
            let inside = path
                .strip_prefix(&root)
                .expect("the path was found below the root");
            let segments: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
            (segments.join("/"), read(&path))
        })
        .collect()
}

/// Our documents by NSID.
pub fn lexicons() -> Lexicons {
    by_id(files().into_iter().map(|(_, document)| document))
}

/// Sorts documents by what they say their NSID is; a later one replaces an earlier one.
pub fn by_id(documents: impl IntoIterator<Item = Value>) -> Lexicons {
    documents
        .into_iter()
        .filter_map(|document| Some((document["id"].as_str()?.to_owned(), document)))
        .collect()
}

/// All files below `root` that end in `.json`, in a fixed order.
pub fn json_files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).unwrap_or_else(|e| panic!("reading {}: {e}", folder.display()));
        for entry in entries {
            let path = entry.expect("the folder can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The content of a JSON file.
pub fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
