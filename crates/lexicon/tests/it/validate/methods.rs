//! Parameters, bodies, messages, record keys and modes.

use loggia_lexicon::catalog::Catalog;
use loggia_lexicon::validate::{Mode, Outcome, Validator};
use loggia_syntax::check::Violation;
use serde_json::{Value, json};

use super::{catalog, lines, validator};

fn methods() -> Validator {
    let object = |properties: Value| json!({"type": "object", "properties": properties});
    Validator::new(&catalog(&[
        json!({"lexicon": 1, "id": "com.example.call", "defs": {"main": {
            "type": "procedure",
            "parameters": {"type": "params", "required": ["limit"], "properties": {
                "limit": {"type": "integer", "maximum": 10},
                "tags": {"type": "array", "items": {"type": "string"}, "maxLength": 2},
                "any": {"type": "unknown"},
            }},
            "input": {"encoding": "application/json", "schema": object(json!({
                "name": {"type": "string", "format": "handle"}}))},
            "output": {"encoding": "application/json", "schema":
                {"type": "ref", "ref": "com.example.stream#names"}},
        }}}),
        json!({"lexicon": 1, "id": "com.example.bare", "defs": {"main": {"type": "query"}}}),
        json!({"lexicon": 1, "id": "com.example.stream", "defs": {
            "main": {"type": "subscription", "message": {"schema":
                {"type": "union", "refs": ["#event", "com.example.stream#names"]}}},
            "event": object(json!({"seq": {"type": "integer"}})),
            "names": {"type": "array", "items": {"type": "string"}},
        }}),
    ]))
}

fn check(result: Result<(), Vec<Violation>>, wanted: &[&str]) {
    assert_eq!(lines(result.map(|()| Outcome::Valid)), wanted);
}

#[test]
fn params() {
    let validator = methods();
    let params = |value: Value| validator.params("com.example.call", &value);
    check(
        params(json!({"limit": 1, "tags": ["a"], "any": "text", "other": "text"})),
        &[],
    );
    check(
        params(json!({"limit": 11, "tags": [1]})),
        &["$.limit too_big", "$.tags[0] invalid_type"],
    );
    check(
        params(json!({"tags": ["a", "b", "c"]})),
        &["$.tags too_big", "$ required_key"],
    );
    check(validator.params("com.example.bare", &json!({"a": 1})), &[]);
    check(
        validator.params("com.example.gone", &json!({})),
        &["$ unusable_schema"],
    );
    check(
        validator.params("com.example.stream#event", &json!({})),
        &["$ unusable_schema"],
    );
}

#[test]
fn bodies() {
    let validator = methods();
    check(
        validator.input("com.example.call", &json!({"name": "a.example"})),
        &[],
    );
    check(
        validator.input("com.example.call", &json!({"name": "?"})),
        &["$.name invalid_format"],
    );
    check(
        validator.output("com.example.call", &json!(["a", 1])),
        &["$[1] invalid_type"],
    );
    check(
        validator.output("com.example.bare", &json!(1.5)),
        &["$ invalid_type"],
    );
}

#[test]
fn messages_have_their_type_in_the_frame() {
    let validator = methods();
    let message = |kind: &str, value: Value| validator.message("com.example.stream", kind, &value);
    check(message("#event", json!({"seq": 1})), &[]);
    check(
        message("#event", json!({"seq": "1"})),
        &["$.seq invalid_type"],
    );
    check(
        message("com.example.stream#event", json!({"seq": "1"})),
        &["$.seq invalid_type"],
    );
    check(message("#new", json!({"seq": "1"})), &[]);
    check(
        message("#new", json!({"seq": 1.5})),
        &["$.seq invalid_type"],
    );
    check(
        validator.message("com.example.gone", "#event", &json!({})),
        &["$ unusable_schema"],
    );
}

#[test]
fn definitions_by_name() {
    let validator = methods();
    check(
        validator.value("com.example.stream#names", &json!([1])),
        &["$[0] invalid_type"],
    );
    check(
        validator.value("com.example.stream#gone", &json!([])),
        &["$ unusable_schema"],
    );
    check(
        validator.value("com.example.call", &json!([])),
        &["$ unusable_schema"],
    );
}

