//! Reading documents: what is refused, what is only odd, and where it stands.

mod hostile;

use loggia_lexicon::document::{Def, Document, KeyType, Schema};
use loggia_lexicon::read::{Diagnostic, ReadError, Severity, read};
use serde_json::{Value, json};

use crate::shared;

fn read_json(json: &Value) -> Result<(Document, Vec<Diagnostic>), ReadError> {
    read(&json.to_string())
}

/// A document with `main` as its only definition.
fn with_main(main: Value) -> Value {
    json!({"lexicon": 1, "id": "com.example.thing", "defs": {"main": main}})
}

/// Whether the document is refused, or has an error in it.
fn is_invalid(json: &Value) -> bool {
    match read_json(json) {
        Ok((_, diagnostics)) => diagnostics.iter().any(Diagnostic::is_error),
        Err(_) => true,
    }
}

fn check_cases(cases: Value, invalid: bool) {
    let cases = cases.as_array().expect("a list of cases").clone();
    assert!(!cases.is_empty());
    for case in cases {
        let found = read_json(&case["lexicon"]);
        assert_eq!(
            is_invalid(&case["lexicon"]),
            invalid,
            "{}: {found:?}",
            case["name"]
        );
    }
}

/// The main definition, and each diagnostic as `severity rule pointer`.
#[track_caller]
fn check(main: Value, diagnostics: &[&str]) -> Def {
    let (document, found) = read_json(&with_main(main)).expect("a lexicon");
    let mut found: Vec<String> = found
        .iter()
        .map(|d| format!("{} {} {}", d.severity, d.rule, d.pointer))
        .collect();
    // `json!` has sorted the keys already; the order of the diagnostics is not the point here.
    found.sort();
    let mut diagnostics = diagnostics.to_vec();
    diagnostics.sort_unstable();
    assert_eq!(found, diagnostics);
    document.defs["main"].clone()
}

#[test]
fn interop_documents() {
    if let Some(cases) = shared::json("interop/lexicon/lexicon-valid.json") {
        check_cases(cases, false);
    }
    if let Some(cases) = shared::json("interop/lexicon/lexicon-invalid.json") {
        check_cases(cases, true);
    }
}

#[test]
fn space_documents() {
    if let Some(cases) = shared::json("vectors/lexicon_space_docs.json") {
        check_cases(cases["valid"].clone(), false);
        check_cases(cases["invalid"].clone(), true);
    }
}

#[test]
fn refused_documents() {
    let refused = [
        json!([]),
        json!({"lexicon": 2, "id": "com.example.thing", "defs": {}}),
        json!({"lexicon": "one", "id": "com.example.thing", "defs": {}}),
        json!({"id": "com.example.thing", "defs": {}}),
        json!({"lexicon": 1, "defs": {}}),
        json!({"lexicon": 1, "id": 2, "defs": {}}),
        json!({"lexicon": 1, "id": "one-two-three", "defs": {}}),
    ];
    for document in refused {
        assert!(
            matches!(read_json(&document), Err(ReadError::NotALexicon { .. })),
            "{document}"
        );
    }
}

#[test]
fn unusable_definitions() {
    let object = json!({"type": "object", "properties": {}});
    let unusable = [
        (
            json!({"type": "unknown"}),
            "error misplaced-type /defs/main/type",
        ),
        (
            json!({"type": "ref", "ref": "#x"}),
            "error misplaced-type /defs/main/type",
        ),
        (json!({"properties": {}}), "error missing-type /defs/main"),
        (
            json!({"type": "record", "key": "any", "record": {"properties": {}}}),
            "error missing-type /defs/main/record",
        ),
        (
            json!({"type": "record", "key": "any", "record": {"type": "string"}}),
            "error misplaced-type /defs/main/record/type",
        ),
        (
            json!({"type": "record", "key": "any"}),
            "error missing-key /defs/main",
        ),
        (
            json!({"type": "hologram"}),
            "warning unknown-type /defs/main/type",
        ),
        (
            json!({"type": "space", "key": "bogus", "name": "A", "collections": []}),
            "error unknown-key-type /defs/main/key",
        ),
        (
            json!({"type": "space", "key": "any", "name": "", "collections": []}),
            "error space-name /defs/main/name",
        ),
        (
            json!({"type": "space", "key": "any", "name": "A", "collections": ["x"]}),
            "error invalid-nsid /defs/main/collections/0",
        ),
        (
            json!({"type": "space", "key": "any", "name": "A"}),
            "error missing-key /defs/main",
        ),
    ];
    for (main, diagnostic) in unusable {
        assert!(matches!(check(main, &[diagnostic]), Def::Unsupported(_)));
    }
    let document = json!({
        "lexicon": 1, "id": "com.example.thing",
        "defs": {"other": {"type": "record", "key": "any", "record": object}},
    });
    assert!(is_invalid(&document), "a record that is not main");
}

