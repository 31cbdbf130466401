//! Golden pairs for OpenAPI, and the structure of a larger one.

use std::collections::BTreeSet;

use loggia_lexicon::document::Document;
use loggia_lexicon::export::{ApiInfo, open_api};
use serde_json::{Value, json};

use crate::documents::{body, document, method, official, procedure, query};

fn export<'a>(documents: impl IntoIterator<Item = &'a Document>) -> Value {
    let info = ApiInfo {
        title: "Things".to_owned(),
        version: "1".to_owned(),
        server: None,
    };
    open_api(documents, &info)
}

/// Holds a whole operation, with `responses` cut down to the answer.
fn check(document: &Document, verb: &str, wanted: Value) {
    let exported = export([document]);
    let mut operation = exported["paths"]["/xrpc/com.example.thing"][verb].clone();
    if let Some(responses) = operation["responses"].as_object_mut() {
        responses.retain(|status, _| !status.ends_with("XX"));
    }
    assert!(
        operation == wanted,
        "found {operation:#}\nwanted {wanted:#}"
    );
}

fn operation(more: Value) -> Value {
    let mut operation = json!({
        "operationId": "com.example.thing",
        "tags": ["com.example"],
        "description": "Does things.",
    });
    if let (Value::Object(operation), Value::Object(more)) = (&mut operation, more) {
        operation.extend(more);
    }
    operation
}

#[test]
fn a_query_with_parameters() {
    let search = query(json!({
        "parameters": { "type": "params", "required": ["q"], "properties": {
            "q": { "type": "string", "description": "What to look for." },
            "tag": { "type": "array", "items": { "type": "string" } },
        } },
        "output": body(json!({ "type": "object", "properties": { "n": { "type": "boolean" } } })),
    }));
    check(
        &search,
        "get",
        operation(json!({
            "parameters": [
                {
                    "name": "q",
                    "in": "query",
                    "required": true,
                    "description": "What to look for.",
                    "schema": { "type": "string" },
                },
                {
                    "name": "tag",
                    "in": "query",
                    "required": false,
                    "style": "form",
                    "explode": true,
                    "schema": { "type": "array", "items": { "type": "string" } },
                },
            ],
            "responses": { "200": {
                "description": "The answer.",
                "content": { "application/json": { "schema": {
                    "type": "object", "properties": { "n": { "type": "boolean" } },
                } } },
            } },
        })),
    );
}

#[test]
fn a_procedure_with_bytes_in_and_nothing_out() {
    check(
        &procedure(json!({ "input": { "encoding": "image/*", "description": "A picture." } })),
        "post",
        operation(json!({
            "requestBody": {
                "required": true,
                "description": "A picture.",
                "content": { "image/*": {} },
            },
            "responses": { "200": { "description": "Done; there is nothing to say." } },
        })),
    );
}

#[test]
fn a_subscription_upgrades() {
    let stream = document(&json!({ "lexicon": 1, "id": "com.example.thing", "defs": {
        "main": {
            "type": "subscription",
            "description": "Does things.",
            "message": { "schema": { "type": "union", "refs": ["#event"] } },
        },
        "event": { "type": "object", "properties": {} },
    } }));
    check(
        &stream,
        "get",
        operation(json!({
            "x-lexicon-subscription": true,
            "x-lexicon-messages": { "#event": { "$ref": "#/components/schemas/com.example.thing_event" } },
            "responses": { "101": { "description": "The stream begins, as a WebSocket." } },
        })),
    );
}

#[test]
fn failures_are_the_envelope_with_the_declared_names() {
    let call = query(json!({
        "output": { "encoding": "*/*" },
        "errors": [{ "name": "NotFound", "description": "There is none." }],
    }));
    let exported = export([&call]);
    let responses = &exported["paths"]["/xrpc/com.example.thing"]["get"]["responses"];
    let envelope = json!({ "$ref": "#/components/schemas/XrpcError" });
    assert_eq!(
        responses["4XX"]["content"]["application/json"]["schema"],
        json!({ "allOf": [envelope, { "properties": { "error": { "anyOf": [
            { "const": "NotFound", "description": "There is none." },
            { "type": "string" },
        ] } } }] })
    );
    assert_eq!(
        responses["5XX"]["content"]["application/json"]["schema"],
        envelope
    );
    assert_eq!(
        exported["components"]["schemas"]["XrpcError"]["required"],
        json!(["error"])
    );
}

