//! `loggia lexicon export`.

use serde_json::Value;

use crate::world::World;

fn world() -> World {
    let world = World::new();
    world.write(
        "api/com/example/note.json",
        r#"{"lexicon": 1, "id": "com.example.note", "defs": {"main": {"type": "record", "key": "tid",
        "record": {"type": "object", "required": ["text"], "properties":
        {"text": {"type": "string", "maxLength": 10}}}}}}"#,
    );
    world.write(
        "api/com/example/getNote.json",
        r#"{"lexicon": 1, "id": "com.example.getNote", "defs": {"main": {"type": "query", "output":
        {"encoding": "application/json", "schema": {"type": "ref", "ref": "com.example.note"}}}}}"#,
    );
    world
}

#[test]
fn json_schema_of_one_definition() {
    let arguments = [
        "--format",
        "json-schema",
        "--def",
        "com.example.note",
        "api",
    ];
    let run = world()
        .run(&[&["lexicon", "export"], &arguments[..]].concat())
        .fine();
    let schema: Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    assert_eq!(schema["title"], "com.example.note");
    let place = schema["$ref"]
        .as_str()
        .and_then(|text| text.strip_prefix('#'))
        .expect("a link");
    let note = schema.pointer(place).expect("it leads somewhere");
    assert!(note.to_string().contains(r#""text""#), "{note}");
}

#[test]
fn openapi_of_every_method() {
    let run = world()
        .run(&["lexicon", "export", "--format", "openapi", "api"])
        .fine();
    let api: Value = serde_json::from_str(&run.out).expect("JSON");
    assert!(
        api["openapi"]
            .as_str()
            .is_some_and(|version| version.starts_with("3.1."))
    );
    assert_eq!(api["info"]["title"], "api");
    assert!(
        api["paths"]["/xrpc/com.example.getNote"]["get"].is_object(),
        "{api}"
    );
}

#[test]
fn what_cannot_be_exported_ends_with_2() {
    let world = world();
    let export =
        |arguments: &[&str]| world.run(&[&["lexicon", "export", "--format"], arguments].concat());
    export(&["json-schema", "api"]).refused(2, &["--def"]);
    export(&["openapi", "--def", "com.example.note", "api"]).refused(2, &["--def"]);
    export(&["yaml", "api"]).refused(2, &["yaml", "json-schema", "openapi"]);
    let run = export(&["json-schema", "--def", "com.example.gone", "api"]);
    run.refused(2, &["there is no definition `com.example.gone`"]);
    let run = export(&["json-schema", "--def", "com.example.getNote", "api"]);
    run.refused(2, &["`com.example.getNote` does not describe data"]);
    export(&["openapi", "missing"]).refused(2, &["missing"]);
}
