//! `dev.loggia.lexicon.validateRecord`: open to everybody.

use serde_json::{Value, json};

use crate::support::{Answer, TestServer};

const VALIDATE: &str = "dev.loggia.lexicon.validateRecord";
const FOLLOW: &str = "app.bsky.graph.follow";

async fn validate(input: Value) -> Answer {
    let server = TestServer::start().await;
    server.procedure(VALIDATE, None, &input).await
}

fn follow() -> Value {
    json!({
        "$type": FOLLOW,
        "subject": "did:plc:ewvi7nxzyoun6zhxrhs64oiz",
        "createdAt": "2026-03-01T12:00:00.000Z",
    })
}

/// A lexicon of a note that refers to another document.
fn note() -> Value {
    json!({
        "lexicon": 1,
        "id": "com.example.note",
        "defs": {
            "main": {
                "type": "record",
                "key": "tid",
                "record": {
                    "type": "object",
                    "required": ["text"],
                    "properties": {
                        "text": { "type": "string", "maxLength": 5 },
                        "mood": { "type": "ref", "ref": "com.example.mood" },
                    },
                },
            },
        },
    })
}

fn mood() -> Value {
    json!({
        "lexicon": 1,
        "id": "com.example.mood",
        "defs": {
            "main": {
                "type": "object",
                "required": ["name"],
                "properties": { "name": { "type": "string", "enum": ["glad", "sad"] } },
            },
        },
    })
}

fn places(body: &Value) -> Vec<(&str, &str)> {
    let violations = body["violations"].as_array().expect("a list");
    violations
        .iter()
        .map(|violation| {
            assert!(
                violation["message"]
                    .as_str()
                    .is_some_and(|text| !text.is_empty()),
                "{violation}"
            );
            assert_eq!(
                violation.as_object().map(serde_json::Map::len),
                Some(3),
                "{violation}"
            );
            (
                violation["path"].as_str().expect("a path"),
                violation["code"].as_str().expect("a code"),
            )
        })
        .collect()
}

#[tokio::test]
async fn data_that_keeps_every_rule_is_valid() {
    let valid = json!({ "valid": true, "type": FOLLOW, "violations": [], "unresolved": [] });
    validate(json!({ "record": follow(), "resolveExternal": true }))
        .await
        .is(200, valid.clone());
    let mut untyped = follow();
    untyped.as_object_mut().expect("an object").remove("$type");
    let named = json!({ "record": untyped, "type": FOLLOW, "resolveExternal": true });
    let answer = validate(named).await;
    // A record says its own type: naming it beside the data does not spare it that.
    assert_eq!(answer.status, 200, "{answer:#?}");
    assert_eq!(places(&answer.body), [("$", "required_key")], "{answer:#?}");
}

#[tokio::test]
async fn every_broken_rule_is_told_with_its_place() {
    let record = json!({
        "$type": "place.stream.chat.message",
        "text": 7,
        "createdAt": "yesterday",
        "facets": [{ "index": { "byteStart": -1 }, "features": [] }],
    });
    let answer = validate(json!({ "record": record, "resolveExternal": true })).await;
    assert_eq!(answer.status, 200, "{answer:#?}");
    assert_eq!(answer.body["valid"], false);
    assert_eq!(answer.body["type"], "place.stream.chat.message");
    assert_eq!(answer.body["unresolved"], json!([]));
    let mut found = places(&answer.body);
    found.sort_unstable();
    let expected = [
        ("$", "required_key"),
        ("$.createdAt", "invalid_format"),
        ("$.facets[0].index", "required_key"),
        ("$.facets[0].index.byteStart", "too_small"),
        ("$.text", "invalid_type"),
    ];
    assert_eq!(found, expected, "{answer:#?}");
}

#[tokio::test]
async fn lexicons_that_come_along_are_used_first() {
    let record =
        json!({ "$type": "com.example.note", "text": "too long", "mood": { "name": "odd" } });
    let answer = validate(json!({ "record": record, "schemas": [note(), mood()] })).await;
    assert_eq!(answer.status, 200, "{answer:#?}");
    assert_eq!(
        places(&answer.body),
        [("$.mood.name", "invalid_value"), ("$.text", "too_big")],
        "{answer:#?}"
    );

    let mut stricter: Value = note();
    stricter["id"] = json!(FOLLOW);
    let answer = validate(json!({ "record": follow(), "schemas": [stricter] })).await;
    assert_eq!(places(&answer.body), [("$", "required_key")], "{answer:#?}");
}

