//! Where implementations differ: what we do, numbered as in the list of rulings.

use loggia_lexicon::validate::Validator;
use serde_json::{Value, json};

use super::{CID, accepts, blob, rejects, validator, violations_with};

fn to(reference: &str) -> Value {
    json!({"type": "ref", "ref": reference})
}

fn union(refs: &[&str], closed: bool) -> Value {
    json!({"type": "union", "refs": refs, "closed": closed})
}

#[test]
fn r01_a_record_behind_a_ref_says_so_and_an_object_need_not() {
    let record = to("com.example.like");
    accepts(&record, json!({"$type": "com.example.like", "a": 1}));
    rejects(&record, json!({"a": 1}), &["$.x required_key"]);
    rejects(
        &record,
        json!({"$type": "com.example.shape"}),
        &["$.x['$type'] invalid_value"],
    );
    rejects(
        &record,
        json!({"$type": "com.example.like", "a": 9}),
        &["$.x.a too_big"],
    );
    accepts(
        &union(&["com.example.like"], false),
        json!({"$type": "com.example.like", "a": 1}),
    );
    accepts(
        &union(&["com.example.like"], true),
        json!({"$type": "com.example.like", "a": 1}),
    );
    rejects(
        &union(&["com.example.like"], true),
        json!({"$type": "com.example.like", "a": 9}),
        &["$.x.a too_big"],
    );
    accepts(
        &to("#obj"),
        json!({"$type": "com.example.nonsense", "a": 1}),
    );
}

#[test]
fn r02_a_token_behind_a_ref_is_any_text() {
    accepts(&to("#token"), json!("com.example.record#token"));
    accepts(&to("#token"), json!("anything"));
    rejects(&to("#token"), json!(1), &["$.x invalid_type"]);
}

#[test]
fn r03_main_is_never_spelled_out_in_data() {
    let validator = validator(json!({"type": "string"}));
    let record = json!({"$type": "com.example.record#main", "x": "a"});
    assert_eq!(
        super::record_violations(&validator, &record),
        ["$['$type'] invalid_value"]
    );
    let spelled = json!({"$type": "com.example.shape#main", "a": 9});
    accepts(&union(&["com.example.shape"], false), spelled.clone());
    rejects(
        &union(&["com.example.shape"], true),
        spelled,
        &["$.x['$type'] invalid_value"],
    );
    let canonical = json!({"$type": "com.example.shape", "a": 1});
    accepts(&union(&["com.example.shape#main"], true), canonical);
    accepts(&to("com.example.shape#main"), json!({"a": 1}));
}

#[test]
fn r04_an_open_union_takes_what_it_does_not_list() {
    let open = union(&["#obj"], false);
    accepts(&open, json!({"$type": "com.example.shape", "a": 9}));
    accepts(&open, json!({"$type": "com.example.nowhere"}));
    rejects(
        &open,
        json!({"$type": "com.example.nowhere", "a": 1.5}),
        &["$.x.a invalid_type"],
    );
    rejects(&open, json!({"$type": ""}), &["$.x['$type'] invalid_type"]);
    rejects(&open, json!({"$type": 1}), &["$.x['$type'] invalid_type"]);
    rejects(
        &open,
        json!({"$type": null}),
        &["$.x['$type'] invalid_type"],
    );
}

#[test]
fn r05_a_default_does_not_fill_in() {
    let validator = Validator::new(&super::catalog(&[json!({
        "lexicon": 1, "id": "com.example.record", "defs": {"main": {
            "type": "record", "key": "any", "record": {
                "type": "object", "required": ["x"],
                "properties": {"x": {"type": "integer", "default": 1}}}}},
    })]));
    let record = json!({"$type": "com.example.record"});
    assert_eq!(
        super::record_violations(&validator, &record),
        ["$ required_key"]
    );
}

#[test]
fn r06_integers_are_those_that_everybody_reads() {
    let integer = json!({"type": "integer"});
    accepts(&integer, json!(9_007_199_254_740_991_i64));
    accepts(&integer, json!(-9_007_199_254_740_991_i64));
    rejects(&integer, json!(9_007_199_254_740_992_i64), &["$.x too_big"]);
    rejects(
        &integer,
        json!(-9_007_199_254_740_992_i64),
        &["$.x too_small"],
    );
    rejects(&integer, json!(i64::MAX), &["$.x too_big"]);
    rejects(&integer, json!(1e300), &["$.x invalid_type"]);
    rejects(&integer, json!(1.5), &["$.x invalid_type"]);
    let exact = json!({"type": "integer", "const": 9_007_199_254_740_991_i64});
    rejects(
        &exact,
        json!(9_007_199_254_740_990_i64),
        &["$.x invalid_value"],
    );
}

