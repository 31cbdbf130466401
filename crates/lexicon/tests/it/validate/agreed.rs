//! Where every reference agrees, and libraries have gone wrong before.

use loggia_lexicon::validate::Validator;
use serde_json::{Value, json};

use super::{CID, accepts, rejects, violations_with};

fn to(reference: &str) -> Value {
    json!({"type": "ref", "ref": reference})
}

fn union(refs: &[&str], closed: bool) -> Value {
    json!({"type": "union", "refs": refs, "closed": closed})
}

#[test]
fn constraints_hold_behind_refs() {
    rejects(&to("#short"), json!("four"), &["$.x too_big"]);
    accepts(&to("#short"), json!("abc"));
    rejects(&to("#few"), json!([1, 2, 3]), &["$.x too_big"]);
    rejects(
        &to("com.example.record#few"),
        json!(["a"]),
        &["$.x[0] invalid_type"],
    );
}

#[test]
fn recursion() {
    let leaf = |value: Value| json!({"value": 1, "child": {"value": 2, "children": [{"value": 3}, {"child": value}]}});
    accepts(&to("#tree"), leaf(json!({"value": 4})));
    rejects(
        &to("#tree"),
        leaf(json!({"value": "four"})),
        &["$.x.child.children[1].child.value invalid_type"],
    );
}

#[test]
fn unions() {
    let open = union(&["#obj"], false);
    let closed = union(&["#obj"], true);
    rejects(&open, json!({"a": 1}), &["$.x required_key"]);
    rejects(&closed, json!({"a": 1}), &["$.x required_key"]);
    rejects(&open, json!(123), &["$.x invalid_type"]);
    rejects(
        &open,
        json!("com.example.record#obj"),
        &["$.x invalid_type"],
    );
    accepts(&open, json!({"$type": "com.example.record#obj", "a": 1}));
    rejects(
        &open,
        json!({"$type": "com.example.record#obj", "a": 9}),
        &["$.x.a too_big"],
    );
    // The same name in another document is another definition.
    rejects(
        &closed,
        json!({"$type": "com.example.shape#obj"}),
        &["$.x['$type'] invalid_value"],
    );
    rejects(
        &closed,
        json!({"$type": "#obj"}),
        &["$.x['$type'] invalid_value"],
    );
    rejects(
        &union(&["com.example.shape#obj"], true),
        json!({"$type": "com.example.shape"}),
        &["$.x['$type'] invalid_value"],
    );
    accepts(&union(&[], false), json!({"$type": "com.example.any"}));
    rejects(
        &union(&[], true),
        json!({"$type": "com.example.any"}),
        &["$.x['$type'] invalid_value"],
    );
}

#[test]
fn unions_of_many_variants() {
    let names: Vec<String> = (0..40).map(|i| format!("com.example.v{i}")).collect();
    let mut refs: Vec<&str> = names.iter().map(String::as_str).collect();
    refs.push("#obj");
    rejects(
        &union(&refs, true),
        json!({"$type": "com.example.record#obj", "a": 9}),
        &["$.x.a too_big"],
    );
    rejects(
        &union(&refs, true),
        json!({"$type": "a.b.c"}),
        &["$.x['$type'] invalid_value"],
    );
}

#[test]
fn null_is_a_value_only_where_it_is_allowed() {
    let object = |required: &[&str], nullable: &[&str]| {
        json!({"type": "object", "required": required, "nullable": nullable,
            "properties": {"a": {"type": "string"}, "u": {"type": "unknown"}}})
    };
    accepts(&object(&["a"], &["a"]), json!({"a": null}));
    accepts(&object(&[], &["a"]), json!({"a": null}));
    accepts(&object(&[], &["a"]), json!({}));
    rejects(&object(&["a"], &["a"]), json!({}), &["$.x required_key"]);
    rejects(
        &object(&[], &[]),
        json!({"a": null}),
        &["$.x.a invalid_type"],
    );
    rejects(
        &object(&[], &[]),
        json!({"u": null}),
        &["$.x.u invalid_type"],
    );
    accepts(&json!({"type": "null"}), json!(null));
    rejects(&json!({"type": "null"}), json!(1), &["$.x invalid_type"]);
}

#[test]
fn scalars() {
    accepts(&json!({"type": "integer"}), json!(1.0));
    accepts(&json!({"type": "integer", "const": 1}), json!(1.0));
    rejects(
        &json!({"type": "integer"}),
        json!("1"),
        &["$.x invalid_type"],
    );
    rejects(
        &json!({"type": "integer"}),
        json!(true),
        &["$.x invalid_type"],
    );
    rejects(
        &json!({"type": "integer", "minimum": 1, "enum": [2]}),
        json!(0),
        &["$.x too_small", "$.x invalid_value"],
    );
    rejects(&json!({"type": "boolean"}), json!(1), &["$.x invalid_type"]);
    rejects(
        &json!({"type": "boolean", "const": true}),
        json!(false),
        &["$.x invalid_value"],
    );
    rejects(
        &json!({"type": "string", "const": "abcd", "maxLength": 2}),
        json!("abcd"),
        &["$.x too_big"],
    );
    rejects(
        &json!({"type": "string", "maxLength": 3}),
        json!("éé"),
        &["$.x too_big"],
    );
    rejects(
        &json!({"type": "string", "minLength": 3}),
        json!("ab"),
        &["$.x too_small"],
    );
    rejects(
        &json!({"type": "string", "enum": ["a"]}),
        json!("b"),
        &["$.x invalid_value"],
    );
    accepts(&json!({"type": "string", "knownValues": ["a"]}), json!("b"));
    rejects(
        &json!({"type": "string"}),
        json!(null),
        &["$.x invalid_type"],
    );
    rejects(
        &json!({"type": "array", "items": {"type": "string"}, "minLength": 2}),
        json!([1]),
        &["$.x too_small", "$.x[0] invalid_type"],
    );
    rejects(
        &json!({"type": "array", "items": {"type": "string"}}),
        json!({}),
        &["$.x invalid_type"],
    );
}

