//! `cargo xtask oracles`: properties that compare our verdicts with those of other implementations.
//!
//! A workspace of their own, because of all that those implementations bring along.

use anyhow::Result;

use crate::command::{self, cargo};
use crate::root;

/// Runs them.
pub fn run() -> Result<()> {
    let manifest = root().join("tests/oracles/Cargo.toml");
    let mut test = cargo(&["test", "--locked", "--quiet"]);
    test.arg("--manifest-path").arg(manifest);
    test.env("CARGO_TARGET_DIR", root().join("target/oracles"));
    command::run(&mut test)
}
