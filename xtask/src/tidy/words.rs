//! Words that must not be in the repository: paths of somebody's machine, and work left undone.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::is_rust;
use crate::root;

/// A text, and why it does not belong here. Written in two halves so that this file passes itself.
const ANYWHERE: &[(&str, &str, &str)] = &[
    ("/wo", "rk/", "a path of one machine"),
    ("/ro", "ot/", "a path of one machine"),
    ("crates.io/api", "/", "a registry host"),
    ("registry.npm", "js.org", "a registry host"),
];

/// What a Rust file must not hold.
const IN_RUST: &[(&str, &str, &str)] = &[
    ("to", "do!(", "an unfinished place"),
    ("unimpl", "emented!(", "an unfinished place"),
    ("#[ign", "ore", "a test that never runs"),
];

/// Every line that holds such a word.
pub fn check(files: &[PathBuf]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for file in files {
        let bytes = std::fs::read(root().join(file))
            .with_context(|| format!("reading {}", file.display()))?;
        // A file that is not text holds no words.
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        findings.extend(unwanted(file, &text));
    }
    Ok(findings)
}

fn unwanted(file: &Path, text: &str) -> Vec<String> {
    let rust: &[_] = if is_rust(file) { IN_RUST } else { &[] };
    let mut findings = Vec::new();
    for (start, end, why) in ANYWHERE.iter().chain(rust) {
        let word = format!("{start}{end}");
        let lines = text
            .lines()
            .enumerate()
            .filter(|(_, line)| line.contains(&word));
        findings.extend(
            lines.map(|(index, _)| format!("{}:{}: `{word}` is {why}", file.display(), index + 1)),
        );
    }
    findings
}
