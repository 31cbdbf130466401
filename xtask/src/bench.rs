//! `cargo xtask bench [NAME…]`: builds the benchmarks as a release and runs them.

use anyhow::Result;

use crate::command::{self, cargo};

/// Runs the benchmarks of these names, or all.
pub fn run(names: &[String]) -> Result<()> {
    let mut bench = cargo(&["run", "--release", "--package", "loggia-bench", "--"]);
    command::run(bench.args(names))
}
