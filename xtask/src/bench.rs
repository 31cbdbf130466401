//! `cargo xtask bench [NAME…]`: builds the benchmarks as a release and runs them.

use std::path::PathBuf;

use anyhow::Result;
use loggia_services::Durability;

use crate::command::{self, cargo};
use crate::root;
use crate::services::Services;

/// The benchmark that other implementations of lexicons take part in.
const WITH_YARDSTICKS: &str = "validate";
/// Says where they are.
const YARDSTICKS: &str = "LOGGIA_YARDSTICKS";

/// Runs the benchmarks of these names, or all.
pub fn run(names: &[String]) -> Result<()> {
    let mut bench = cargo(&["run", "--release", "--package", "loggia-bench", "--"]);
    if names.is_empty() || names.iter().any(|name| name == WITH_YARDSTICKS) {
        bench.env(YARDSTICKS, yardsticks()?);
    }
    let services = Services::start(Durability::Full)?;
    command::run(bench.args(names).envs(services.variables()))
}

/// Builds the other implementations, a workspace of their own because of all that they bring along;
/// returns the program.
fn yardsticks() -> Result<PathBuf> {
    let manifest = root().join("tests/yardsticks/Cargo.toml");
    let built = root().join("target/yardsticks");
    let mut build = cargo(&["build", "--release", "--locked", "--manifest-path"]);
    command::run(build.arg(manifest).env("CARGO_TARGET_DIR", &built))?;
    Ok(built.join("release/loggia-yardsticks"))
}