#[test]
fn links() {
    let link = json!({"type": "cid-link"});
    accepts(&link, json!({"$link": CID}));
    accepts(
        &link,
        json!({"$link": "QmbWqxBEKC3P8tqsKc98xmWNzrzDtRLMiMPL8wBuTGsMnR"}),
    );
    rejects(
        &link,
        json!({"$link": CID, "more": 1}),
        &["$.x invalid_type"],
    );
    rejects(&link, json!({"$link": "green"}), &["$.x invalid_type"]);
    rejects(&link, json!(CID), &["$.x invalid_type"]);
}

#[test]
fn formats() {
    for (format, text, good) in [
        ("uri", "http:", false),
        ("uri", "https://exa mple.com", false),
        ("at-uri", "at://did:plc:asdf123/com.example.rec/", false),
        ("at-uri", "at://foo.com/com.example.rec/rk?x=1", false),
        (
            "space-ref",
            "at://did:plc:asdf123/space/com.example.group/default",
            true,
        ),
        ("language", "i-default", true),
        ("language", "", false),
        ("did", "did:method:val%", false),
        ("did", "", false),
        ("nsid", "com.example.foo-bar", false),
        ("tid", "zzzzzzzzzzzzz", false),
        ("record-key", "a:b", true),
        ("record-key", ".", false),
    ] {
        let schema = json!({"type": "string", "format": format});
        let found = violations_with(&super::validator(schema), &json!(text));
        let wanted: &[&str] = if good { &[] } else { &["$.x invalid_format"] };
        assert_eq!(found, wanted, "{format} {text:?}");
    }
}

#[test]
fn records_name_themselves() {
    let validator = super::validator(json!({"type": "string"}));
    let check = |record: Value, wanted: &[&str]| {
        assert_eq!(
            super::record_violations(&validator, &record),
            wanted,
            "{record}"
        );
    };
    check(json!({"x": "a"}), &["$ required_key"]);
    check(
        json!({"$type": "com.example.like", "x": "a"}),
        &["$['$type'] invalid_value"],
    );
    check(json!({"$type": 1, "x": "a"}), &["$['$type'] invalid_type"]);
    check(json!({"$type": "", "x": "a"}), &["$['$type'] invalid_type"]);
    check(json!([]), &["$ invalid_type"]);
    check(
        json!({"$type": "com.example.record", "x": 1, "y": 1.5}),
        &["$.x invalid_type", "$.y invalid_type"],
    );
}

#[test]
fn a_declared_type_switches_nothing_off() {
    for declared in [
        json!({"$type": {"type": "string"}}),
        json!({"$type": {"type": "unknown"}}),
        json!({}),
    ] {
        let object = json!({"type": "object", "required": ["$type"], "properties": declared});
        let record = json!({"type": "record", "key": "any", "record": object});
        let validator = Validator::new(&super::catalog(&[json!({
            "lexicon": 1, "id": "com.example.record", "defs": {"main": record, "obj": object},
        })]));
        let empty = json!({"$type": ""});
        let found = super::record_violations(&validator, &empty);
        assert!(
            found.contains(&"$['$type'] invalid_type".to_owned()),
            "{declared}: {found:?}"
        );
        let found = super::record_violations(&validator, &json!({"$type": "com.example.other"}));
        assert!(
            found.contains(&"$['$type'] invalid_value".to_owned()),
            "{declared}: {found:?}"
        );
        assert!(
            validator.value("com.example.record#obj", &empty).is_err(),
            "{declared}"
        );
    }
}

#[test]
fn objects_of_few_and_of_many_properties() {
    for count in [1, 16, 17, 60] {
        let name = |i: usize| format!("{}{i}", "p".repeat(1 + i % 3));
        let properties: serde_json::Map<_, _> = (0..count)
            .map(|i| (name(i), json!({"type": "integer", "maximum": i})))
            .collect();
        let required: Vec<String> = (0..count).map(name).collect();
        let schema = json!({"type": "object", "properties": properties, "required": required});
        let object = |wrong: usize| -> Value {
            let mut object: serde_json::Map<_, _> =
                (0..count).map(|i| (name(i), json!(i))).collect();
            object.insert(name(wrong), json!(wrong + 1));
            // Before, between and after the others, and as long as some of them.
            for more in ["a0", "pp", "ppp", "q0", "z"] {
                object.insert(more.to_owned(), json!("any"));
            }
            object.into()
        };
        for wrong in [0, count / 2, count - 1] {
            let path = format!("$.x.{} too_big", name(wrong));
            rejects(&schema, object(wrong), &[&path]);
        }
        let mut gone = object(0);
        gone.as_object_mut().expect("an object").remove(&name(0));
        rejects(&schema, gone, &["$.x required_key"]);
    }
}