#[tokio::test]
async fn references_that_lead_nowhere_are_told_and_may_be_allowed() {
    let record = json!({ "$type": "com.example.note", "text": "fine", "mood": { "name": "odd" } });
    let schemas = json!([note()]);
    let answer = validate(json!({ "record": record, "schemas": schemas })).await;
    assert_eq!(
        answer.body["unresolved"],
        json!(["com.example.mood"]),
        "{answer:#?}"
    );
    assert_eq!(
        places(&answer.body),
        [("$.mood", "unusable_schema")],
        "{answer:#?}"
    );
    assert_eq!(answer.body["valid"], false);

    let allowed = json!({ "record": record, "schemas": schemas, "allowUnresolved": true });
    validate(allowed).await.is(
        200,
        json!({
            "valid": true,
            "type": "com.example.note",
            "violations": [],
            "unresolved": ["com.example.mood"],
        }),
    );
}

#[tokio::test]
async fn the_other_lexicons_of_the_server_are_used_when_asked_for() {
    let record = json!({
        "$type": "place.stream.chat.message",
        "text": "hello",
        "createdAt": "2026-03-01T12:00:00.000Z",
        "streamer": "did:plc:ewvi7nxzyoun6zhxrhs64oiz",
        "facets": [{ "index": { "byteStart": -1, "byteEnd": 2 }, "features": [] }],
    });
    let alone = validate(json!({ "record": record })).await;
    assert_eq!(alone.body["valid"], false, "{alone:#?}");
    let unresolved = alone.body["unresolved"].as_array().expect("a list");
    assert!(
        unresolved.contains(&json!("place.stream.richtext.facet")),
        "{alone:#?}"
    );
    assert!(
        places(&alone.body).contains(&("$.facets[0]", "unusable_schema")),
        "{alone:#?}"
    );

    let together = validate(json!({ "record": record, "resolveExternal": true })).await;
    assert_eq!(together.body["unresolved"], json!([]));
    assert_eq!(
        places(&together.body),
        [("$.facets[0].index.byteStart", "too_small")]
    );
}

#[tokio::test]
async fn the_body_of_a_procedure_is_checked_by_its_input() {
    let create = "place.stream.server.createWebhook";
    let record = json!({ "url": "https://hooks.example/", "events": ["chat", "raid"] });
    let answer =
        validate(json!({ "record": record, "type": create, "resolveExternal": true })).await;
    assert_eq!(
        places(&answer.body),
        [("$.events[1]", "invalid_value")],
        "{answer:#?}"
    );
}

#[tokio::test]
async fn what_cannot_be_checked_at_all_is_an_error() {
    let unknown = json!({ "$type": "com.example.nothing" });
    let message = "this server has no lexicon com.example.nothing";
    validate(json!({ "record": unknown }))
        .await
        .fails(400, "SchemaNotFound", message);

    let message = "`type` is app.bsky.graph.block, but the data's `$type` is app.bsky.graph.follow";
    let two = json!({ "record": follow(), "type": "app.bsky.graph.block" });
    validate(two).await.fails(400, "TypeMismatch", message);
    let message = "the data has no `$type`: say which type it is in `type`";
    validate(json!({ "record": {} }))
        .await
        .fails(400, "TypeMismatch", message);
    let number = json!({ "record": { "$type": 7 } });
    let message = "input does not hold: $.record['$type']: `$type` is a string that is not empty, got integer";
    validate(number).await.fails(400, "InvalidRequest", message);

    let query = json!({ "record": {}, "type": "place.stream.server.listWebhooks" });
    let message = "place.stream.server.listWebhooks describes neither a record nor a body";
    validate(query).await.fails(400, "InvalidSchema", message);
    let no_lexicon = json!({ "record": follow(), "schemas": [{ "lexicon": 1 }] });
    let answer = validate(no_lexicon).await;
    let message = answer.body["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    answer.fails(400, "InvalidSchema", &message);
    assert!(message.starts_with("schemas[0]: "), "{message}");

    let answer = validate(json!({ "record": "text" })).await;
    assert_eq!(
        (answer.status, &answer.body["error"]),
        (400, &json!("InvalidRequest")),
        "{answer:#?}"
    );
}

#[tokio::test]
async fn schemas_have_a_bound_in_number_and_size() {
    let many = vec![mood(); 65];
    let answer = validate(json!({ "record": follow(), "schemas": many })).await;
    assert_eq!(
        (answer.status, &answer.body["error"]),
        (400, &json!("InvalidRequest")),
        "{answer:#?}"
    );

    let mut large = mood();
    large["defs"]["main"]["description"] = json!("x".repeat(300 << 10));
    let input = json!({ "record": follow(), "schemas": [mood(), large, large] });
    let message = "schemas[2]: from here on, `schemas` is longer than 524288 bytes";
    validate(input).await.fails(400, "InvalidSchema", message);
}
