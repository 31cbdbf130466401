//! Documents written in place.

use loggia_lexicon::document::Document;
use loggia_lexicon::read::read;
use serde_json::{Value, json};

/// Reads a document from its JSON value.
pub fn document(value: &Value) -> Document {
    match read(&value.to_string()) {
        Ok((document, _)) => document,
        Err(error) => panic!("{value} is not a lexicon: {error}"),
    }
}

/// A document `com.example.thing` with these definitions.
pub fn thing(defs: Value) -> Document {
    document(&json!({ "lexicon": 1, "id": "com.example.thing", "defs": defs }))
}

/// A record of these properties.
pub fn record(properties: Value) -> Document {
    thing(json!({ "main": {
        "type": "record",
        "description": "A thing.",
        "key": "tid",
        "record": { "type": "object", "properties": properties },
    } }))
}

/// A record whose only property is `it`.
pub fn field(schema: Value) -> Document {
    record(json!({ "it": schema }))
}

/// A query with these further members.
pub fn query(members: Value) -> Document {
    method("query", members)
}

/// A procedure with these further members.
pub fn procedure(members: Value) -> Document {
    method("procedure", members)
}

/// A method of any type with these further members.
pub fn method(kind: &str, members: Value) -> Document {
    let mut main = json!({ "type": kind, "description": "Does things." });
    if let (Value::Object(main), Value::Object(members)) = (&mut main, members) {
        main.extend(members);
    }
    thing(json!({ "main": main }))
}

/// A JSON body of this schema.
pub fn body(schema: Value) -> Value {
    json!({ "encoding": "application/json", "schema": schema })
}

/// Every lexicon of the official corpus, where it is present.
pub fn official() -> Option<Vec<Document>> {
    let mut documents = Vec::new();
    let mut pending = vec![crate::shared::path("corpus/atproto")?];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder that is there") {
            let path = entry.expect("an entry that is there").path();
            if path.is_dir() {
                pending.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                let text = std::fs::read_to_string(&path).expect("a file that is there");
                documents.push(read(&text).expect("a lexicon").0);
            }
        }
    }
    Some(documents)
}
