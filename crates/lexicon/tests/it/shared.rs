//! The folder beside the project that holds reference material, where it is present.

use std::path::{Path, PathBuf};

/// A path below `../shared` as seen from the workspace, or `None` (said aloud) if it is absent:
/// the caller's own cases must then cover the ground.
pub fn path(relative: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .find(|folder| folder.join("Cargo.lock").is_file())
        .expect("the crate stands in a workspace");
    let path = root.join("../shared").join(relative);
    if path.exists() {
        return Some(path);
    }
    println!("{relative} is not here: only our own cases ran");
    None
}

/// The text of a file there.
pub fn text(relative: &str) -> Option<String> {
    let path = path(relative)?;
    Some(std::fs::read_to_string(&path).expect("a file that is there can be read"))
}

/// A JSON file there.
pub fn json(relative: &str) -> Option<serde_json::Value> {
    let text = text(relative)?;
    Some(serde_json::from_str(&text).expect("a file there is JSON"))
}
