//! The runtime under types written by hand in the shape of generated ones.

mod types;

use loggia_xrpc::{Body, BodyKind, Nullable, Payload, UnknownVariant, Validate};
use serde_json::{Value, json};
use types::{Choice, Kind, Mood, Note, Thing};

const NOTE: &str = r#"{"$type":"com.example.note","text":"hi"}"#;

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

#[test]
fn a_record_needs_its_type() {
    let note: Note = serde_json::from_str(NOTE).expect("a record");
    assert_eq!(serde_json::to_string(&note).expect("writable"), NOTE);
    let wrong = [
        (json!({ "text": "hi" }), "missing field `$type`"),
        (
            json!({ "$type": "com.example.note#main", "text": "" }),
            "$type must be \"com.example.note\", not \"com.example.note#main\"",
        ),
        (
            json!({ "$type": "com.example.note" }),
            "missing field `text`",
        ),
        (
            json!(["com.example.note"]),
            "expected an object (com.example.note)",
        ),
        (
            json!({ "$type": "com.example.note", "text": null }),
            "expected a string",
        ),
    ];
    for (value, message) in wrong {
        let error = read::<Note>(value).expect_err(message);
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn an_object_keeps_what_it_does_not_know_and_one_type() {
    let text = r#"{"count":1,"$type":"com.example.other","new":{"a":[1,null]}}"#;
    let thing: Thing = serde_json::from_str(text).expect("an object");
    assert_eq!(thing.extra.len(), 2);
    let back = serde_json::to_value(&thing).expect("writable");
    assert_eq!(back, serde_json::from_str::<Value>(text).expect("JSON"));
    let variant = serde_json::to_string(&Choice::Thing(thing)).expect("writable");
    assert_eq!(variant.matches("$type").count(), 1);
    assert!(
        variant.starts_with(r#"{"$type":"com.example.thing""#),
        "{variant}"
    );
}

#[test]
fn absent_null_and_a_value_are_three_things() {
    let since = |value: Value| read::<Thing>(value).map(|thing| thing.since);
    assert_eq!(since(json!({ "count": 1 })), Ok(None));
    assert_eq!(
        since(json!({ "count": 1, "since": null })),
        Ok(Some(Nullable::Null))
    );
    let text = Nullable::Value("x".to_owned());
    assert_eq!(since(json!({ "count": 1, "since": "x" })), Ok(Some(text)));
    let null = read::<Thing>(json!({ "count": null })).expect_err("count is not nullable");
    assert!(null.contains("integer"), "{null}");
}

#[test]
fn integers_are_whole_and_the_last_field_wins() {
    assert_eq!(
        read::<Thing>(json!({ "count": 2.0 })).map(|thing| thing.count),
        Ok(2)
    );
    assert!(read::<Thing>(json!({ "count": 2.5 })).is_err());
    assert!(read::<Thing>(json!({ "count": u64::MAX })).is_err());
    let twice: Thing = serde_json::from_str(r#"{"count":1,"count":2}"#).expect("an object");
    assert_eq!(twice.count, 2);
}

#[test]
fn a_union_is_read_whereever_its_type_stands() {
    let first: Choice = serde_json::from_str(NOTE).expect("a variant");
    let last = r#"{"text":"hi","deep":{"b":[true,{"$bytes":"AQ"}]},"$type":"com.example.note"}"#;
    let last: Choice = serde_json::from_str(last).expect("a variant");
    let (Choice::Note(first), Choice::Note(last)) = (first, last) else {
        panic!("both are notes");
    };
    assert_eq!((first.text, last.extra.len()), (last.text, 1));

    let missing = read::<Choice>(json!({ "text": "hi" })).expect_err("no $type");
    assert_eq!(missing, "missing field `$type`");
    let twice = r#"{"text":"","$type":"com.example.note","$type":"com.example.note"}"#;
    let twice = serde_json::from_str::<Choice>(twice).expect_err("which is it?");
    assert!(twice.to_string().contains("duplicate field `$type`"));
}

#[test]
fn an_unlisted_variant_is_kept_or_refused() {
    let value = json!({ "$type": "com.example.note#main", "text": 1 });
    let choice: Choice = read(value.clone()).expect("the union is open");
    let Choice::Unknown(UnknownVariant { type_name, fields }) = &choice else {
        panic!("it is not listed");
    };
    assert_eq!(
        (type_name.as_str(), fields.len()),
        ("com.example.note#main", 1)
    );
    assert_eq!(serde_json::to_value(&choice).expect("writable"), value);
    let error = read::<Kind>(value).expect_err("the union is closed");
    assert_eq!(
        error,
        "unknown variant `com.example.note#main`, expected `com.example.note`"
    );
}

#[test]
fn cbor_sorts_the_type_behind_shorter_names() {
    let text = r#"{"a":{"$link":"bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity"},
                   "b":{"$bytes":"AQID"},"text":"x","$type":"com.example.note"}"#;
    let choice: Choice = serde_json::from_str(text).expect("a variant");
    let cbor = serde_ipld_dagcbor::to_vec(&choice).expect("writable");
    let again: Choice = serde_ipld_dagcbor::from_slice(&cbor).expect("readable");
    assert_eq!(again, choice);
    let float = serde_ipld_dagcbor::to_vec(&json!({ "count": 1.0 })).expect("writable");
    assert!(serde_ipld_dagcbor::from_slice::<Thing>(&float).is_err());
}

#[test]
fn listed_strings() {
    assert_eq!(read(json!("happy")), Ok(Mood::Happy));
    assert_eq!(read(json!("so-so")), Ok(Mood::Other("so-so".into())));
    assert_eq!(Mood::from("happy"), Mood::Happy);
    assert_eq!(
        serde_json::to_value(Mood::Other("x".into())).expect("writable"),
        json!("x")
    );
}

#[test]
fn bodies_are_of_their_kind() {
    assert_eq!(
        (<Thing as Body>::ENCODING, <Thing as Body>::KIND),
        ("application/json", BodyKind::Json)
    );
    let thing = Thing::decode(Payload::Json(r#"{"count":200}"#.into())).expect("JSON");
    let violations = thing.validate().expect_err("200 is too much");
    assert_eq!(
        violations[0].to_string(),
        "$.count: at most 100 allowed, got 200"
    );
    assert!(Thing::decode(Payload::Nothing).is_err());
    assert!(matches!(thing.encode(), Ok(Payload::Json(text)) if &text[..] == br#"{"count":200}"#));
}

#[test]
fn json_text_is_read_from_bytes() {
    let note: Note = loggia_xrpc::from_json(NOTE.as_bytes()).expect("a record");
    assert_eq!(note.text, "hi");
    let mut broken = NOTE.as_bytes().to_vec();
    let at = NOTE.find("hi").expect("the text");
    broken[at] = 0xff;
    let error = loggia_xrpc::from_json::<Note>(&broken).expect_err("no UTF-8");
    assert!(error.to_string().contains("unicode"), "{error}");
    assert!(error.column() > at, "{error}");
}