#[test]
fn odd_documents_are_read() {
    let (document, found) =
        read_json(&json!({"lexicon": 1, "id": "a.b.c", "defs": {}})).expect("a lexicon");
    assert!(document.defs.is_empty());
    assert_eq!(found[0].rule, "no-definitions");

    let fetched = json!({
        "$type": "com.atproto.lexicon.schema", "lexicon": 1, "id": "a.b.c",
        "defs": {"main": {"type": "token"}},
    });
    assert_eq!(read_json(&fetched).expect("a lexicon").1, []);
}

#[test]
fn odd_records_are_read() {
    let record = json!({"type": "object", "properties": {}});
    let def = check(
        json!({"type": "record", "record": record}),
        &["warning missing-key-type /defs/main"],
    );
    assert!(matches!(def, Def::Record(record) if record.key.is_none()));
    let def = check(
        json!({"type": "record", "key": "self", "record": record}),
        &["warning unknown-key-type /defs/main/key"],
    );
    let Def::Record(record) = def else {
        panic!("a record")
    };
    assert_eq!(record.key, Some(KeyType::Unsupported("self".to_owned())));
}

#[test]
fn odd_methods_are_read() {
    let def = check(
        json!({
            "type": "query", "parameters": null,
            "output": {"encoding": "application/json, text/csv"},
        }),
        &["warning encoding-list /defs/main/output/encoding"],
    );
    let Def::Query(query) = def else {
        panic!("a query")
    };
    assert_eq!(query.parameters, None);
    let output = query.output.expect("an output");
    assert_eq!(
        output.encodings().collect::<Vec<_>>(),
        ["application/json", "text/csv"]
    );

    check(
        json!({
            "type": "procedure",
            "parameters": {"type": "params", "properties": {"a": {"type": "object"}}},
            "input": {"schema": {"type": "string"}},
            "errors": [{"name": "Bad Name"}, {}],
        }),
        &[
            "error params-type /defs/main/parameters/properties/a",
            "warning body-type /defs/main/input/schema",
            "error missing-key /defs/main/input",
            "warning error-name /defs/main/errors/0/name",
            "error missing-key /defs/main/errors/1",
        ],
    );
}

#[test]
fn odd_schemas_are_read() {
    let def = check(
        json!({
            "type": "object",
            "required": ["nowhere"],
            "properties": {
                "newType": {"type": "hologram"},
                "newFormat": {"type": "string", "format": "phone", "maxLength": "9"},
                "newKey": {"type": "string", "x-thing": 1},
                "noType": {"description": "?"},
                "notOne": {"type": "record"},
                "noEnum": {"type": "integer", "enum": []},
                "both": {"type": "integer", "default": 1, "const": 1},
                "none": {"type": "union", "refs": [], "closed": true},
                "order": {"type": "array", "items": {"type": "string"},
                    "minLength": 3, "maxLength": 2},
                "odd/na~me": {"type": "array"},
            },
        }),
        &[
            "warning unknown-type /defs/main/properties/newType/type",
            "error wrong-type /defs/main/properties/newFormat/maxLength",
            "warning unknown-format /defs/main/properties/newFormat/format",
            "warning unknown-key /defs/main/properties/newKey/x-thing",
            "error missing-type /defs/main/properties/noType",
            "error misplaced-type /defs/main/properties/notOne/type",
            "error empty-enum /defs/main/properties/noEnum/enum",
            "warning default-and-const /defs/main/properties/both",
            "error empty-closed-union /defs/main/properties/none",
            "error impossible-range /defs/main/properties/order",
            "error missing-key /defs/main/properties/odd~1na~0me",
            "warning undefined-property /defs/main/required/0",
        ],
    );
    let Def::Schema(Schema::Object(object)) = def else {
        panic!("an object")
    };
    let Schema::Unsupported(unsupported) = &object.properties["newType"] else {
        panic!()
    };
    assert_eq!(unsupported.raw, json!({"type": "hologram"}));
}

