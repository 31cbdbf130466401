//! `cargo xtask fuzz`: libFuzzer over what reads the words of strangers, from a checked-in corpus.
//!
//! The targets are a workspace of their own, because everything in them is built with coverage
//! instrumentation. The flags are those that cargo-fuzz sets without a sanitizer: all is safe Rust,
//! so that panics and failed assertions are what there is to find.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::command::{self, cargo};
use crate::root;

/// Executions per target when a commit is judged: a few seconds each.
pub const FEW: u64 = 100_000;

const FLAGS: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Named, so that build scripts and macros are built without the flags.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// Runs these targets, or all, so many times each.
pub fn run(names: &[String], runs: u64) -> Result<()> {
    let home = root().join("tests/fuzz");
    let all = targets(&home)?;
    for name in names {
        ensure!(
            all.contains(name),
            "no fuzz target {name}: {}",
            all.join(", ")
        );
    }
    let built = root().join("target/fuzz");
    let manifest = home.join("Cargo.toml");
    let mut build = cargo(&["build", "--release", "--locked", "--target", PLATFORM]);
    build.arg("--manifest-path").arg(&manifest);
    command::run(
        build
            .env("RUSTFLAGS", FLAGS)
            .env("CARGO_TARGET_DIR", &built),
    )?;
    for name in all
        .iter()
        .filter(|name| names.is_empty() || names.contains(name))
    {
        let program = built.join(PLATFORM).join("release").join(name);
        one(&program, &home.join("corpus").join(name), name, runs)?;
    }
    Ok(())
}

/// One target. What libFuzzer finds on its way stays in the build folder; a crash prints the file that
/// brings it about.
fn one(program: &Path, seeds: &Path, name: &str, runs: u64) -> Result<()> {
    ensure!(
        seeds.is_dir(),
        "{} has no corpus: make one",
        seeds.display()
    );
    let found = root().join("target/fuzz/found").join(name);
    fs::create_dir_all(&found).with_context(|| format!("making {}", found.display()))?;
    let mut fuzz = command::program(&program.to_string_lossy(), &[]);
    fuzz.arg(format!("-runs={runs}"))
        .arg("-max_len=4096")
        .arg("-timeout=10")
        .arg("-rss_limit_mb=1024")
        .arg("-print_final_stats=1")
        .arg("-verbosity=0")
        .arg(format!("-artifact_prefix={}/crash-", found.display()))
        .arg(&found)
        .arg(seeds);
    command::run(&mut fuzz)
}

/// One target for each file in `src/bin`.
fn targets(home: &Path) -> Result<Vec<String>> {
    let folder = home.join("src/bin");
    let files = fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut names = Vec::new();
    for file in files {
        let path = file?.path();
        let name = path.file_stem().context("a file has a name")?;
        names.push(name.to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}
