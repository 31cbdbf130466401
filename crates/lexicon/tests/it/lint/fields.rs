//! The rules for schemas, each in a record's only field.

use serde_json::json;

use super::check;
use crate::documents::{field, thing};

const IT: &str = "/defs/main/record/properties/it";

fn check_field(schema: serde_json::Value, wanted: &[&str]) {
    let wanted: Vec<_> = wanted.iter().map(|line| line.replace("IT", IT)).collect();
    let wanted: Vec<_> = wanted.iter().map(String::as_str).collect();
    check(&field(schema), &wanted);
}

#[test]
fn strings() {
    check_field(json!({ "type": "string" }), &["unlimited-string IT"]);
    check_field(json!({ "type": "string", "const": "a" }), &[]);
    check_field(json!({ "type": "string", "maxLength": 20480 }), &[]);
    check_field(
        json!({ "type": "string", "maxLength": 20481 }),
        &["large-string IT"],
    );
    check_field(
        json!({ "type": "string", "format": "handle" }),
        &["handle-in-record IT/format"],
    );
    check_field(
        json!({ "type": "string", "format": "colour" }),
        &["unknown-format IT/format"],
    );
    check_field(
        json!({ "type": "string", "maxLength": 20, "knownValues": ["a.b.c#d", "#d"] }),
        &["known-string-local-ref IT/knownValues/1"],
    );
    check_field(
        json!({ "type": "string", "maxLength": 20, "maxGraphemes": 30 }),
        &["graphemes-over-length IT"],
    );
}

#[test]
fn constraints_that_contradict_themselves() {
    check_field(
        json!({ "type": "string", "enum": [] }),
        &["lexicon-schema IT/enum"],
    );
    check_field(
        json!({ "type": "integer", "enum": [] }),
        &["lexicon-schema IT/enum"],
    );
    check_field(
        json!({ "type": "integer", "const": 1, "default": 1 }),
        &["lexicon-schema IT"],
    );
    check_field(
        json!({ "type": "boolean", "const": true, "default": true }),
        &["lexicon-schema IT"],
    );
    check_field(
        json!({ "type": "integer", "minimum": 2, "maximum": 1 }),
        &["lexicon-schema IT"],
    );
    check_field(
        json!({ "type": "integer", "maximum": 1, "default": 2 }),
        &["lexicon-schema IT/default"],
    );
    check_field(
        json!({ "type": "string", "enum": ["a"], "default": "b" }),
        &["lexicon-schema IT/default"],
    );
    check_field(
        json!({ "type": "array", "items": { "type": "boolean" }, "minLength": 2, "maxLength": 1 }),
        &["lexicon-schema IT"],
    );
    check_field(
        json!({ "type": "blob", "accept": ["images"] }),
        &["lexicon-schema IT/accept"],
    );
}

#[test]
fn bytes() {
    check_field(json!({ "type": "bytes" }), &["unlimited-bytes IT"]);
    check_field(
        json!({ "type": "bytes", "maxLength": 20481 }),
        &["large-bytes IT"],
    );
}

#[test]
fn lists_of_fields_name_properties() {
    let object = thing(json!({ "a": {
        "type": "object",
        "required": ["x", "gone"],
        "nullable": ["x", "y"],
        "properties": { "x": { "type": "boolean" }, "y": { "type": "boolean" } },
    } }));
    check(
        &object,
        &[
            "lexicon-schema /defs/a/required/1",
            "nullable-and-optional /defs/a/nullable",
        ],
    );
}

#[test]
fn unions() {
    check_field(
        json!({ "type": "union", "refs": [], "closed": true }),
        &["lexicon-schema IT/refs"],
    );
    check_field(json!({ "type": "union", "refs": [] }), &[]);
    let text = thing(json!({
        "a": { "type": "union", "refs": ["#text", "#name", "#fine"] },
        "text": { "type": "string", "maxLength": 3 },
        "name": { "type": "token", "description": "A name." },
        "fine": { "type": "object", "properties": {} },
    }));
    check(
        &text,
        &[
            "union-variant-type /defs/a/refs/0",
            "union-variant-type /defs/a/refs/1",
        ],
    );
}

#[test]
fn objects_in_place_are_a_warning() {
    let nested = json!({ "type": "object", "properties": { "x": { "type": "boolean" } } });
    check_field(nested.clone(), &["inline-object IT"]);
    check_field(
        json!({ "type": "array", "items": nested }),
        &["inline-object IT/items"],
    );
}

#[test]
fn what_is_not_known_is_a_warning() {
    check_field(json!({ "type": "duration" }), &["unknown-type IT"]);
    check(
        &thing(json!({ "a": { "type": "duration" } })),
        &["unknown-type /defs/a"],
    );
    check(
        &thing(json!({ "a": { "type": "unknown" } })),
        &["lexicon-schema /defs/a"],
    );
}
