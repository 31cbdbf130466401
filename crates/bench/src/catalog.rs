//! Loading and compiling a catalog, against parsing the same documents as JSON.

use loggia_lexicon::catalog::Catalog;
use loggia_lexicon::validate::Validator;
use serde_json::Value;

use crate::figures::{Verdict, row};
use crate::{corpus, stopwatch};

/// Compiling some 400 documents should take at most this many nanoseconds.
const COMPILE: f64 = 5e6;
/// And the result at most this many bytes.
const SIZE: f64 = 0.5e6;

pub fn run() {
    let folder = corpus::folder();
    let texts = corpus::texts(&folder).expect("the lexicons can be read");
    let catalog = Catalog::load(&folder).expect("the folder can be listed");
    println!("\n{} documents", catalog.len());

    let parse = stopwatch::median(|| (), |()| parse_all(&texts));
    stopwatch::print("serde_json into Value", parse, parse, None);
    let load = stopwatch::median(|| (), |()| Catalog::load(&folder));
    stopwatch::print("loggia: read files, resolve references", load, parse, None);
    let compile = stopwatch::median(|| (), |()| Validator::new(&catalog));
    stopwatch::print("loggia: compile", compile, parse, Some(COMPILE));

    let size = Validator::new(&catalog).size() as f64;
    let kilobytes = |bytes: f64| format!("{:.0} kB", bytes / 1e3);
    let verdict = Verdict::of(size, Some(SIZE), kilobytes);
    row(
        "memory of the compiled catalog",
        &kilobytes(size),
        "",
        &verdict,
    );
}

fn parse_all(texts: &[String]) -> Vec<Value> {
    let parse = |text: &String| serde_json::from_str(text).expect("lexicons are JSON");
    texts.iter().map(parse).collect()
}
