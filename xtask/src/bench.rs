//! `cargo xtask bench [NAME…]`: builds the benchmarks as a release and runs them.

use anyhow::Result;
use loggia_services::Durability;

use crate::command::{self, cargo};
use crate::services::Services;

/// Runs the benchmarks of these names, or all.
pub fn run(names: &[String]) -> Result<()> {
    let mut bench = cargo(&["run", "--release", "--package", "loggia-bench", "--"]);
    let services = Services::start(Durability::Full)?;
    command::run(bench.args(names).envs(services.variables()))
}
