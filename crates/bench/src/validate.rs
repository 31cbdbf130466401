//! Validating a parsed record without generated code, against parsing it.

use loggia_lexicon::catalog::Catalog;
use loggia_lexicon::export::json_schema;
use loggia_lexicon::validate::Validator;
use serde_json::Value;

use crate::contest::Contest;
use crate::corpus;
use crate::samples::{RECORDS, Sample};

/// Validating costs at most this share of parsing.
const GOAL: f64 = 0.35;

pub fn run() {
    let catalog = Catalog::load(corpus::folder()).expect("the folder can be listed");
    let validator = Validator::new(&catalog);
    for sample in RECORDS {
        if catalog.document(sample.collection).is_some() {
            contest(&catalog, &validator, sample);
        }
    }
    println!(
        "\nnot measured: atproto-lexicon 0.14, which brings more than fifty other crates along"
    );
}

fn contest(catalog: &Catalog, validator: &Validator, sample: Sample) {
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

    Contest::against(sample.title(), "serde_json into Value", || {
        serde_json::from_slice::<Value>(sample.text.as_bytes())
    })
    .lane("loggia, dynamic", Some(GOAL), || {
        validator.record(sample.collection, &record)
    })
    .lane("jsonschema, without AT Protocol's rules", None, || {
        schema.is_valid(&record)
    })
    .run();
}
