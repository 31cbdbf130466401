//! Validation: each case runs over JSON and over the data model.

mod agreed;
mod allocations;
mod interop;
mod limits;
mod methods;
mod rulings;

use loggia_lexicon::catalog::Catalog;
use loggia_lexicon::validate::{Outcome, Validator};
use loggia_syntax::check::Violation;
use loggia_syntax::data::Data;
use serde_json::{Value, json};

/// A real link, and a real blob in today's form.
pub const CID: &str = "bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity";

pub fn blob() -> Value {
    json!({"$type": "blob", "ref": {"$link": CID}, "mimeType": "image/png", "size": 10})
}

/// A catalog of these documents, which may have problems.
pub fn catalog(documents: &[Value]) -> Catalog {
    let mut builder = Catalog::builder();
    for document in documents {
        let file = document["id"].as_str().expect("an id").replace('.', "/") + ".json";
        builder.add(&document.to_string(), file);
    }
    builder.build()
}

/// The definitions that the cases refer to.
fn documents(x: Value) -> [Value; 3] {
    let object = |properties: Value| json!({"type": "object", "properties": properties});
    let limited = json!({"a": {"type": "integer", "maximum": 5}});
    [
        json!({"lexicon": 1, "id": "com.example.record", "defs": {
            "main": {"type": "record", "key": "any", "record": object(json!({"x": x}))},
            "obj": object(limited.clone()),
            "other": object(json!({"b": {"type": "string"}})),
            "token": {"type": "token"},
            "short": {"type": "string", "maxLength": 3},
            "few": {"type": "array", "items": {"type": "integer"}, "maxLength": 2},
            "tree": object(json!({
                "value": {"type": "integer"},
                "child": {"type": "ref", "ref": "#tree"},
                "children": {"type": "array", "items": {"type": "ref", "ref": "#tree"}},
            })),
        }}),
        json!({"lexicon": 1, "id": "com.example.like", "defs": {
            "main": {"type": "record", "key": "tid", "record": object(limited.clone())},
        }}),
        json!({"lexicon": 1, "id": "com.example.shape", "defs": {
            "main": object(limited),
            "obj": object(json!({})),
        }}),
    ]
}

/// A validator for records of `com.example.record` whose field `x` has this schema.
pub fn validator(x: Value) -> Validator {
    Validator::new(&catalog(&documents(x)))
}

/// Validates `value` as the field `x`, over both views; violations as `path code`.
#[track_caller]
pub fn violations_with(validator: &Validator, value: &Value) -> Vec<String> {
    record_violations(
        validator,
        &json!({"$type": "com.example.record", "x": value}),
    )
}

#[track_caller]
pub fn record_violations(validator: &Validator, record: &Value) -> Vec<String> {
    let found = lines(validator.record("com.example.record", record));
    // What does not read as data is invalid in every view.
    match serde_json::from_value::<Data>(record.clone()) {
        Ok(data) => {
            let other = lines(validator.record("com.example.record", &data));
            assert_eq!(other, found, "the data model sees it differently: {record}");
        }
        Err(error) => assert!(!found.is_empty(), "{record}: {error}"),
    }
    found
}

pub fn lines(result: Result<Outcome, Vec<Violation>>) -> Vec<String> {
    match result {
        Ok(_) => Vec::new(),
        Err(violations) => {
            assert!(!violations.is_empty());
            violations
                .iter()
                .map(|v| format!("{} {}", v.path, v.code))
                .collect()
        }
    }
}

#[track_caller]
pub fn accepts(x: &Value, value: Value) {
    let found = violations_with(&validator(x.clone()), &value);
    assert!(found.is_empty(), "{x} should accept {value}: {found:?}");
}

#[track_caller]
pub fn rejects(x: &Value, value: Value, violations: &[&str]) {
    let found = violations_with(&validator(x.clone()), &value);
    assert_eq!(found, violations, "{x} with {value}");
}
