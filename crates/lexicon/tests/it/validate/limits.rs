//! What is too much, and what nobody meant.

use loggia_lexicon::catalog::Catalog;
use loggia_lexicon::validate::{Mode, Validator};
use loggia_syntax::check::Report;
use loggia_syntax::data::Data;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{lines, validator, violations_with};

/// Built by hand: `json!` would copy what is inside, level by level.
fn nested(levels: usize) -> Value {
    let around = |inner| Value::Object([("child".to_owned(), inner)].into_iter().collect());
    (0..levels).fold(json!({}), |inner, _| around(inner))
}

#[test]
fn deep_data_is_too_complex() {
    for schema in [
        json!({"type": "ref", "ref": "#tree"}),
        json!({"type": "unknown"}),
    ] {
        let validator = validator(schema.clone());
        let mut record = json!({"$type": "com.example.record"});
        record["x"] = nested(10_000);
        let found = lines(validator.record("com.example.record", &record));
        assert_eq!(found.len(), 1);
        assert!(found[0].ends_with("too_complex"), "{}", found[0]);
        // Dropping it would need a stack as deep as the value.
        std::mem::forget(record);
    }
    let tree = validator(json!({"type": "ref", "ref": "#tree"}));
    assert_eq!(violations_with(&tree, &nested(100)), [""; 0]);
}

#[test]
fn too_many_values_are_too_complex() {
    let validator = validator(json!({"type": "unknown"})).steps(1000);
    let found = violations_with(&validator, &json!({"list": vec![1; 2000]}));
    assert_eq!(found.len(), 1);
    assert!(found[0].ends_with("too_complex"), "{}", found[0]);
}

#[test]
fn violations_are_bounded() {
    let validator = validator(json!({"type": "array", "items": {"type": "string"}}));
    let found = violations_with(&validator, &json!(vec![1; 5000]));
    assert_eq!(found.len(), Report::MOST + 1);
    assert_eq!(found[Report::MOST], "$.x[100] too_complex");
}

#[test]
fn every_violation_is_found() {
    let schema = json!({"type": "object", "required": ["gone", "c"], "properties": {
        "a": {"type": "string", "maxLength": 1},
        "b": {"type": "array", "items": {"type": "integer", "minimum": 5}},
        "c": {"type": "string", "format": "did"},
        "gone": {"type": "boolean"},
    }});
    let found = violations_with(
        &validator(schema),
        &json!({"a": "long", "b": [1, "2"], "c": ""}),
    );
    let wanted = [
        "$.x.a too_big",
        "$.x.b[0] too_small",
        "$.x.b[1] invalid_type",
        "$.x.c invalid_format",
        "$.x required_key",
    ];
    assert_eq!(found, wanted);
}

#[test]
fn what_is_required_need_not_have_a_schema() {
    let schema = json!({"type": "object", "required": ["a"], "properties": {}});
    assert_eq!(
        violations_with(&validator(schema.clone()), &json!({"a": null})),
        [""; 0]
    );
    assert_eq!(
        violations_with(&validator(schema), &json!({})),
        ["$.x required_key"]
    );
}

/// A schema that makes some sense more often than not.
fn schema() -> impl Strategy<Value = Value> {
    let small = || 0..4_u64;
    let leaf = prop_oneof![
        (small(), small())
            .prop_map(|(a, b)| json!({"type": "string", "minLength": a, "maxGraphemes": b})),
        prop::sample::select(vec!["did", "datetime", "cid", "language", "at-uri", "odd"])
            .prop_map(|format| json!({"type": "string", "format": format})),
        (small(), small())
            .prop_map(|(a, b)| json!({"type": "integer", "minimum": a, "enum": [a, b]})),
        small().prop_map(|max| json!({"type": "bytes", "maxLength": max})),
        small().prop_map(|max| json!({"type": "blob", "accept": ["image/*"], "maxSize": max})),
        prop::sample::select(vec![
            "boolean", "cid-link", "unknown", "null", "odd", "record"
        ])
        .prop_map(|name| json!({"type": name})),
        prop::sample::select(vec![
            "#tree",
            "com.example.like",
            "#token",
            "#gone",
            "",
            "#main"
        ])
        .prop_map(|reference| json!({"type": "ref", "ref": reference})),
        (
            prop::collection::vec(
                prop::sample::select(vec![
                    "#obj",
                    "com.example.like",
                    "com.example.shape#main",
                    "#token",
                    "#gone",
                ]),
                0..4
            ),
            any::<bool>()
        )
            .prop_map(|(refs, closed)| json!({"type": "union", "refs": refs, "closed": closed})),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let names = prop::sample::select(vec!["a", "b", "value", "$type"]);
        let properties = prop::collection::btree_map(names.clone(), inner.clone(), 0..4);
        prop_oneof![
            (properties, prop::collection::vec(names, 0..3)).prop_map(|(properties, names)| {
                json!({"type": "object", "properties": properties, "required": names,
                    "nullable": names})
            }),
            inner.prop_map(|items| json!({"type": "array", "items": items, "maxLength": 2})),
        ]
    })
}

/// Data that often comes close to something.
fn data() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0..5_i64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "did:web:a.example",
            "image/png",
            "AQI",
            super::CID,
            "blob",
            "",
            "com.example.like",
            "com.example.record#obj",
            "com.example.shape"
        ])
        .prop_map(Value::from),
        ".{0,3}".prop_map(Value::from),
        Just(super::blob()),
        Just(json!({"$bytes": "AQI"})),
        Just(json!({"$link": super::CID})),
    ];
    leaf.prop_recursive(4, 30, 5, |inner| {
        let names = prop::sample::select(vec![
            "$type", "$type", "$bytes", "$link", "a", "b", "value", "child", "children", "ref",
            "size", "mimeType", "cid",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names, inner, 0..5).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn both_views_agree_on_anything(schema in schema(), value in data(), lenient: bool) {
        let validator = validator(schema).allow_unresolved(lenient).strict_blobs(!lenient);
        violations_with(&validator, &value);
    }

    #[test]
    fn any_data_is_judged_as_the_data_model_does(value in data()) {
        let record = json!({"$type": "com.example.any", "x": value});
        let validator = Validator::new(&Catalog::default()).mode(Mode::Off);
        let found = validator.record("com.example.any", &record);
        if let Ok(data) = serde_json::from_value::<Data>(record) {
            let mut report = Report::new();
            data.check(&loggia_syntax::check::At::ROOT, &mut report);
            prop_assert_eq!(found.map(drop), report.finish());
        } else {
            prop_assert!(found.is_err());
        }
    }
}
