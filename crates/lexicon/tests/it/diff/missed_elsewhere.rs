//! Changes that break somebody and are known to go unseen by other checkers.

use serde_json::{Value, json};

use super::{check, check_all};
use crate::documents::{body, document, field, method, query, record, thing};

const STRING: fn() -> Value = || json!({ "type": "string", "maxLength": 10 });
const NUMBER: fn() -> Value = || json!({ "type": "integer" });

#[test]
fn rename_of_an_optional_field() {
    let old = record(json!({ "name": STRING(), "n": NUMBER() }));
    let new = record(json!({ "title": STRING(), "n": NUMBER() }));
    check(
        &old,
        &new,
        &[
            "breaking field-removed loosened /defs/main/record/properties/name (writers of new data)",
            "compatible field-added neutral /defs/main/record/properties/title ()",
        ],
    );
    let changes = loggia_lexicon::diff::diff([&old], [&new]);
    assert_eq!(
        changes[0].message,
        "`name` is gone, and seems to be called `title` now"
    );
}

#[test]
fn removal_of_an_optional_field() {
    check(
        &record(json!({ "name": STRING(), "n": NUMBER() })),
        &record(json!({ "n": NUMBER() })),
        &[
            "breaking field-removed loosened /defs/main/record/properties/name (writers of new data)",
        ],
    );
}

#[test]
fn removal_of_an_open_union_ref() {
    check(
        &field(json!({ "type": "union", "refs": ["#a", "#b"] })),
        &field(json!({ "type": "union", "refs": ["#a"] })),
        &[
            "breaking union-open-refs loosened /defs/main/record/properties/it/refs (writers of new data)",
        ],
    );
}

fn with_params(required: Value) -> Value {
    json!({
        "output": { "encoding": "*/*" },
        "parameters": {
            "type": "params",
            "required": required,
            "properties": { "q": STRING(), "n": NUMBER() },
        },
    })
}

#[test]
fn adding_parameters_with_required_members() {
    check(
        &query(json!({ "output": { "encoding": "*/*" } })),
        &query(with_params(json!(["q"]))),
        &[
            "compatible field-added neutral /defs/main/parameters/properties/n ()",
            "breaking params-required tightened /defs/main/parameters/properties/q (callers)",
        ],
    );
}

#[test]
fn removing_parameters() {
    check(
        &query(with_params(json!(["q"]))),
        &query(json!({ "output": { "encoding": "*/*" } })),
        &[
            "breaking field-removed loosened /defs/main/parameters/properties/n (servers)",
            "breaking field-removed loosened /defs/main/parameters/properties/q (servers)",
        ],
    );
}

#[test]
fn removing_output() {
    check(
        &query(json!({ "output": body(json!({ "type": "object", "properties": {} })) })),
        &query(json!({})),
        &["breaking body-removed loosened /defs/main/output (callers)"],
    );
}

#[test]
fn removing_the_output_schema() {
    check(
        &query(json!({ "output": body(json!({ "type": "object", "properties": {} })) })),
        &query(json!({ "output": { "encoding": "application/json" } })),
        &["breaking body-schema-removed loosened /defs/main/output/schema (callers)"],
    );
}

#[test]
fn removing_declared_errors() {
    let with = |errors: Value| query(json!({ "output": { "encoding": "*/*" }, "errors": errors }));
    check(
        &with(json!([{ "name": "NotFound" }, { "name": "Gone" }])),
        &with(json!([{ "name": "Gone" }])),
        &["breaking error-removed changed /defs/main/errors (callers, servers)"],
    );
    check(
        &with(json!([])),
        &with(json!([{ "name": "Gone" }])),
        &["compatible error-added neutral /defs/main/errors ()"],
    );
}

#[test]
fn removing_a_definition_that_others_refer_to() {
    let defs = |more: Value| {
        let mut defs = json!({ "keep": { "type": "boolean" } });
        if let (Value::Object(defs), Value::Object(more)) = (&mut defs, more) {
            defs.extend(more);
        }
        document(&json!({ "lexicon": 1, "id": "com.example.defs", "defs": defs }))
    };
    let old = defs(json!({ "point": { "type": "object", "properties": {} } }));
    let new = defs(json!({}));
    let user = field(json!({ "type": "ref", "ref": "com.example.defs#point" }));
    check_all(
        &[&old, &user],
        &[&new, &user],
        &[
            "breaking definition-removed changed /defs/point (readers of old data, writers of new data)",
        ],
    );
    let changes = loggia_lexicon::diff::diff([&old, &user], [&new, &user]);
    assert_eq!(
        changes[0].message,
        "the definition is gone, and com.example.thing still refer to it"
    );
}

fn subscription(refs: Value) -> loggia_lexicon::document::Document {
    method(
        "subscription",
        json!({ "message": { "schema": { "type": "union", "refs": refs } } }),
    )
}

#[test]
fn subscription_message_removal() {
    check(
        &subscription(json!(["#a", "#b"])),
        &subscription(json!(["#b"])),
        &["breaking subscription-messages loosened /defs/main/message/schema/refs (callers)"],
    );
    check(
        &subscription(json!(["#a"])),
        &method("subscription", json!({})),
        &["breaking subscription-messages loosened /defs/main/message/schema/refs (callers)"],
    );
    check(
        &subscription(json!(["#a"])),
        &subscription(json!(["#a", "#b"])),
        &["compatible subscription-messages neutral /defs/main/message/schema/refs ()"],
    );
}

#[test]
fn permission_set_edits() {
    let set = |collections: Value| {
        thing(
            json!({ "main": { "type": "permission-set", "title": "T", "permissions": [
            { "type": "permission", "resource": "repo", "action": ["create"], "collection": collections },
        ] } }),
        )
    };
    check(
        &set(json!(["a.b.c", "a.b.d"])),
        &set(json!(["a.b.c", "a.b.e"])),
        &[
            "compatible permission-added neutral /defs/main/permissions ()",
            "breaking permission-removed tightened /defs/main/permissions (callers, servers)",
        ],
    );
}

#[test]
fn tightened_and_loosened_lengths_have_a_direction() {
    let text = |most: u64| field(json!({ "type": "string", "maxLength": most }));
    let it = "/defs/main/record/properties/it";
    check(
        &text(10),
        &text(9),
        &[&format!(
            "breaking string-length tightened {it} (readers of old data)"
        )],
    );
    check(
        &text(10),
        &text(11),
        &[&format!(
            "breaking string-length loosened {it} (writers of new data)"
        )],
    );
}
