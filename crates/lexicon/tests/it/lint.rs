//! Every rule with a document that breaks it and one that does not.

mod fields;

use loggia_lexicon::document::Document;
use loggia_lexicon::lint::{Rule, Severity, lint, lint_among, lint_text};
use serde_json::json;

use crate::documents::{body, document, field, method, procedure, query, record, thing};

/// Holds all findings, each as `rule pointer`.
fn check(document: &Document, wanted: &[&str]) {
    let found: Vec<_> = lint(document)
        .iter()
        .map(|f| format!("{} {}", f.rule, f.pointer))
        .collect();
    assert_eq!(found, wanted);
}

#[test]
fn names_of_the_rules_are_distinct_and_indigos_twenty_are_there() {
    let names: std::collections::BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.as_str()).collect();
    assert_eq!(names.len(), Rule::ALL.len());
    let indigo = [
        "invalid-nsid",
        "lexicon-version",
        "lexicon-schema",
        "def-name-syntax",
        "defs-main-definition",
        "non-main-primary",
        "missing-primary-description",
        "endpoint-output-undefined",
        "subscription-no-messages",
        "permissionset-no-title",
        "permissionset-no-permissions",
        "large-string",
        "unlimited-string",
        "known-string-local-ref",
        "unlimited-bytes",
        "large-bytes",
        "field-name-syntax",
        "nullable-and-optional",
        "undescribed-token",
        "unspecified-encoding",
    ];
    for name in indigo {
        assert!(names.contains(name), "{name}");
    }
}

#[test]
fn a_finding_prints_as_one_line() {
    let findings = lint(&field(json!({ "type": "bytes" })));
    assert_eq!(findings[0].severity, Severity::Warning);
    assert_eq!(
        findings[0].to_string(),
        "warning: /defs/main/record/properties/it: the bytes have no limit [unlimited-bytes]"
    );
}

#[test]
fn a_correct_record_has_no_findings() {
    let properties = json!({
        "text": { "type": "string", "maxLength": 3000, "maxGraphemes": 300 },
        "langs": { "type": "array", "maxLength": 3, "items": { "type": "string", "format": "language" } },
        "flag": { "type": "boolean", "default": false },
        "count": { "type": "integer", "minimum": 0, "maximum": 10 },
        "kind": { "type": "string", "enum": ["a", "b"], "default": "a" },
        "image": { "type": "blob", "accept": ["image/*"], "maxSize": 1000 },
    });
    check(&record(properties), &[]);
}

#[test]
fn names_of_definitions_and_fields() {
    check(
        &thing(json!({ "a-b": { "type": "boolean" } })),
        &["def-name-syntax /defs/a-b"],
    );
    check(
        &thing(json!({ "id": { "type": "boolean" } })),
        &["def-name-syntax /defs/id"],
    );
    let odd = json!({ "a/b~c": { "type": "boolean" }, "type": { "type": "boolean" } });
    check(
        &record(odd),
        &[
            "field-name-syntax /defs/main/record/properties/a~1b~0c",
            "field-name-syntax /defs/main/record/properties/type",
        ],
    );
    let defs = json!({ "lexicon": 1, "id": "com.example.defs", "defs": { "main": { "type": "boolean" } } });
    check(&document(&defs), &["defs-main-definition /defs/main"]);
}

#[test]
fn primary_types_are_main_and_described() {
    let stray =
        thing(json!({ "other": { "type": "query", "output": body(json!({ "type": "object" })) } }));
    check(&stray, &["non-main-primary /defs/other"]);
    check(
        &thing(
            json!({ "main": { "type": "space", "key": "any", "name": "Club", "collections": [] } }),
        ),
        &["missing-primary-description /defs/main"],
    );
}

#[test]
fn methods() {
    check(&query(json!({})), &["endpoint-output-undefined /defs/main"]);
    let nameless = json!({ "output": { "encoding": "" } });
    check(
        &query(nameless),
        &["unspecified-encoding /defs/main/output"],
    );
    let listed = json!({ "output": { "encoding": "image/png, image/jpeg" } });
    check(
        &query(listed),
        &["lexicon-schema /defs/main/output/encoding"],
    );
    let array =
        json!({ "output": body(json!({ "type": "array", "items": { "type": "integer" } })) });
    check(&query(array), &["lexicon-schema /defs/main/output/schema"]);
    let spaced = json!({ "output": { "encoding": "*/*" }, "errors": [{ "name": "Not Found" }] });
    check(
        &procedure(spaced),
        &["error-name-syntax /defs/main/errors/0"],
    );
    let params = json!({
        "output": { "encoding": "*/*" },
        "parameters": {
            "type": "params",
            "required": ["gone"],
            "properties": { "it": { "type": "bytes", "maxLength": 3 }, "ok": { "type": "boolean" } },
        },
    });
    let findings = lint(&query(params));
    let rules: Vec<_> = findings
        .iter()
        .map(|f| (f.rule, f.pointer.as_str()))
        .collect();
    assert!(
        rules.contains(&(Rule::LexiconSchema, "/defs/main/parameters/required/0")),
        "{rules:?}"
    );
}

