//! What is valid is found to be so without a single allocation.

use allocation_counter::measure;
use loggia_lexicon::validate::{Outcome, Validator};
use loggia_syntax::data::Data;
use serde_json::{Value, json};

use super::{CID, blob, catalog};

/// A schema with every type of the language.
fn document() -> Value {
    let string = |format: &str| json!({"type": "string", "format": format});
    let properties = json!({
        "at": string("datetime"),
        "who": string("at-identifier"),
        "did": string("did"),
        "handle": string("handle"),
        "uri": string("uri"),
        "record": string("at-uri"),
        "kind": string("nsid"),
        "cid": string("cid"),
        "language": string("language"),
        "tid": string("tid"),
        "key": string("record-key"),
        "text": {"type": "string", "maxLength": 100, "maxGraphemes": 36, "minLength": 1},
        "one": {"type": "string", "enum": ["this", "that"]},
        "known": {"type": "string", "knownValues": ["this"]},
        "count": {"type": "integer", "minimum": 1, "maximum": 9},
        "is": {"type": "boolean"},
        "bytes": {"type": "bytes", "maxLength": 10},
        "link": {"type": "cid-link"},
        "blob": {"type": "blob", "accept": ["image/*"], "maxSize": 100},
        "list": {"type": "array", "items": {"type": "ref", "ref": "#part"}, "maxLength": 3},
        "either": {"type": "union", "refs": ["#part", "#other"]},
        "open": {"type": "union", "refs": ["#part"]},
        "any": {"type": "unknown"},
        "none": {"type": "integer"},
    });
    let required: Vec<_> = properties.as_object().into_iter().flatten().collect();
    let required: Vec<_> = required.iter().map(|(name, _)| *name).collect();
    json!({"lexicon": 1, "id": "com.example.all", "defs": {
        "main": {"type": "record", "key": "any", "record": {
            "type": "object", "properties": properties, "required": required, "nullable": ["none"],
        }},
        "part": {"type": "object", "properties": {"more": {"type": "ref", "ref": "#part"}}},
        "other": {"type": "object", "properties": {"count": {"type": "integer"}}},
    }})
}

/// A record that follows it and has all that it names.
fn record() -> Value {
    json!({
        "$type": "com.example.all",
        "at": "2026-09-14T12:30:07.123Z",
        "who": "alice.example.com",
        "did": "did:plc:ewvi7nxzyoun6zhxrhs64oiz",
        "handle": "alice.example.com",
        "uri": "https://example.com/a?b=c#d",
        "record": "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/com.example.all/3lz2k4wq5xs2a",
        "kind": "com.example.all",
        "cid": CID,
        "language": "de-CH",
        "tid": "3lz2k4wq5xs2a",
        "key": "self",
        "text": "a café beside the mole, and 👩‍👧 in it",
        "one": "that",
        "known": "something else",
        "count": 3,
        "is": true,
        "bytes": {"$bytes": "AAECAw"},
        "link": {"$link": CID},
        "blob": blob(),
        "list": [{}, {"more": {"more": {}}}],
        "either": {"$type": "com.example.all#other", "count": 1},
        "open": {"$type": "com.example.else", "x": [1, {"y": null}]},
        "any": {"x": {"y": [true]}},
        "none": null,
        "undeclared": {"x": "y"},
    })
}

#[test]
fn what_is_valid_takes_no_memory() {
    let record = record();
    let validator = Validator::new(&catalog(&[document()]));
    assert_eq!(
        validator.record("com.example.all", &record),
        Ok(Outcome::Valid)
    );
    let data: Data = serde_json::from_value(record.clone()).expect("data");
    let validated = [
        measure(|| assert!(validator.record("com.example.all", &record).is_ok())),
        measure(|| assert!(validator.record("com.example.all", &data).is_ok())),
    ];
    assert_eq!(validated.map(|info| info.count_total), [0, 0]);

    let refused = measure(|| assert!(validator.record("com.example.all", &json!({})).is_err()));
    assert!(refused.count_total > 0, "allocations are counted");
}
