//! Files over 400 lines and functions over 60 want a reason, kept in one list: `xtask/sizes.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use syn::spanned::Spanned;
use syn::visit::Visit;

use super::{is_generated, is_rust};
use crate::root;

const FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 60;

/// The exceptions: a path, or `path::function`, and why it may be long.
#[derive(Default, Deserialize)]
struct Exceptions {
    #[serde(default)]
    long: BTreeMap<String, String>,
}

/// Every hand-written file and function that is too long without a reason, and stale reasons.
pub fn check(files: &[PathBuf]) -> Result<Vec<String>> {
    let mut reasons = exceptions()?.long;
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| is_rust(file)) {
        let text = std::fs::read_to_string(root().join(file))
            .with_context(|| format!("reading {}", file.display()))?;
        if is_generated(&text) || is_golden(file) {
            continue;
        }
        for (what, lines) in too_long(file, &text)? {
            if reasons.remove(&what).is_none() {
                findings.push(format!(
                    "{what} has {lines} lines: split it, or give a reason in xtask/sizes.toml"
                ));
            }
        }
    }
    findings.extend(
        reasons
            .keys()
            .map(|what| format!("xtask/sizes.toml names {what}, which is no longer long")),
    );
    Ok(findings)
}

fn exceptions() -> Result<Exceptions> {
    let path = root().join("xtask/sizes.toml");
    let text = std::fs::read_to_string(&path).context("reading xtask/sizes.toml")?;
    toml::from_str(&text).context("xtask/sizes.toml")
}

fn is_golden(file: &Path) -> bool {
    file.components().any(|part| part.as_os_str() == "golden")
}

fn too_long(file: &Path, text: &str) -> Result<Vec<(String, usize)>> {
    let name = file.to_string_lossy().into_owned();
    let syntax = syn::parse_file(text).with_context(|| format!("parsing {name}"))?;
    let mut long = LongFunctions {
        file: &name,
        found: Vec::new(),
    };
    long.visit_file(&syntax);
    let mut found = long.found;
    let lines = text.lines().count();
    if lines > FILE_LINES {
        found.push((name, lines));
    }
    Ok(found)
}

struct LongFunctions<'a> {
    file: &'a str,
    found: Vec<(String, usize)>,
}

impl LongFunctions<'_> {
    fn note(&mut self, name: &syn::Ident, block: &syn::Block) {
        let span = block.span();
        let lines = span.end().line + 1 - span.start().line;
        if lines > FUNCTION_LINES {
            self.found.push((format!("{}::{name}", self.file), lines));
        }
    }
}

impl<'ast> Visit<'ast> for LongFunctions<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.note(&item.sig.ident, &item.block);
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.note(&item.sig.ident, &item.block);
        syn::visit::visit_impl_item_fn(self, item);
    }
}
