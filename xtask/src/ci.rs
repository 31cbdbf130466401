//! Everything that a commit must pass, cheapest first.

use anyhow::Result;
use loggia_services::Durability;

use crate::command::{self, cargo};
use crate::services::Services;
use crate::{codegen, deny, fuzz, setup, tidy};

/// fmt, tidy, licenses and advisories, codegen, clippy, docs, a little fuzzing, tests.
pub fn run() -> Result<()> {
    command::run(&mut cargo(&["fmt", "--all", "--check"]))?;
    tidy::run()?;
    deny::run()?;
    codegen::run(true)?;
    command::run(&mut cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ]))?;
    documentation()?;
    fuzz::run(&[], fuzz::FEW)?;
    setup::tools()?;
    eprintln!(
        "property tests draw with {}={}, the same cases every time; `cargo xtask test` draws fresh \
         ones, and {0}=NUMBER before it the cases of that number",
        SEED.0, SEED.1
    );
    tests(&[], &[SEED])
}

/// Property tests draw the same cases each time that a commit is judged; `cargo xtask test` draws new
/// ones.
const SEED: (&str, &str) = ("PROPTEST_RNG_SEED", "20260131");

/// Runs every test, those in the documentation included, with these variables. The largest run comes
/// last, so that what is shown in the end is its summary.
pub fn tests(args: &[String], variables: &[(&str, &str)]) -> Result<()> {
    if args.is_empty() {
        // The conversions to and from atrium-api, which nothing of ours switches on.
        command::run(&mut cargo(&[
            "nextest",
            "run",
            "-p",
            "loggia-syntax",
            "--features",
            "atrium",
            "atrium",
        ]))?;
        command::run(&mut cargo(&["test", "--workspace", "--doc", "--quiet"]))?;
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut nextest = cargo(&["nextest", "run", "--workspace", "--no-fail-fast"]);
    let services = Services::start(Durability::Process)?;
    nextest.args(&args).envs(services.variables());
    command::run(nextest.envs(variables.iter().copied()))
}

fn documentation() -> Result<()> {
    let mut docs = cargo(&["doc", "--workspace", "--no-deps", "--quiet"]);
    command::run(docs.env("RUSTDOCFLAGS", "--deny warnings"))
}