#[test]
fn r07_an_empty_enum_takes_nothing() {
    rejects(
        &json!({"type": "integer", "enum": []}),
        json!(1),
        &["$.x invalid_value"],
    );
    rejects(
        &json!({"type": "string", "enum": []}),
        json!("a"),
        &["$.x invalid_value"],
    );
}

#[test]
fn r08_graphemes_follow_unicode_17() {
    let one = json!({"type": "string", "maxGraphemes": 1});
    accepts(&one, json!("क्ष"));
    accepts(&one, json!("👨‍👩‍👧‍👧"));
    rejects(&one, json!("ab"), &["$.x too_big"]);
    let two = json!({"type": "string", "minGraphemes": 2});
    rejects(&two, json!("🇩🇪"), &["$.x too_small"]);
}

#[test]
fn r09_datetimes_exist() {
    let datetime = json!({"type": "string", "format": "datetime"});
    accepts(&datetime, json!("1985-04-12T23:20:50.123Z"));
    for text in [
        "2015-02-29T00:00:00Z",
        "1985-04-12T23:20:50.123",
        "0000-01-01T00:00:00+01:00",
        "1985-04-12T24:00:00Z",
        "1985-04-12T23:20:50.123-00:00",
    ] {
        rejects(&datetime, json!(text), &["$.x invalid_format"]);
    }
}

#[test]
fn r10_bytes_with_and_without_padding_in_the_standard_alphabet() {
    let bytes = json!({"type": "bytes", "maxLength": 3, "minLength": 1});
    accepts(&bytes, json!({"$bytes": "AQI"}));
    accepts(&bytes, json!({"$bytes": "AQI="}));
    accepts(&bytes, json!({"$bytes": "123"}));
    rejects(&bytes, json!({"$bytes": "AQ-_"}), &["$.x invalid_type"]);
    rejects(
        &bytes,
        json!({"$bytes": "AQI", "more": 1}),
        &["$.x invalid_type"],
    );
    rejects(&bytes, json!({"$bytes": 1}), &["$.x invalid_type"]);
    rejects(&bytes, json!({}), &["$.x invalid_type"]);
    rejects(&bytes, json!("AQI"), &["$.x invalid_type"]);
    rejects(&bytes, json!({"$bytes": "AQIDBA"}), &["$.x too_big"]);
    rejects(&bytes, json!({"$bytes": ""}), &["$.x too_small"]);
}

#[test]
fn r11_blobs_are_checked_strictly_for_writes_only() {
    let schema = json!({"type": "blob", "accept": ["image/*"], "maxSize": 100});
    let with = |field: &str, value: Value| {
        let mut blob = blob();
        blob[field] = value;
        blob
    };
    let dag_cbor = "bafyreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq";
    let older = json!({"cid": CID, "mimeType": "image/png"});
    accepts(&schema, blob());
    accepts(&schema, with("ref", json!({"$link": dag_cbor})));
    accepts(
        &json!({"type": "blob", "accept": ["*/*"]}),
        with("mimeType", json!("a/b")),
    );

    let writes_only = [
        (with("size", json!(101)), "$.x.size too_big"),
        (
            with("mimeType", json!("text/plain")),
            "$.x.mimeType invalid_value",
        ),
        (older, "$.x invalid_type"),
    ];
    let reading = validator(schema.clone()).strict_blobs(false);
    for (value, violation) in writes_only {
        rejects(&schema, value.clone(), &[violation]);
        assert_eq!(violations_with(&reading, &value), [""; 0]);
    }
    let always = [
        (with("size", json!(-1)), "$.x invalid_type"),
        (with("size", json!(1.5)), "$.x invalid_type"),
        (with("size", json!("1")), "$.x invalid_type"),
        (with("mimeType", json!("")), "$.x.mimeType invalid_value"),
        (with("mimeType", json!(false)), "$.x invalid_type"),
        (with("more", json!(1)), "$.x invalid_type"),
        (with("ref", json!(CID)), "$.x invalid_type"),
        (with("ref", json!({"$link": "green"})), "$.x invalid_type"),
        (with("$type", json!("blub")), "$.x invalid_type"),
        (json!({}), "$.x invalid_type"),
        (json!("blob"), "$.x invalid_type"),
    ];
    for (value, violation) in always {
        rejects(&schema, value.clone(), &[violation]);
        assert_eq!(violations_with(&reading, &value), [violation]);
    }
}

