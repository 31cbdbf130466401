//! `cargo xtask codegen [--check]`: the lexicons folder into crates/api.

use anyhow::{Context, Result, bail};
use loggia_codegen::{Config, generate};
use loggia_lexicon::catalog::Catalog;

use crate::root;

/// Writes crates/api, or with `check` fails if it is not what would be written.
pub fn run(check: bool) -> Result<()> {
    let catalog = Catalog::load(root().join("lexicons")).context("loading the lexicons folder")?;
    for problem in catalog.problems() {
        eprintln!("codegen: {problem}");
    }
    if !catalog.problems().is_empty() {
        bail!("our own lexicons must have no problems");
    }
    let tree = generate(&catalog, &Config::for_api());
    let folder = root().join("crates/api/src/lexicons");
    if !check {
        let outcome = tree.write(&folder)?;
        eprintln!(
            "codegen: {} written, {} removed",
            outcome.written.len(),
            outcome.removed.len()
        );
        return Ok(());
    }
    match tree.check(&folder)? {
        None => Ok(()),
        Some(diff) => {
            bail!("{diff}\ncrates/api is not what the lexicons say: run `cargo xtask codegen`")
        }
    }
}