#[test]
fn record_keys() {
    let record = |key: &str| json!({"type": "record", "key": key, "record": {"type": "object", "properties": {}}});
    let of = |id: &str, key: &str| json!({"lexicon": 1, "id": id, "defs": {"main": record(key)}});
    let validator = Validator::new(&catalog(&[
        of("com.example.tid", "tid"),
        of("com.example.nsid", "nsid"),
        of("com.example.any", "any"),
        of("com.example.self", "literal:self"),
        of("com.example.odd", "self"),
    ]));
    for (collection, key, good) in [
        ("com.example.tid", "3jzfcijpj2z2a", true),
        ("com.example.tid", "self", false),
        ("com.example.nsid", "com.example.record", true),
        ("com.example.nsid", "self", false),
        ("com.example.any", "a:b", true),
        ("com.example.any", "..", false),
        ("com.example.self", "self", true),
        ("com.example.self", "other", false),
        ("com.example.odd", "other", true),
        ("com.example.gone", "other", true),
        ("com.example.gone", "no/key", false),
    ] {
        assert_eq!(
            validator.record_key(collection, key).is_ok(),
            good,
            "{collection} {key}"
        );
    }
}

#[test]
fn modes() {
    let wrong = json!({"$type": "com.example.record", "x": 1});
    let unknown = json!({"$type": "com.example.gone", "x": 1});
    let required = validator(json!({"type": "string"}));
    let optimistic = required.clone().mode(Mode::Optimistic);
    let off = required.clone().mode(Mode::Off);

    let known = |validator: &Validator| lines(validator.record("com.example.record", &wrong));
    assert_eq!(known(&required), ["$.x invalid_type"]);
    assert_eq!(known(&optimistic), ["$.x invalid_type"]);
    assert_eq!(
        off.record("com.example.record", &wrong),
        Ok(Outcome::Unchecked)
    );

    assert_eq!(
        lines(required.record("com.example.gone", &unknown)),
        ["$ unusable_schema"]
    );
    assert_eq!(
        optimistic.record("com.example.gone", &unknown),
        Ok(Outcome::Unchecked)
    );
    assert_eq!(
        off.record("com.example.gone", &unknown),
        Ok(Outcome::Unchecked)
    );
    for validator in [&optimistic, &off] {
        let named_wrong = lines(validator.record("com.example.other", &unknown));
        assert_eq!(named_wrong, ["$['$type'] invalid_value"]);
        let no_data = json!({"$type": "com.example.gone", "x": 1.5});
        assert_eq!(
            lines(validator.record("com.example.gone", &no_data)),
            ["$.x invalid_type"]
        );
    }
    let good = json!({"$type": "com.example.record", "x": "a"});
    assert_eq!(
        required.record("com.example.record", &good),
        Ok(Outcome::Valid)
    );
}

#[test]
fn what_is_referred_to_and_not_there_is_still_unknown() {
    let validator = validator(json!({"type": "ref", "ref": "com.example.gone"}));
    let record = json!({"$type": "com.example.gone"});
    let optimistic = validator.mode(Mode::Optimistic);
    assert_eq!(
        optimistic.record("com.example.gone", &record),
        Ok(Outcome::Unchecked)
    );
}

#[test]
fn lexicons_that_cannot_be_used_make_records_invalid() {
    let mut builder = Catalog::builder();
    builder.add("{", "lexicons/com/example/broken.json");
    builder.add(
        r#"{"lexicon": 1, "id": "com.example.odd", "defs": {"main": {"type": "hologram"}}}"#,
        "com/example/odd.json",
    );
    builder.add(
        r#"{"lexicon": 1, "id": "com.example.query", "defs": {"main": {"type": "query"}}}"#,
        "com/example/query.json",
    );
    let validator = Validator::new(&builder.build()).mode(Mode::Optimistic);
    for nsid in ["com.example.broken", "com.example.odd", "com.example.query"] {
        let found = validator
            .record(nsid, &json!({"$type": nsid}))
            .expect_err("unusable");
        assert_eq!(found[0].code.as_str(), "unusable_schema", "{nsid}");
    }
    let broken = validator
        .record("com.example.broken", &json!({}))
        .expect_err("unusable");
    assert!(
        broken[0].message.contains("com/example/broken.json"),
        "{}",
        broken[0].message
    );
}
