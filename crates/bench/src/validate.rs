//! Validating a parsed record without generated code, against parsing it.

use std::cell::RefCell;
use std::path::Path;
use std::process::Command;

use loggia_lexicon::catalog::Catalog;
use loggia_lexicon::export::json_schema;
use loggia_lexicon::validate::Validator;
use serde_json::{Value, json};

use crate::contest::Contest;
use crate::corpus;
use crate::delivery::child::Measured;
use crate::samples::{RECORDS, Sample};

/// Validating costs at most this share of parsing.
const GOAL: f64 = 0.35;
/// Says where the other implementations are; set by `cargo xtask bench`, which builds them.
const YARDSTICKS: &str = "LOGGIA_YARDSTICKS";

pub fn run() {
    let folder = corpus::folder();
    let catalog = Catalog::load(&folder).expect("the folder can be listed");
    let validator = Validator::new(&catalog);
    let others = others(&folder);
    if others.is_none() {
        println!("without atproto-lexicon, which `cargo xtask bench validate` builds beside this");
    }
    for sample in RECORDS {
        if catalog.document(sample.collection).is_some() {
            contest(&catalog, &validator, others.as_ref(), sample);
        }
    }
}

/// Another implementation, with the same lexicons.
fn others(folder: &Path) -> Option<RefCell<Measured>> {
    let program = std::env::var_os(YARDSTICKS)?;
    let mut command = Command::new(program);
    Some(RefCell::new(Measured::of(command.arg(folder))))
}

fn contest(
    catalog: &Catalog,
    validator: &Validator,
    others: Option<&RefCell<Measured>>,
    sample: Sample,
) {
    let record = sample.value();
    if let Err(violations) = validator.record(sample.collection, &record) {
        panic!("the sample {} is not valid: {violations:?}", sample.name);
    }
    let schema = json_schema(catalog.documents(), sample.collection).expect("a record's schema");
    let schema = jsonschema::validator_for(&schema).expect("exported schemas are schemas");
    assert!(
        schema.is_valid(&record),
        "the exported schema takes what the lexicon takes"
    );

    let mut contest = Contest::against(sample.title(), "serde_json into Value", || {
        serde_json::from_slice::<Value>(sample.text.as_bytes())
    })
    .lane("loggia, dynamic", Some(GOAL), || {
        validator.record(sample.collection, &record)
    })
    .lane("jsonschema, without AT Protocol's rules", None, || {
        schema.is_valid(&record)
    });
    if let Some(others) = others {
        let order = json!({"record": {"collection": sample.collection, "record": record}});
        others.borrow_mut().tell(&order);
        let refusal: Option<String> = others.borrow_mut().hear();
        if let Some(refusal) = refusal {
            println!("\natproto-lexicon takes the next sample to be invalid: {refusal}");
        } else {
            contest = contest.timed("atproto-lexicon", None, |times| {
                let mut others = others.borrow_mut();
                others.tell(&json!({"validate": times}));
                others.hear()
            });
        }
    }
    contest.run();
}
