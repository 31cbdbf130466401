//! Golden pairs for JSON Schema.

use loggia_lexicon::export::{ExportError, json_schema};
use serde_json::{Value, json};

use crate::documents::{document, field, record, thing};

/// Holds the whole export of a property `it` in an object definition `a`.
fn check_property(schema: Value, wanted: Value) {
    let object = thing(json!({ "a": { "type": "object", "properties": { "it": schema } } }));
    let exported =
        json_schema([&object], "com.example.thing#a").expect("there is such a definition");
    let found = &exported["$defs"]["com.example.thing_a"]["properties"]["it"];
    assert_json(found, &wanted);
}

fn assert_json(found: &Value, wanted: &Value) {
    assert!(found == wanted, "found {found:#}\nwanted {wanted:#}");
}

#[test]
fn a_whole_record() {
    let post = document(&json!({ "lexicon": 1, "id": "com.example.post", "defs": {
        "main": {
            "type": "record",
            "description": "A post.",
            "key": "tid",
            "record": {
                "type": "object",
                "required": ["text"],
                "nullable": ["reply"],
                "properties": {
                    "text": { "type": "string", "maxLength": 300, "maxGraphemes": 100 },
                    "reply": { "type": "ref", "ref": "#reply", "description": "What it answers." },
                },
            },
        },
        "reply": {
            "type": "object",
            "properties": { "parent": { "type": "ref", "ref": "com.example.post" } },
        },
    } }));
    let exported = json_schema([&post], "com.example.post").expect("there is such a record");
    let wanted = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "com.example.post",
        "$ref": "#/$defs/com.example.post",
        "$defs": {
            "com.example.post": {
                "type": "object",
                "description": "A post.",
                "required": ["$type", "text"],
                "properties": {
                    "$type": { "type": "string", "const": "com.example.post" },
                    "text": {
                        "type": "string",
                        "maxLength": 300,
                        "x-lexicon-maxLength": 300,
                        "x-lexicon-maxGraphemes": 100,
                    },
                    "reply": { "anyOf": [
                        { "$ref": "#/$defs/com.example.post_reply", "description": "What it answers." },
                        { "type": "null" },
                    ] },
                },
            },
            "com.example.post_reply": {
                "type": "object",
                "properties": { "parent": { "$ref": "#/$defs/com.example.post" } },
            },
        },
    });
    assert_json(&exported, &wanted);
}

#[test]
fn scalars() {
    check_property(
        json!({ "type": "boolean", "default": true, "description": "Deprecated: unused." }),
        json!({ "type": "boolean", "default": true, "description": "Deprecated: unused.", "deprecated": true }),
    );
    check_property(
        json!({ "type": "integer", "minimum": 1, "enum": [1, 2] }),
        json!({ "type": "integer", "minimum": 1, "maximum": 9007199254740991_i64, "enum": [1, 2] }),
    );
    check_property(
        json!({ "type": "string", "minLength": 9, "minGraphemes": 2, "knownValues": ["a"] }),
        json!({
            "type": "string",
            "minLength": 3,
            "x-lexicon-minLength": 9,
            "x-lexicon-minGraphemes": 2,
            "x-lexicon-knownValues": ["a"],
        }),
    );
    check_property(
        json!({ "type": "string", "format": "tid" }),
        json!({ "type": "string", "format": "tid", "pattern": "^[234567a-j][234567a-z]{12}$", "maxLength": 13 }),
    );
    check_property(
        json!({ "type": "string", "format": "colour", "maxLength": 7 }),
        json!({ "type": "string", "format": "colour", "maxLength": 7, "x-lexicon-maxLength": 7 }),
    );
}

