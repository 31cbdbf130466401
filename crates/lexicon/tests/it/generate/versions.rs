//! Two versions of one schema.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use super::data::value;
use super::{
    Case, Defs, Language, REFS, blobs, booleans, bounds, bytes, integers, leaf, object, schema,
    strings, with,
};

/// What an author might make of a schema: mostly of the same type.
fn relative(schema: &Value) -> BoxedStrategy<Value> {
    const LANGUAGE: Language = Language::Whole;
    let related = match schema["type"].as_str() {
        Some("boolean") => booleans(),
        Some("integer") => integers(),
        Some("string") => strings(LANGUAGE),
        Some("bytes") => bytes(LANGUAGE),
        Some("blob") => blobs(),
        Some("ref") => select(&REFS[..])
            .prop_map(|name| json!({ "type": "ref", "ref": name }))
            .boxed(),
        Some("union") => (subsequence(REFS.to_vec(), 1..=3), any::<bool>())
            .prop_map(|(refs, closed)| json!({ "type": "union", "refs": refs, "closed": closed }))
            .boxed(),
        Some("array") => {
            let items = schema["items"].clone();
            bounds("minLength", "maxLength", 0..4)
                .prop_map(move |bounds| with(json!({ "type": "array", "items": items }), [bounds]))
                .boxed()
        }
        _ => Just(schema.clone()).boxed(),
    };
    prop_oneof![6 => Just(schema.clone()), 5 => related, 1 => leaf(LANGUAGE)].boxed()
}

/// Two versions of one schema, and values for either.
pub fn versions() -> impl Strategy<Value = (Case, Case)> {
    const LANGUAGE: Language = Language::Whole;
    let defs = (
        object(LANGUAGE, 0),
        object(LANGUAGE, 0),
        object(LANGUAGE, 0),
    );
    (defs, schema(LANGUAGE, 2))
        .prop_flat_map(|(defs, old)| {
            let new = if old["type"] == "object" {
                edited(&old)
            } else {
                relative(&old)
            };
            (Just(defs), Just(old), new)
        })
        .prop_flat_map(|((one, two, record), old, new)| {
            let defs = Defs { one, two, record };
            let case = |root: Value| {
                let documents = defs.documents(&root);
                prop::collection::vec(value(root, defs.clone(), 3, LANGUAGE), 12).prop_map(
                    move |values| Case {
                        documents: documents.clone(),
                        values,
                    },
                )
            };
            (case(old), case(new))
        })
}

/// Another version of an object: fields edited, added, and rarely removed; other lists.
fn edited(object: &Value) -> BoxedStrategy<Value> {
    let mut strategy = Just(object.clone()).boxed();
    for (name, schema) in object["properties"].as_object().into_iter().flatten() {
        let name = name.clone();
        strategy = (strategy, relative(schema), prop::bool::weighted(0.05))
            .prop_map(move |(mut object, schema, gone)| {
                if let Some(properties) = object["properties"].as_object_mut() {
                    properties.insert(name.clone(), schema);
                    if gone {
                        properties.remove(&name);
                    }
                }
                object
            })
            .boxed();
    }
    let lists = (
        subsequence(vec!["x", "y", "z"], 0..=3),
        subsequence(vec!["x", "y", "z"], 0..=3),
    );
    let lists = prop_oneof![3 => Just(None), 1 => lists.prop_map(Some)];
    (
        strategy,
        lists,
        prop::option::weighted(0.2, leaf(Language::Whole)),
    )
        .prop_map(|(mut object, lists, added)| {
            if let Some((required, nullable)) = lists {
                object["required"] = json!(required);
                object["nullable"] = json!(nullable);
            }
            if let Some(added) = added {
                object["properties"]["w"] = added;
            }
            object
        })
        .boxed()
}
