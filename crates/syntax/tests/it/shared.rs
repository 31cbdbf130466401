//! Material that is not part of the repository: read where it is present.

use std::path::{Path, PathBuf};

/// A file or folder beside the workspace; says on stderr what the test goes without.
pub fn find(path: &str) -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(path);
    if found.exists() {
        eprintln!("reading {}", found.display());
        Some(found)
    } else {
        eprintln!("NOT PRESENT: ../shared/{path}; only the cases of this repository were tried");
        None
    }
}

/// The text of a file that is present.
pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The JSON of a file that is present.
pub fn json(path: &Path) -> serde_json::Value {
    serde_json::from_str(&read(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
