//! The rules of evolution, one by one, and whom a broken one breaks.

use loggia_lexicon::diff::Kind;
use serde_json::{Value, json};

use super::{check, check_all};
use crate::documents::{body, document, field, method, procedure, query, thing};

const IT: &str = "/defs/main/record/properties/it";

/// A change in a record's only field.
fn check_field(old: Value, new: Value, wanted: &[&str]) {
    let wanted: Vec<_> = wanted.iter().map(|line| line.replace("IT", IT)).collect();
    let wanted: Vec<_> = wanted.iter().map(String::as_str).collect();
    check(&field(old), &field(new), &wanted);
}

/// A constraint of a record's field, put there, taken away and turned round.
fn check_constraint(loose: Value, tight: Value, line: &str) {
    let tightened = format!("breaking {line} (readers of old data)").replace("WAY", "tightened");
    let loosened = format!("breaking {line} (writers of new data)").replace("WAY", "loosened");
    check_field(loose.clone(), tight.clone(), &[&tightened]);
    check_field(tight, loose, &[&loosened]);
}

#[test]
fn kinds_have_distinct_names() {
    let names: std::collections::BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(names.len(), Kind::ALL.len());
}

#[test]
fn nothing_changed() {
    let thing = field(json!({ "type": "integer", "minimum": 1 }));
    check(&thing, &thing, &[]);
}

#[test]
fn documents_come_and_go() {
    let call = query(json!({ "output": { "encoding": "*/*" } }));
    check_all(&[], &[&call], &["compatible document-added neutral  ()"]);
    check_all(
        &[&call],
        &[],
        &["breaking document-removed changed  (callers, servers)"],
    );
    let stored = field(json!({ "type": "integer" }));
    check_all(
        &[&stored],
        &[],
        &["breaking document-removed changed  (readers of old data, writers of new data)"],
    );
}

#[test]
fn integers() {
    let range = "integer-range WAY IT";
    check_constraint(
        json!({ "type": "integer" }),
        json!({ "type": "integer", "minimum": 1 }),
        range,
    );
    check_constraint(
        json!({ "type": "integer", "maximum": 9 }),
        json!({ "type": "integer", "maximum": 8 }),
        range,
    );
    check_constraint(
        json!({ "type": "integer", "enum": [1, 2] }),
        json!({ "type": "integer", "enum": [2] }),
        "enum-values WAY IT",
    );
    check_field(
        json!({ "type": "integer", "minimum": 1, "maximum": 9 }),
        json!({ "type": "integer", "minimum": 2, "maximum": 10 }),
        &["breaking integer-range changed IT (readers of old data, writers of new data)"],
    );
}

#[test]
fn strings() {
    let text = |more: Value| {
        let mut schema = json!({ "type": "string" });
        if let (Value::Object(schema), Value::Object(more)) = (&mut schema, more) {
            schema.extend(more);
        }
        schema
    };
    check_constraint(
        text(json!({})),
        text(json!({ "minGraphemes": 1 })),
        "string-length WAY IT",
    );
    check_constraint(
        text(json!({})),
        text(json!({ "format": "did" })),
        "string-format WAY IT/format",
    );
    check_constraint(
        text(json!({ "format": "at-identifier" })),
        text(json!({ "format": "handle" })),
        "string-format WAY IT/format",
    );
    check_constraint(
        text(json!({})),
        text(json!({ "const": "a" })),
        "const-value WAY IT",
    );
    check_field(
        text(json!({ "format": "did" })),
        text(json!({ "format": "cid" })),
        &["breaking string-format changed IT/format (readers of old data, writers of new data)"],
    );
    check_field(
        text(json!({ "knownValues": ["a"], "default": "a", "description": "One." })),
        text(json!({ "knownValues": ["b"], "default": "b", "description": "Two." })),
        &[
            "compatible description neutral IT ()",
            "compatible default-value neutral IT/default ()",
            "compatible known-values neutral IT/knownValues ()",
        ],
    );
}