#[test]
fn the_description_says_what_it_is_of() {
    let info = ApiInfo {
        title: "Things".to_owned(),
        version: "1.2".to_owned(),
        server: Some("https://things.example".to_owned()),
    };
    let exported = open_api([&query(json!({}))], &info);
    assert_eq!(exported["openapi"], "3.1.0");
    assert_eq!(
        exported["info"],
        json!({ "title": "Things", "version": "1.2" })
    );
    assert_eq!(
        exported["servers"],
        json!([{ "url": "https://things.example" }])
    );
    assert_eq!(exported["tags"], json!([{ "name": "com.example" }]));
}

/// What every OpenAPI description must be, whatever it is of.
fn check_structure(exported: &Value) {
    let mut refs = Vec::new();
    collect_refs(exported, &mut refs);
    for reference in refs {
        let pointer = reference.strip_prefix('#').expect("refs stay inside");
        assert!(
            exported.pointer(pointer).is_some(),
            "{reference} leads nowhere"
        );
    }
    let mut ids = BTreeSet::new();
    let tags: Vec<_> = exported["tags"]
        .as_array()
        .expect("tags")
        .iter()
        .map(|t| &t["name"])
        .collect();
    for (path, item) in exported["paths"].as_object().expect("paths") {
        for (verb, operation) in item.as_object().expect("a path item") {
            assert!(matches!(verb.as_str(), "get" | "post"), "{path} {verb}");
            let id = operation["operationId"].as_str().expect("an operation id");
            assert!(ids.insert(id), "{id} twice");
            assert!(tags.contains(&&operation["tags"][0]), "{path} has no tag");
            let responses = operation["responses"].as_object().expect("responses");
            assert!(
                responses
                    .values()
                    .all(|response| response["description"].is_string()),
                "{path}"
            );
            let mut names = BTreeSet::new();
            for param in operation["parameters"].as_array().into_iter().flatten() {
                assert!(
                    names.insert(param["name"].as_str()),
                    "{path} has a parameter twice"
                );
                assert!(
                    param["schema"].is_object() && param["in"] == "query",
                    "{path}"
                );
            }
        }
    }
    let is_name_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    for name in exported["components"]["schemas"]
        .as_object()
        .expect("schemas")
        .keys()
    {
        assert!(
            name.chars().all(is_name_char),
            "{name} cannot name a component"
        );
    }
}

fn collect_refs<'a>(value: &'a Value, refs: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                refs.push(reference);
            }
            members
                .values()
                .for_each(|member| collect_refs(member, refs));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_refs(item, refs)),
        _ => {}
    }
}

#[test]
fn structure_of_a_description_of_everything() {
    let defs = document(&json!({ "lexicon": 1, "id": "com.example.defs", "defs": {
        "tree": { "type": "object", "properties": {
            "children": { "type": "array", "items": { "type": "ref", "ref": "#tree" } },
            "data": { "type": "unknown" },
        } },
        "odd-name": { "type": "string", "maxLength": 3 },
    } }));
    let mut one = method(
        "query",
        json!({ "output": body(json!({ "type": "ref", "ref": "com.example.defs#tree" })) }),
    );
    one.id = loggia_syntax::Nsid::from_static("com.example.one");
    let two = procedure(json!({
        "input": body(json!({ "type": "union", "refs": ["com.example.defs#tree", "com.example.defs#odd-name"] })),
        "errors": [{ "name": "No" }],
    }));
    let exported = export([&defs, &one, &two]);
    check_structure(&exported);
    assert_eq!(
        exported["paths"].as_object().map(serde_json::Map::len),
        Some(2)
    );
}

/// Every lexicon that the network publishes, where it is present.
#[test]
fn structure_of_the_official_corpus() {
    let Some(documents) = official() else { return };
    let exported = export(&documents);
    check_structure(&exported);
    let operations = exported["paths"].as_object().map(serde_json::Map::len);
    assert!(operations > Some(300), "{operations:?}");
    let validator = |name: &str| {
        let schema = loggia_lexicon::export::json_schema(&documents, name).expect("there");
        jsonschema::draft202012::new(&schema).expect("a JSON Schema")
    };
    let post = validator("app.bsky.feed.post");
    let good =
        json!({ "$type": "app.bsky.feed.post", "text": "hi", "createdAt": "2026-01-01T00:00:00Z" });
    assert!(post.is_valid(&good));
    assert!(!post.is_valid(&json!({ "$type": "app.bsky.feed.post", "text": "hi" })));
}