#[test]
fn r12_unknown_is_an_object_of_the_data_model() {
    let unknown = json!({"type": "unknown"});
    accepts(&unknown, json!({}));
    accepts(
        &unknown,
        json!({"a": [1, null, {"b": {"$link": CID}}], "c": {"$bytes": "AQI"}}),
    );
    accepts(
        &unknown,
        json!({"$type": "com.example.record#obj", "a": "anything"}),
    );
    accepts(&unknown, json!({"image": blob()}));
    for value in [json!("a"), json!(1), json!(null), json!([]), json!(true)] {
        rejects(&unknown, value, &["$.x invalid_type"]);
    }
    for value in [json!({"$bytes": "AQI"}), json!({"$link": CID}), blob()] {
        rejects(&unknown, value, &["$.x invalid_type"]);
    }
    let mut broken = blob();
    broken["size"] = json!("1");
    rejects(&unknown, json!({"a": [1.5]}), &["$.x.a[0] invalid_type"]);
    rejects(&unknown, json!({"a": broken}), &["$.x.a invalid_type"]);
    rejects(
        &unknown,
        json!({"a": {"$link": "green"}}),
        &["$.x.a invalid_type"],
    );
    rejects(
        &unknown,
        json!({"a": {"$link": CID, "b": 1}}),
        &["$.x.a invalid_type"],
    );
    rejects(
        &unknown,
        json!({"a": {"$bytes": [1]}}),
        &["$.x.a invalid_type"],
    );
    rejects(
        &unknown,
        json!({"$type": 1}),
        &["$.x['$type'] invalid_type"],
    );
    rejects(
        &unknown,
        json!({"$type": ""}),
        &["$.x['$type'] invalid_type"],
    );
}

#[test]
fn r13_inline_objects() {
    let inline = json!({"type": "object", "required": ["a"], "properties": {
        "a": {"type": "object", "properties": {"b": {"type": "integer"}}}}});
    accepts(&inline, json!({"a": {"b": 1}}));
    rejects(&inline, json!({"a": {"b": "c"}}), &["$.x.a.b invalid_type"]);
    rejects(&inline, json!({}), &["$.x required_key"]);
    let list = json!({"type": "array", "items": inline});
    rejects(&list, json!([{"a": {}}, {}]), &["$.x[1] required_key"]);
}

#[test]
fn unmentioned_fields_are_data() {
    let object = to("#obj");
    accepts(&object, json!({"a": 1, "more": {"b": [1, "c"]}}));
    rejects(
        &object,
        json!({"a": 1, "more": 1.5}),
        &["$.x.more invalid_type"],
    );
    rejects(&object, json!({"$type": 1}), &["$.x['$type'] invalid_type"]);
    rejects(&object, json!([]), &["$.x invalid_type"]);
    rejects(&object, json!({"$link": CID}), &["$.x invalid_type"]);
}

#[test]
fn formats_as_ruled() {
    for (format, text, good) in [
        ("phone", "x", true),
        (
            "cid",
            "QmbWqxBEKC3P8tqsKc98xmWNzrzDtRLMiMPL8wBuTGsMnR",
            false,
        ),
        (
            "cid",
            "zdj7WWeQ43G6JJvLWQWZpyHuAMq6uYWRjkBXFad11vE2LHhQ7",
            true,
        ),
        ("language", "JA", false),
    ] {
        let schema = json!({"type": "string", "format": format});
        match good {
            true => accepts(&schema, json!(text)),
            false => rejects(&schema, json!(text), &["$.x invalid_format"]),
        }
    }
}

#[test]
fn what_is_not_there_matters_only_where_there_is_a_value() {
    let schema = to("com.example.gone");
    let strict = validator(schema.clone());
    let absent = json!({"$type": "com.example.record"});
    assert_eq!(super::record_violations(&strict, &absent), [""; 0]);
    rejects(&schema, json!({"a": 1}), &["$.x unusable_schema"]);
    let lenient = strict.allow_unresolved(true);
    assert_eq!(violations_with(&lenient, &json!({"a": 1})), [""; 0]);
    assert_eq!(
        violations_with(&lenient, &json!({"a": 1.5})),
        ["$.x.a invalid_type"]
    );

    let listed = union(&["com.example.gone"], false);
    rejects(
        &listed,
        json!({"$type": "com.example.gone"}),
        &["$.x unusable_schema"],
    );
    for odd in [
        json!({"type": "hologram"}),
        json!({}),
        json!({"type": "ref"}),
        to("#record#x"),
    ] {
        rejects(&odd, json!("a"), &["$.x unusable_schema"]);
    }
}
