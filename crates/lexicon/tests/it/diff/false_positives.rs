//! What is only written differently, and known to be reported by other checkers.

use serde_json::{Value, json};

use super::{check, check_all};
use crate::documents::{body, document, field, procedure, query, thing};

#[test]
fn explicit_closed_false_against_absent() {
    let union = |closed: Value| {
        let mut schema = json!({ "type": "union", "refs": ["#a"] });
        if closed != Value::Null {
            schema["closed"] = closed;
        }
        field(schema)
    };
    check(&union(Value::Null), &union(json!(false)), &[]);
    check(&union(json!(false)), &union(Value::Null), &[]);
}

#[test]
fn local_ref_respelled_with_its_nsid() {
    let user = |reference: &str| field(json!({ "type": "ref", "ref": reference }));
    check(&user("#a"), &user("com.example.thing#a"), &[]);
    check(
        &user("com.example.other"),
        &user("com.example.other#main"),
        &[],
    );
    let union =
        |reference: &str| field(json!({ "type": "union", "refs": [reference], "closed": true }));
    check(&union("#a"), &union("com.example.thing#a"), &[]);
}

#[test]
fn order_and_repetition_of_sets() {
    let object = |required: Value, values: Value| {
        thing(json!({ "a": {
            "type": "object",
            "required": required,
            "properties": { "x": { "type": "string", "enum": values }, "y": { "type": "boolean" } },
        } }))
    };
    check(
        &object(json!(["x", "y"]), json!(["1", "2"])),
        &object(json!(["y", "x"]), json!(["2", "1", "1"])),
        &[],
    );
}

#[test]
fn limits_that_say_nothing() {
    let text = |schema: Value| field(schema);
    check(
        &text(json!({ "type": "string", "maxLength": 5 })),
        &text(json!({ "type": "string", "maxLength": 5, "minLength": 0 })),
        &[],
    );
    check(
        &text(json!({ "type": "blob" })),
        &text(json!({ "type": "blob", "accept": ["*/*"] })),
        &[],
    );
    check(
        &text(json!({ "type": "string", "const": "a" })),
        &text(json!({ "type": "string", "enum": ["a"] })),
        &[],
    );
}

#[test]
fn absent_null_and_empty_parameters() {
    let absent = query(json!({ "output": { "encoding": "*/*" } }));
    let null = query(json!({ "output": { "encoding": "*/*" }, "parameters": null }));
    let empty = query(json!({
        "output": { "encoding": "*/*" },
        "parameters": { "type": "params", "properties": {} },
    }));
    check(&absent, &null, &[]);
    check(&absent, &empty, &[]);
    check(&empty, &absent, &[]);
}

#[test]
fn object_moved_behind_a_ref() {
    let point = json!({ "type": "object", "required": ["x"], "properties": { "x": { "type": "integer" } } });
    let inline = procedure(json!({ "input": body(point.clone()) }));
    let mut moved = json!({ "lexicon": 1, "id": "com.example.thing", "defs": {
        "main": { "type": "procedure", "description": "Does things.",
            "input": body(json!({ "type": "ref", "ref": "#point" })) },
        "point": point,
    } });
    let same = [
        "compatible ref-change neutral /defs/main/input/schema ()",
        "compatible definition-added neutral /defs/point ()",
    ];
    check(&inline, &document(&moved), &same);
    moved["defs"]["point"]["required"] = json!([]);
    let different = [
        "breaking type-change changed /defs/main/input/schema (callers, servers)",
        "compatible definition-added neutral /defs/point ()",
    ];
    check(&inline, &document(&moved), &different);
}

#[test]
fn ref_to_an_equal_definition_elsewhere() {
    let user = |reference: &str| field(json!({ "type": "ref", "ref": reference }));
    let list = |id: &str| {
        document(&json!({ "lexicon": 1, "id": id, "defs": { "main": {
            "type": "object",
            "properties": { "next": { "type": "ref", "ref": id }, "n": { "type": "integer" } },
        } } }))
    };
    let (one, two) = (list("com.example.one"), list("com.example.two"));
    check_all(
        &[&user("com.example.one"), &one, &two],
        &[&user("com.example.two"), &one, &two],
        &["compatible ref-change neutral /defs/main/record/properties/it ()"],
    );
    // Out of sight nothing can be said for it.
    check(
        &user("com.example.one"),
        &user("com.example.two"),
        &[
            "breaking ref-change changed /defs/main/record/properties/it (readers of old data, writers of new data)",
        ],
    );
}

#[test]
fn permission_split_in_two() {
    let set = |permissions: Value| {
        thing(
            json!({ "main": { "type": "permission-set", "title": "T", "permissions": permissions } }),
        )
    };
    let repo = |collections: Value| json!({ "type": "permission", "resource": "repo", "collection": collections });
    check(
        &set(json!([repo(json!(["a.b.c", "a.b.d"]))])),
        &set(json!([repo(json!(["a.b.d"])), repo(json!(["a.b.c"]))])),
        &[],
    );
    let mut explicit = repo(json!(["a.b.c"]));
    explicit["action"] = json!(["delete", "create", "update"]);
    check(
        &set(json!([repo(json!(["a.b.c"]))])),
        &set(json!([explicit])),
        &[],
    );
}

#[test]
fn the_official_corpus_against_itself() {
    let Some(documents) = crate::documents::official() else {
        return;
    };
    assert_eq!(loggia_lexicon::diff::diff(&documents, &documents), []);
}