#[test]
fn subscriptions_send_something() {
    check(
        &method("subscription", json!({})),
        &["subscription-no-messages /defs/main"],
    );
    let empty = json!({ "message": { "schema": { "type": "union", "refs": [] } } });
    check(
        &method("subscription", empty),
        &["subscription-no-messages /defs/main/message/schema"],
    );
}

#[test]
fn permission_sets() {
    let set = thing(json!({ "main": { "type": "permission-set", "permissions": [] } }));
    check(
        &set,
        &[
            "permissionset-no-title /defs/main",
            "permissionset-no-permissions /defs/main",
        ],
    );
}

#[test]
fn refs() {
    let defs = thing(json!({
        "a": { "type": "object", "properties": {
            "token": { "type": "ref", "ref": "#name" },
            "gone": { "type": "ref", "ref": "#gone" },
            "main": { "type": "ref", "ref": "com.example.other#main" },
        } },
        "name": { "type": "token", "description": "A name." },
    }));
    check(
        &defs,
        &[
            "unresolved-ref /defs/a/properties/gone/ref",
            "ref-spelled-main /defs/a/properties/main/ref",
            "ref-to-token /defs/a/properties/token/ref",
        ],
    );
}

#[test]
fn refs_into_other_documents_are_followed_among_them() {
    let user = field(json!({ "type": "ref", "ref": "com.example.other" }));
    let other = |def| {
        document(&json!({ "lexicon": 1, "id": "com.example.other", "defs": { "main": def } }))
    };
    let rules = |others: &[Document]| -> Vec<_> {
        lint_among(&user, others)
            .iter()
            .map(|finding| finding.rule)
            .collect()
    };
    check(&user, &[]);
    assert_eq!(rules(&[]), [Rule::UnresolvedRef]);
    assert_eq!(
        rules(&[other(json!({ "type": "token" }))]),
        [Rule::RefToToken]
    );
    assert_eq!(
        rules(&[other(json!({ "type": "query" }))]),
        [Rule::RefToPrimary]
    );
    assert_eq!(
        rules(&[other(json!({ "type": "object", "properties": {} }))]),
        []
    );
}

#[test]
fn tokens_say_what_they_mean() {
    check(
        &thing(json!({ "a": { "type": "token" } })),
        &["undescribed-token /defs/a"],
    );
}

#[test]
fn a_text_is_linted_even_if_it_cannot_be_read() {
    let rules = |text: &str| -> Vec<_> {
        lint_text(text)
            .iter()
            .map(|f| format!("{} {}", f.rule, f.pointer))
            .collect()
    };
    assert_eq!(rules("{"), ["lexicon-schema "]);
    assert_eq!(
        rules(r#"{"lexicon":2,"id":"com.example.a","defs":{}}"#),
        ["lexicon-version /lexicon"]
    );
    assert_eq!(
        rules(r#"{"lexicon":1,"id":"example","defs":{}}"#),
        ["invalid-nsid /id"]
    );
    assert_eq!(
        rules(
            r#"{"lexicon":1,"id":"com.example.a","defs":{"a":{"type":"string","maxLength":"3","odd":1}}}"#
        ),
        [
            "unknown-key /defs/a/odd",
            "lexicon-schema /defs/a/maxLength",
            "unlimited-string /defs/a",
        ],
    );
    assert_eq!(
        rules(
            r#"{"lexicon":1,"id":"com.example.a","defs":{"a":{"type":"unknown"},"b":{"type":"integer","enum":[]}}}"#
        ),
        ["lexicon-schema /defs/a", "lexicon-schema /defs/b/enum"],
    );
}

/// Published lexicons break few rules: what they break is known by name.
#[test]
fn errors_in_the_official_corpus() {
    let Some(documents) = crate::documents::official() else {
        return;
    };
    let mut errors = Vec::new();
    for document in &documents {
        let findings = lint_among(document, &documents).into_iter();
        let found = findings.filter(|finding| finding.severity == Severity::Error);
        errors.extend(found.map(|f| format!("{} {}{}", f.rule, document.id, f.pointer)));
    }
    errors.sort();
    assert_eq!(errors, Vec::<String>::new());
}
