//! Reading what nobody meant to be a lexicon.

use loggia_lexicon::read::read;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Any JSON, with the words of the language in it more often than not.
fn any_json() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "type",
        "object",
        "string",
        "array",
        "union",
        "ref",
        "refs",
        "properties",
        "required",
        "items",
        "enum",
        "const",
        "main",
        "record",
        "query",
        "params",
        "parameters",
        "input",
        "schema",
        "errors",
        "name",
        "key",
        "space",
        "permission-set",
        "permissions",
        "a.b.c",
        "#main",
        "closed",
        "format",
        "did",
        "",
        "/~",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words.clone().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 8, move |inner| {
        let key = words.clone().prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn never_panics_on_text(text in any::<String>()) {
        if let Err(error) = read(&text) {
            prop_assert!(!error.diagnostics().is_empty());
        }
    }

    #[test]
    fn never_panics_on_documents(defs in any_json()) {
        let text = json!({"lexicon": 1, "id": "a.b.c", "defs": defs}).to_string();
        let (_, found) = read(&text).expect("id and version are right");
        for diagnostic in found {
            let span = diagnostic.span.expect("every pointer leads somewhere");
            let value: Value = serde_json::from_str(&text[span]).expect("a whole value");
            let whole: Value = serde_json::from_str(&text).expect("valid");
            prop_assert_eq!(whole.pointer(&diagnostic.pointer), Some(&value));
        }
    }
}
