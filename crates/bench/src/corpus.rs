//! The lexicons that are measured with.

use std::path::{Path, PathBuf};

/// The root folder of the workspace: the one with the lexicons.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .find(|folder| folder.join("lexicons").is_dir())
        .expect("the crate stands in a workspace")
        .to_path_buf()
}

/// The official lexicons beside the project where they are present, else our own; said aloud.
pub fn folder() -> PathBuf {
    let official = root().join("../shared/corpus/atproto");
    if official.is_dir() {
        return official;
    }
    println!("shared/corpus/atproto is not here: measuring with our own lexicons");
    root().join("lexicons")
}

/// Every lexicon file below a folder, as text.
pub fn texts(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut texts = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                texts.push(std::fs::read_to_string(path)?);
            }
        }
    }
    Ok(texts)
}
