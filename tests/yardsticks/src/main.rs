//! `loggia-yardsticks FOLDER`: validates records by atproto-lexicon with the lexicons of a folder.
//!
//! Orders come on the standard input, one in a line, and are answered in one line each. They come
//! from the benchmark `validate`, which lets this and the other ways of validating take turns.

use std::hint::black_box;
use std::io::Write;
use std::path::Path;

use atproto_lexicon::validation::{BaseCatalog, ValidateFlags, validate_record};
use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;
use serde_json::Value;

/// What is to be done.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Order {
    /// Takes this record from now on; says whether it is valid, `null` or why not.
    Record { collection: String, record: Value },
    /// Validates it so many times; says how many nanoseconds of CPU time that took.
    Validate(u32),
}

fn main() {
    let folder = std::env::args_os().nth(1).expect("a folder of lexicons");
    let mut catalog = BaseCatalog::new();
    let mut refused = 0;
    load(&mut catalog, Path::new(&folder), &mut refused);
    eprintln!("atproto-lexicon refused {refused} of the lexicons");
    let mut taken: Option<(String, Value)> = None;
    for line in std::io::stdin().lines() {
        let line = line.expect("the orders are text");
        let order = serde_json::from_str(&line).expect("an order");
        let said = match (order, &taken) {
            (Order::Record { collection, record }, _) => {
                let (collection, record) = taken.insert((collection, record));
                let verdict = validate_record(collection, record, &catalog, ValidateFlags::empty());
                Value::from(verdict.err().map(|error| error.to_string()))
            }
            (Order::Validate(times), Some((collection, record))) => {
                let begun = now();
                for _ in 0..times {
                    let flags = ValidateFlags::empty();
                    let verdict = validate_record(collection, record, &catalog, flags);
                    black_box(verdict).expect("it was valid before");
                }
                Value::from(now() - begun)
            }
            (Order::Validate(_), None) => panic!("no record was given"),
        };
        println!("{said}");
        std::io::stdout().flush().expect("somebody reads");
    }
}

/// Takes every lexicon below a folder.
fn load(catalog: &mut BaseCatalog, folder: &Path, refused: &mut usize) {
    for entry in std::fs::read_dir(folder).expect("the folder can be listed") {
        let path = entry.expect("the folder can be listed").path();
        if path.is_dir() {
            load(catalog, &path, refused);
        } else if path.extension().is_some_and(|end| end == "json") {
            let text = std::fs::read_to_string(&path).expect("a lexicon can be read");
            if catalog.add_schema_json(&text).is_err() {
                *refused += 1;
            }
        }
    }
}

/// Nanoseconds that this thread has run.
fn now() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let nanoseconds = i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec);
    u64::try_from(nanoseconds).expect("a thread has not run for centuries")
}