#[test]
fn bytes_links_and_blobs() {
    check_property(
        json!({ "type": "bytes", "minLength": 4, "maxLength": 5 }),
        json!({
            "type": "object",
            "required": ["$bytes"],
            "additionalProperties": false,
            "properties": { "$bytes": {
                "type": "string",
                "contentEncoding": "base64",
                "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}(==)?|[A-Za-z0-9+/]{3}=?)?$",
                "minLength": 6,
                "maxLength": 8,
            } },
            "x-lexicon-minLength": 4,
            "x-lexicon-maxLength": 5,
        }),
    );
    let link = json!({
        "type": "object",
        "required": ["$link"],
        "additionalProperties": false,
        "properties": { "$link": { "type": "string", "minLength": 1 } },
    });
    check_property(json!({ "type": "cid-link" }), link.clone());
    check_property(
        json!({ "type": "blob", "accept": ["a/*", "a/b+c"], "maxSize": 10 }),
        json!({
            "type": "object",
            "required": ["$type", "mimeType", "ref", "size"],
            "additionalProperties": false,
            "properties": {
                "$type": { "const": "blob" },
                "ref": link,
                "mimeType": { "type": "string", "minLength": 1, "pattern": "^([aA]/|[aA]/[bB]\\+[cC]\\s*(;|$))" },
                "size": { "type": "integer", "minimum": 0, "maximum": 10 },
            },
            "x-lexicon-accept": ["a/*", "a/b+c"],
            "x-lexicon-maxSize": 10,
        }),
    );
}

#[test]
fn unions() {
    let defs = |closed: bool| {
        thing(json!({
            "a": { "type": "union", "refs": ["#b", "com.example.thing#b", "com.example.gone"], "closed": closed },
            "b": { "type": "object", "properties": {} },
        }))
    };
    let tag = |name: &str| json!({ "type": "object", "required": ["$type"], "properties": { "$type": { "const": name } } });
    let variants = [
        json!({ "allOf": [{ "$ref": "#/$defs/com.example.thing_b" }, tag("com.example.thing#b")] }),
        json!({ "allOf": [{ "x-lexicon-unresolved": "com.example.gone" }, tag("com.example.gone")] }),
    ];
    let exported = |closed| {
        let schema = json_schema([&defs(closed)], "com.example.thing#a").expect("there");
        schema["$defs"]["com.example.thing_a"].clone()
    };
    assert_json(&exported(true), &json!({ "oneOf": variants }));
    let mut open = variants.to_vec();
    open.push(json!({
        "type": "object",
        "required": ["$type"],
        "properties": { "$type": {
            "type": "string",
            "minLength": 1,
            "not": { "enum": ["com.example.thing#b", "com.example.gone"] },
        } },
    }));
    assert_json(&exported(false), &json!({ "anyOf": open }));
}

#[test]
fn unknown_is_an_object_of_the_data_model() {
    let exported =
        json_schema([&field(json!({ "type": "unknown" }))], "com.example.thing").expect("there");
    let itself = json!({ "$ref": "#/$defs/DataModel" });
    assert_eq!(exported["$defs"]["DataModel"]["items"], itself);
    let it = &exported["$defs"]["com.example.thing"]["properties"]["it"];
    assert_eq!(it["additionalProperties"], itself);
}

#[test]
fn tokens_and_odd_names() {
    let token = thing(json!({ "big-one": { "type": "token", "description": "Big." } }));
    let exported = json_schema([&token], "com.example.thing#big-one").expect("there");
    assert_json(
        &exported["$defs"],
        &json!({ "com.example.thing_big-2done": {
            "type": "string", "x-lexicon-token": "com.example.thing#big-one", "description": "Big.",
        } }),
    );
}

#[test]
fn what_cannot_be_exported() {
    let call = crate::documents::query(json!({}));
    let not_data = ExportError::NotData {
        name: "com.example.thing".to_owned(),
    };
    assert_eq!(json_schema([&call], "com.example.thing"), Err(not_data));
    let not_found = ExportError::NotFound {
        name: "com.example.thing#x".to_owned(),
    };
    assert_eq!(
        json_schema([&record(json!({}))], "com.example.thing#x"),
        Err(not_found)
    );
}
