//! What the compiler does not check: which crate may know which, how long files and functions get,
//! and words that do not belong into a public repository.

mod edges;
mod sizes;
mod words;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::command::{output, program};
use crate::root;

/// Runs every check and fails with all that they found.
pub fn run() -> Result<()> {
    let files = tracked_files()?;
    let mut findings = edges::check()?;
    findings.extend(sizes::check(&files)?);
    findings.extend(words::check(&files)?);
    if findings.is_empty() {
        return Ok(());
    }
    for finding in &findings {
        eprintln!("tidy: {finding}");
    }
    bail!("tidy found {} things to mend", findings.len());
}

/// The files that git tracks or would track, relative to the root.
fn tracked_files() -> Result<Vec<PathBuf>> {
    let list = output(&mut program(
        "git",
        &[
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ],
    ))?;
    let mut files: Vec<PathBuf> = list
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .collect();
    files.retain(|file| root().join(file).is_file());
    files.sort();
    Ok(files)
}

/// Whether a file was written by the generator.
fn is_generated(text: &str) -> bool {
    text.starts_with("// @generated")
}

fn is_rust(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "rs")
}