#[test]
fn other_types() {
    check_constraint(
        json!({ "type": "boolean" }),
        json!({ "type": "boolean", "const": true }),
        "const-value WAY IT",
    );
    check_constraint(
        json!({ "type": "bytes" }),
        json!({ "type": "bytes", "maxLength": 9 }),
        "bytes-length WAY IT",
    );
    check_constraint(
        json!({ "type": "array", "items": { "type": "boolean" } }),
        json!({ "type": "array", "items": { "type": "boolean" }, "maxLength": 9 }),
        "array-length WAY IT",
    );
    check_constraint(
        json!({ "type": "blob", "accept": ["image/*"] }),
        json!({ "type": "blob", "accept": ["image/png"] }),
        "blob-accept WAY IT/accept",
    );
    check_constraint(
        json!({ "type": "blob" }),
        json!({ "type": "blob", "maxSize": 9 }),
        "blob-size WAY IT/maxSize",
    );
}

#[test]
fn types_do_not_change() {
    let both = "(readers of old data, writers of new data)";
    check_field(
        json!({ "type": "integer" }),
        json!({ "type": "string" }),
        &[&format!("breaking type-change changed IT {both}")],
    );
    check_field(
        json!({ "type": "array", "items": { "type": "integer" } }),
        json!({ "type": "array", "items": { "type": "boolean" } }),
        &[&format!("breaking type-change changed IT/items {both}")],
    );
    check_constraint(
        json!({ "type": "unknown" }),
        json!({ "type": "object", "properties": {} }),
        "type-change WAY IT",
    );
    check(
        &query(json!({ "output": { "encoding": "*/*" } })),
        &procedure(json!({ "output": { "encoding": "*/*" } })),
        &["breaking type-change changed /defs/main (callers, servers)"],
    );
}

#[test]
fn required_and_nullable() {
    let object = |required: Value, nullable: Value| {
        json!({
            "type": "object",
            "required": required,
            "nullable": nullable,
            "properties": { "x": { "type": "boolean" } },
        })
    };
    let none = || json!([]);
    let x = || json!(["x"]);
    check_constraint(
        object(none(), none()),
        object(x(), none()),
        "object-required WAY IT/properties/x",
    );
    check_constraint(
        object(x(), x()),
        object(x(), none()),
        "object-nullable WAY IT/properties/x",
    );
    check_field(
        json!({ "type": "object", "properties": {} }),
        object(x(), none()),
        &["breaking object-required tightened IT/properties/x (readers of old data)"],
    );
}

#[test]
fn unions() {
    check_constraint(
        json!({ "type": "union", "refs": ["#a"] }),
        json!({ "type": "union", "refs": ["#a"], "closed": true }),
        "union-open-closed WAY IT",
    );
    check_constraint(
        json!({ "type": "union", "refs": ["#a", "#b"], "closed": true }),
        json!({ "type": "union", "refs": ["#a"], "closed": true }),
        "union-closed-refs WAY IT/refs",
    );
    check_field(
        json!({ "type": "union", "refs": ["#a"] }),
        json!({ "type": "union", "refs": ["#a", "#b"] }),
        &["compatible union-open-refs neutral IT/refs ()"],
    );
}

#[test]
fn record_keys() {
    let keyed = |key: &str| {
        thing(
            json!({ "main": { "type": "record", "key": key, "record": { "type": "object", "properties": {} } } }),
        )
    };
    check(
        &keyed("any"),
        &keyed("tid"),
        &["breaking record-key-type tightened /defs/main/key (readers of old data)"],
    );
    check(
        &keyed("tid"),
        &keyed("nsid"),
        &[
            "breaking record-key-type changed /defs/main/key (readers of old data, writers of new data)",
        ],
    );
}

