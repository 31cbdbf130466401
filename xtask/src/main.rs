//! The work around the code: `cargo xtask codegen | tidy | deny | test | bench | fuzz | oracles | ci`.

mod bench;
mod ci;
mod codegen;
mod command;
mod deny;
mod fuzz;
mod oracles;
mod services;
mod setup;
mod tidy;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// The work around the code.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Write crates/api from the lexicons folder.
    Codegen {
        /// Write nothing: print what would change, and fail if anything would.
        #[arg(long)]
        check: bool,
    },
    /// Check crate edges, file and function sizes, and words that do not belong here.
    Tidy,
    /// Check licenses and known advisories of every dependency, without the network.
    Deny,
    /// Set up what the tests need, then run them all.
    Test {
        /// More rounds of what takes long: servers are killed twenty times for each store.
        #[arg(long)]
        long: bool,
        /// Passed on to nextest: a filter, `--no-capture` and the like.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Measure: ratios to the work of others, with the goals beside them.
    Bench {
        /// One of `validate`, `catalog`, `decode`, `endpoint`, `codegen`, `auth`, `delivery`, `hostile`,
        /// `matcher`, `projections`, `spaces`; all if absent.
        names: Vec<String>,
    },
    /// Throw mutated input at everything that reads the words of strangers.
    Fuzz {
        /// Targets, as in tests/fuzz/src/bin; all if absent.
        names: Vec<String>,
        /// Executions of each.
        #[arg(long, default_value_t = 10_000_000)]
        runs: u64,
    },
    /// Ask another implementation of spaces the same questions; builds some 300 packages for it.
    Oracles,
    /// Everything that a commit must pass.
    Ci,
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().task {
        Task::Codegen { check } => codegen::run(check),
        Task::Tidy => tidy::run(),
        Task::Deny => deny::run(),
        Task::Test { long, args } => {
            setup::tools()?;
            let long = long.then_some(("LOGGIA_TEST_LONG", "1"));
            ci::tests(&args, long.as_slice())
        }
        Task::Bench { names } => bench::run(&names),
        Task::Fuzz { names, runs } => fuzz::run(&names, runs),
        Task::Oracles => oracles::run(),
        Task::Ci => ci::run(),
    }
}

/// The workspace's root folder.
fn root() -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest
        .parent()
        .expect("xtask lies one folder below the root")
        .to_path_buf()
}
