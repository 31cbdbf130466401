//! The interoperability files, where they are present, and their masked cases unmasked.

use loggia_lexicon::catalog::Catalog;
use loggia_lexicon::validate::Validator;
use serde_json::{Value, json};

use super::lines;
use crate::shared;

const COLLECTION: &str = "example.lexicon.record";

fn interop() -> Option<Validator> {
    let catalog = Catalog::load(shared::path("interop/lexicon/catalog")?).expect("a folder");
    // One document refers to another that is not among the files.
    let errors = catalog
        .problems()
        .iter()
        .filter(|problem| problem.diagnostic.is_error());
    let rules: Vec<_> = errors.map(|problem| problem.diagnostic.rule).collect();
    assert_eq!(rules, ["unresolved-ref"]);
    Some(Validator::new(&catalog))
}

fn violations(validator: &Validator, case: &Value) -> Vec<String> {
    let key = case["rkey"].as_str().expect("a record key");
    let mut found = lines(validator.record(COLLECTION, &case["data"]));
    found.extend(
        validator
            .record_key(COLLECTION, key)
            .err()
            .into_iter()
            .flatten()
            .map(|v| v.message),
    );
    found
}

#[test]
fn records() {
    let Some(validator) = interop() else { return };
    for (file, valid) in [("valid", true), ("invalid", false)] {
        let cases = shared::json(&format!("interop/lexicon/record-data-{file}.json"));
        let cases = cases.expect("beside the catalog");
        let cases = cases.as_array().expect("a list of cases");
        assert!(!cases.is_empty());
        for case in cases {
            let found = violations(&validator, case);
            assert_eq!(found.is_empty(), valid, "{}: {found:?}", case["name"]);
        }
        println!("{} {file} records", cases.len());
    }
}

#[test]
fn records_invalid_for_one_reason_only() {
    let Some(validator) = interop() else { return };
    let cases = shared::json("interop/lexicon/record-data-invalid.json").expect("present");
    for case in cases.as_array().expect("a list of cases") {
        let name = case["name"].as_str().expect("a name");
        let mut case = case.clone();
        if name.starts_with("missing") {
            continue;
        }
        // Several cases lack the required field as well, and would pass for that alone.
        if case["data"].get("integer").is_none() {
            case["data"]["integer"] = json!(1);
        }
        let found = violations(&validator, &case);
        assert!(!found.is_empty(), "{name}");
        assert!(
            found.iter().all(|line| !line.contains("required_key")),
            "{name}: {found:?}"
        );
    }
}

#[test]
fn unknown_takes_no_bytes_links_or_blobs() {
    let Some(validator) = interop() else { return };
    for unknown in [
        json!({"$bytes": "123"}),
        json!({"$link": super::CID}),
        super::blob(),
        json!("text"),
        json!(7),
        json!([]),
    ] {
        let record = json!({"$type": COLLECTION, "integer": 1, "unknown": unknown});
        assert_eq!(
            lines(validator.record(COLLECTION, &record)),
            ["$.unknown invalid_type"],
            "{record}"
        );
    }
    let record = json!({"$type": COLLECTION, "integer": 1, "cid-link": {"$link": "green"}});
    assert_eq!(
        lines(validator.record(COLLECTION, &record)),
        ["$['cid-link'] invalid_type"]
    );
}

#[test]
fn data_model() {
    let Some(valid) = shared::json("interop/data-model/data-model-valid.json") else {
        return;
    };
    let invalid = shared::json("interop/data-model/data-model-invalid.json").expect("beside it");
    let validator =
        Validator::new(&Catalog::default()).mode(loggia_lexicon::validate::Mode::Optimistic);
    for (cases, is_valid) in [(valid, true), (invalid, false)] {
        for case in cases.as_array().expect("a list of cases") {
            let mut data = case["json"].clone();
            if let Some(object) = data.as_object_mut() {
                object.entry("$type").or_insert(json!("com.example.any"));
            }
            let found = lines(validator.record("com.example.any", &data));
            assert_eq!(found.is_empty(), is_valid, "{}: {found:?}", case["note"]);
        }
    }
}
