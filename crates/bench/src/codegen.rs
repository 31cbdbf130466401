//! Generating Rust for every document, formatting included.

use std::path::Path;

use loggia_codegen::{Config, Outcome, Plan};
use loggia_lexicon::catalog::Catalog;
use serde_json::Value;

use crate::{corpus, stopwatch};

/// The first run should take at most this many nanoseconds,
const FIRST: f64 = 1e9;
/// and one that finds everything as it should be this many.
const AGAIN: f64 = 0.2e9;

pub fn run() {
    let lexicons = corpus::folder();
    let texts = corpus::texts(&lexicons).expect("the lexicons can be read");
    println!("\n{} documents", texts.len());
    let parse = stopwatch::median(|| (), |()| parse_all(&texts));
    stopwatch::print("serde_json into Value", parse, parse, None);

    let folder = || tempfile::tempdir().expect("a temporary folder");
    let first = stopwatch::median(folder, |folder| {
        let outcome = write(&lexicons, folder.path());
        assert!(!outcome.written.is_empty(), "the first run writes");
        folder
    });
    stopwatch::print(
        "loggia: read, generate, format, write",
        first,
        parse,
        Some(FIRST),
    );

    let folder = folder();
    write(&lexicons, folder.path());
    let again = stopwatch::median(
        || (),
        |()| {
            let outcome = write(&lexicons, folder.path());
            assert!(outcome.written.is_empty(), "the second run writes nothing");
        },
    );
    stopwatch::print(
        "loggia: the same again, nothing to write",
        again,
        parse,
        Some(AGAIN),
    );
}

fn parse_all(texts: &[String]) -> Vec<Value> {
    let parse = |text: &String| serde_json::from_str(text).expect("lexicons are JSON");
    texts.iter().map(parse).collect()
}

fn write(lexicons: &Path, folder: &Path) -> Outcome {
    let catalog = Catalog::load(lexicons).expect("the folder can be listed");
    let plan = Plan::new(&catalog, Config::default());
    plan.write(folder)
        .expect("a temporary folder can be written")
}