#[test]
fn written_order_is_kept() {
    let text = r#"{"lexicon": 1, "id": "a.b.c", "defs": {
        "z": {"type": "object", "properties": {"y": {"type": "boolean"}, "b": {"type": "null"}}},
        "a": {"type": "token"}}}"#;
    let (document, _) = read(text).expect("a lexicon");
    assert_eq!(document.defs.keys().collect::<Vec<_>>(), ["z", "a"]);
    let Def::Schema(Schema::Object(object)) = &document.defs["z"] else {
        panic!("an object")
    };
    assert_eq!(object.properties.keys().collect::<Vec<_>>(), ["y", "b"]);
}

#[test]
fn spans_lead_into_the_text() {
    let text = "{\"lexicon\": 1, \"id\": \"a.b.c\",\n \"x\\u0041\\\"\": [1, {\"no\": true}],\
                \n \"defs\": { \"main\": { \"type\": \"blüb\" } } }";
    let (_, found) = read(text).expect("a lexicon");
    let spans: Vec<&str> = found
        .iter()
        .map(|d| &text[d.span.clone().expect("a span")])
        .collect();
    assert_eq!(spans, ["[1, {\"no\": true}]", "\"blüb\""]);
    assert_eq!(found[0].pointer, "/xA\"");
}

#[test]
fn malformed_text_has_a_place() {
    let text = "{\n \"lexicon\": 1,\n \"id\": oops }";
    let Err(ReadError::Malformed {
        line,
        column,
        offset,
        ..
    }) = read(text)
    else {
        panic!()
    };
    assert_eq!((line, column), (3, 8));
    assert!(text[offset..].starts_with("oops"), "{offset}");
    for text in [
        "",
        "{",
        "[1,",
        "\"",
        "nul",
        "{\"a\":1}x",
        "\u{feff}{}",
        "{\"a\"}",
    ] {
        let error = read(text).expect_err("no JSON");
        assert!(error.diagnostics()[0].span.clone().expect("a span").end <= text.len());
    }
}

#[test]
fn repeated_keys_are_reported_and_the_last_counts() {
    let text =
        r#"{"lexicon": 1, "id": "a.b.c", "id": "a.b.d", "defs": {"main": {"type":"token"}}}"#;
    let (document, found) = read(text).expect("a lexicon");
    assert_eq!(document.id.as_str(), "a.b.d");
    assert_eq!(found[0].rule, "repeated-key");
    assert_eq!(&text[found[0].span.clone().expect("a span")], "\"a.b.d\"");
}

#[test]
fn diagnostics_are_bounded() {
    let keys: Vec<String> = (0..5000).map(|key| format!("\"k{key}\": 1")).collect();
    let text = format!(
        "{{\"lexicon\": 1, \"id\": \"a.b.c\", \"defs\": {{}}, {}}}",
        keys.join(",")
    );
    let (_, found) = read(&text).expect("a lexicon");
    assert_eq!(found.len(), Diagnostic::MOST);
    assert_eq!(found.last().map(|d| d.rule), Some("too-many-diagnostics"));
    assert_eq!(
        found
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .count(),
        1
    );
}