/// The same edit breaks different people, depending on who sends the data.
#[test]
fn who_breaks_depends_on_the_place() {
    let schema = |most: u64| json!({ "type": "object", "properties": { "x": { "type": "string", "maxLength": most } } });
    let input = |most| procedure(json!({ "input": body(schema(most)) }));
    let output = |most| query(json!({ "output": body(schema(most)) }));
    let at_input = "/defs/main/input/schema/properties/x";
    let at_output = "/defs/main/output/schema/properties/x";
    let line =
        |way: &str, at: &str, who: &str| format!("breaking string-length {way} {at} ({who})");
    check(
        &input(9),
        &input(8),
        &[&line("tightened", at_input, "callers")],
    );
    check(
        &input(8),
        &input(9),
        &[&line("loosened", at_input, "servers")],
    );
    check(
        &output(9),
        &output(8),
        &[&line("tightened", at_output, "servers")],
    );
    check(
        &output(8),
        &output(9),
        &[&line("loosened", at_output, "callers")],
    );
}

#[test]
fn who_breaks_through_shared_definitions() {
    let shared = |most: u64| {
        document(&json!({ "lexicon": 1, "id": "com.example.defs", "defs": {
            "outer": { "type": "object", "properties": { "x": { "type": "ref", "ref": "#inner" } } },
            "inner": { "type": "string", "maxLength": most },
        } }))
    };
    let reader =
        query(json!({ "output": body(json!({ "type": "ref", "ref": "com.example.defs#outer" })) }));
    check_all(
        &[&shared(9), &reader],
        &[&shared(8), &reader],
        &["breaking string-length tightened /defs/inner (servers)"],
    );
    // Used by nobody in sight, it may be anybody's data.
    check(
        &shared(9),
        &shared(8),
        &["breaking string-length tightened /defs/inner (readers of old data)"],
    );
}

#[test]
fn bodies() {
    let with = |encoding: &str| procedure(json!({ "input": { "encoding": encoding } }));
    let at = "/defs/main/input/encoding";
    check(
        &with("image/png"),
        &with("image/*"),
        &[&format!("breaking body-encoding loosened {at} (servers)")],
    );
    check(
        &with("image/png"),
        &with("application/json"),
        &[&format!(
            "breaking body-encoding changed {at} (callers, servers)"
        )],
    );
    check(
        &procedure(json!({})),
        &with("image/png"),
        &["breaking body-added tightened /defs/main/input (callers)"],
    );
}

#[test]
fn closed_messages() {
    let stream = |refs: Value| {
        method(
            "subscription",
            json!({ "message": { "schema": { "type": "union", "closed": true, "refs": refs } } }),
        )
    };
    check(
        &stream(json!(["#a"])),
        &stream(json!(["#a", "#b"])),
        &["breaking subscription-messages loosened /defs/main/message/schema/refs (callers)"],
    );
}

#[test]
fn spaces() {
    let space = |collections: Value| {
        thing(
            json!({ "main": { "type": "space", "key": "any", "name": "Club", "collections": collections } }),
        )
    };
    check(
        &space(json!(["com.example.a", "com.example.b"])),
        &space(json!(["com.example.a", "com.example.c"])),
        &[
            "breaking space-collections tightened /defs/main/collections (readers of old data)",
            "compatible space-collections neutral /defs/main/collections ()",
        ],
    );
}

/// Definitions that lead to each other must neither hang the comparison nor use up the stack.
#[test]
fn refs_in_circles_end() {
    let circle = |way: &str| {
        let mut defs = serde_json::Map::new();
        for index in 0..200 {
            let next = format!("#{way}{}", (index + 1) % 200);
            let both =
                json!({ "l": { "type": "ref", "ref": next }, "r": { "type": "ref", "ref": next } });
            defs.insert(
                format!("{way}{index}"),
                json!({ "type": "object", "properties": both }),
            );
        }
        defs
    };
    let mut defs = circle("a");
    defs.extend(circle("b"));
    let start = |way: &str| {
        let mut defs = defs.clone();
        let entry = json!({ "it": { "type": "ref", "ref": format!("#{way}0") } });
        defs.insert(
            "start".to_owned(),
            json!({ "type": "object", "properties": entry }),
        );
        thing(defs.into())
    };
    let changes = loggia_lexicon::diff::diff([&start("a")], [&start("b")]);
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].kind, Kind::RefChange);
}
