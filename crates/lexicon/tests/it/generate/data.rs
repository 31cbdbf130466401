//! Data near the edge of what a schema takes.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::{ASCII, Defs, LINK, Language, TEXTS};

/// Values for `root`: an object with `it`.
pub fn value(root: Value, defs: Defs, depth: u32, language: Language) -> BoxedStrategy<Value> {
    near(&root, &defs, depth, language)
        .prop_map(|it| json!({ "it": it }))
        .boxed()
}

/// Mostly values that a schema takes or nearly takes, and now and then anything.
fn near(schema: &Value, defs: &Defs, depth: u32, language: Language) -> BoxedStrategy<Value> {
    if depth == 0 {
        return odd(language).boxed();
    }
    let fitting = match schema["type"].as_str() {
        Some("boolean") => any::<bool>().prop_map(Value::from).boxed(),
        Some("integer") => {
            prop_oneof![8 => (-4_i64..6).prop_map(Value::from), 1 => Just(json!(1.0))].boxed()
        }
        Some("string") => text(schema, language),
        Some("bytes") => select(vec![
            "", "AA", "AAA=", "AAAA", "AAAAAA==", "A", "AAA==", "AA-_", "AAAAAAA",
        ])
        .prop_map(|text| json!({ "$bytes": text }))
        .boxed(),
        Some("cid-link") => select(vec![LINK, "", "no link"])
            .prop_map(|text| json!({ "$link": text }))
            .boxed(),
        Some("blob") => blob().boxed(),
        Some("array") => {
            prop::collection::vec(near(&schema["items"], defs, depth - 1, language), 0..4)
                .prop_map(Value::from)
                .boxed()
        }
        Some("object") => fields(schema, defs, depth, language),
        Some("ref") => reference(
            schema["ref"].as_str().unwrap_or_default(),
            defs,
            depth,
            language,
        ),
        Some("union") => union(schema, defs, depth, language),
        Some("unknown") => free_object().boxed(),
        _ => Just(Value::Null).boxed(),
    };
    prop_oneof![12 => fitting, 1 => odd(language)].boxed()
}

fn text(schema: &Value, language: Language) -> BoxedStrategy<Value> {
    let mut texts = ASCII.to_vec();
    if language == Language::Whole {
        texts.extend(TEXTS);
    }
    let any_text = select(texts).prop_map(Value::from);
    let named: Vec<_> = schema["enum"]
        .as_array()
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    if named.is_empty() {
        any_text.boxed()
    } else {
        prop_oneof![any_text, select(named)].boxed()
    }
}

fn blob() -> impl Strategy<Value = Value> {
    let types = vec![
        "image/png",
        "IMAGE/PNG",
        "text/plain; charset=utf-8",
        "image/svg+xml",
        "a/b",
        "",
    ];
    (select(types), -1..13_i64, select(vec!["blob", "Blob"])).prop_map(|(mime_type, size, tag)| {
        json!({ "$type": tag, "ref": { "$link": LINK }, "mimeType": mime_type, "size": size })
    })
}

fn fields(schema: &Value, defs: &Defs, depth: u32, language: Language) -> BoxedStrategy<Value> {
    let mut strategy = Just(Map::new()).boxed();
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        let name = name.clone();
        let field = prop_oneof![
            6 => near(schema, defs, depth - 1, language).prop_map(Some),
            1 => Just(Some(Value::Null)),
            1 => Just(None),
        ];
        strategy = (strategy, field)
            .prop_map(move |(mut object, field)| {
                if let Some(field) = field {
                    object.insert(name.clone(), field);
                }
                object
            })
            .boxed();
    }
    (strategy, prop::option::weighted(0.2, free()))
        .prop_map(|(mut object, extra)| {
            if let Some(extra) = extra {
                object.insert("extra".to_owned(), extra);
            }
            Value::Object(object)
        })
        .boxed()
}

/// A record behind a ref says what it is; an object need not.
fn reference(name: &str, defs: &Defs, depth: u32, language: Language) -> BoxedStrategy<Value> {
    let (schema, tag) = defs.target(name);
    let tags = vec![Some(tag), Some(tag), Some("com.example.stray"), None];
    tagged(fields(&schema, defs, depth, language), tags)
}

fn union(schema: &Value, defs: &Defs, depth: u32, language: Language) -> BoxedStrategy<Value> {
    let unlisted = vec![
        Some("com.example.stray"),
        Some("com.example.record#main"),
        None,
    ];
    let mut variants = vec![tagged(free_object().boxed(), unlisted)];
    for name in schema["refs"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        let (schema, tag) = defs.target(name);
        variants.push(tagged(
            fields(&schema, defs, depth, language),
            vec![Some(tag)],
        ));
    }
    proptest::strategy::Union::new(variants).boxed()
}

fn tagged(object: BoxedStrategy<Value>, tags: Vec<Option<&'static str>>) -> BoxedStrategy<Value> {
    (object, select(tags))
        .prop_map(|(mut object, tag)| {
            if let Some(tag) = tag {
                object["$type"] = tag.into();
            }
            object
        })
        .boxed()
}

/// Anything that fits the data model: what stands where no schema looks.
fn free() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-5_i64..5).prop_map(Value::from),
        Just(json!("text")),
        Just(json!({ "$link": LINK })),
        Just(json!({ "$bytes": "AAAA" })),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(select(vec!["a", "b"]), inner, 0..2)
                .prop_map(|fields| json!(fields)),
        ]
    })
}

fn free_object() -> impl Strategy<Value = Value> {
    prop::collection::btree_map(select(vec!["a", "b", "x"]), free(), 0..3)
        .prop_map(|fields| json!(fields))
}

/// Values that hardly any schema takes. That no object may be spelled like a link or like bytes is
/// a rule of the data model, which an exported object does not repeat.
fn odd(language: Language) -> impl Strategy<Value = Value> {
    let mut values = vec![
        Value::Null,
        json!(true),
        json!(0),
        json!(1.5),
        json!(9_007_199_254_740_992_i64),
        json!(""),
        json!([]),
        json!({}),
        json!({ "$type": "com.example.stray" }),
    ];
    if language == Language::Whole {
        values.extend([json!({ "$bytes": "AAAA" }), json!({ "$link": LINK })]);
    }
    select(values)
}
