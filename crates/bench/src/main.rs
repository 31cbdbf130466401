//! `loggia-bench [NAME…]`: how our work compares with the work of others.
//!
//! Every benchmark prints ratios, each measured within one run (see [`contest`]), and beside them
//! the goal, if there is one. A missed goal is printed and is no failure: how fast a machine's
//! memory is moves ratios too.

mod auth;
mod catalog;
mod codegen;
mod contest;
mod corpus;
mod cpu;
mod decode;
mod delivery;
mod endpoint;
mod figures;
mod hostile;
mod matcher;
mod plain;
mod projections;
mod samples;
mod spaces;
mod stopwatch;
mod validate;

use std::process::ExitCode;

/// Every benchmark by its name.
const BENCHMARKS: [(&str, fn()); 13] = [
    ("validate", validate::run),
    ("catalog", catalog::run),
    ("decode", decode::run),
    ("endpoint", endpoint::run),
    ("codegen", codegen::run),
    ("auth", auth::run),
    ("delivery", delivery::run),
    ("cost-sqlite", delivery::cost::sqlite),
    ("cost-postgres", delivery::cost::on_postgres),
    ("hostile", hostile::run),
    ("matcher", matcher::run),
    ("projections", projections::run),
    ("spaces", spaces::run),
];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let [part] = &wanted[..]
        && let Some((_, run)) = delivery::PARTS.iter().find(|(name, _)| name == part)
    {
        run();
        return ExitCode::SUCCESS;
    }
    let names = BENCHMARKS.map(|(name, _)| name);
    if let Some(unknown) = wanted.iter().find(|name| !names.contains(&name.as_str())) {
        eprintln!(
            "there is no benchmark `{unknown}`; there are: {}",
            names.join(", ")
        );
        return ExitCode::from(2);
    }
    println!("time per repetition, then the ratio to the first line (median, middle half)");
    for (name, run) in BENCHMARKS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            println!("\n== {name}");
            run();
        }
    }
    ExitCode::SUCCESS
}
