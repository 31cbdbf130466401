//! The space form of AT URIs.

use loggia_syntax::{AtUri, Did, Nsid, RecordKey, SpaceParts, SpaceRef};
use serde_json::Value;

use crate::shared;

const SPACE: &str = "at://did:plc:abc/space/com.example.group/main";
const RECORD: &str =
    "at://did:plc:abc/space/com.example.group/main/did:plc:def/com.example.rec/self#/a/0";

#[test]
fn a_record_in_a_space_takes_itself_apart() {
    let uri = AtUri::new(RECORD).expect("valid");
    let parts = uri.parts();
    assert_eq!(parts.authority, "did:plc:abc");
    assert_eq!(
        parts.space,
        Some(SpaceParts {
            space_type: "com.example.group",
            skey: "main"
        })
    );
    assert_eq!(
        (parts.author, parts.collection),
        (Some("did:plc:def"), Some("com.example.rec"))
    );
    assert_eq!((parts.rkey, parts.fragment), (Some("self"), Some("/a/0")));
    assert_eq!(uri.space().expect("it is in one"), SPACE);
}

#[test]
fn a_record_outside_takes_itself_apart() {
    let uri = AtUri::new("at://alice.example/com.example.rec/space").expect("valid");
    assert_eq!(
        (uri.space(), uri.author(), uri.fragment()),
        (None, None, None)
    );
    assert_eq!(uri.authority(), "alice.example");
    assert_eq!(uri.collection().expect("it has one"), "com.example.rec");
    assert_eq!(uri.rkey().expect("it has one"), "space");
    let account = AtUri::new("at://did:plc:abc#/a").expect("valid");
    assert_eq!(
        (account.collection(), account.fragment()),
        (None, Some("/a"))
    );
}

#[test]
fn a_space_is_put_together_and_taken_apart() {
    let (authority, space_type) = (
        Did::from_static("did:plc:abc"),
        Nsid::from_static("com.example.group"),
    );
    let space = SpaceRef::from_parts(&authority, &space_type, &RecordKey::from_static("main"));
    assert_eq!(space, SPACE);
    assert_eq!(
        (space.authority(), space.space_type()),
        (authority, space_type)
    );
    assert_eq!(space.skey(), "main");
    let rkey = RecordKey::from_static("self");
    let author = Did::from_static("did:plc:def");
    let record = AtUri::in_space(
        &space,
        &author,
        &Nsid::from_static("com.example.rec"),
        &rkey,
    );
    assert_eq!(format!("{record}#/a/0"), RECORD);
    assert_eq!(record.space(), Some(space.clone()));
    assert_eq!(AtUri::from(space).as_str(), SPACE);
}

#[test]
fn the_older_spelling_is_read_and_written() {
    let legacy = "ats://did:plc:abc/com.example.group/main";
    let space = SpaceRef::from_any_spelling(legacy).expect("the older spelling");
    assert_eq!(
        (space.as_str(), space.legacy_spelling().as_str()),
        (SPACE, legacy)
    );
    assert_eq!(SpaceRef::from_any_spelling(SPACE).as_ref(), Ok(&space));
    for bad in [
        "ats://did:plc:abc/com.example.group",
        "ats://alice.example/com.example.group/main",
        "ats://",
        "x",
    ] {
        let error = SpaceRef::from_any_spelling(bad).expect_err(bad);
        assert!(error.to_string().contains(bad), "{error}");
    }
}

#[test]
fn the_shared_vectors_hold() {
    let Some(path) = shared::find("vectors/space_uri_syntax.json") else {
        return;
    };
    let vectors = shared::json(&path);
    let (uris, refs) = (&vectors["at_uri_space"], &vectors["space_ref_format"]);
    for text in texts(&uris["valid"]) {
        assert_eq!(AtUri::check(text), Ok(()), "{text}");
    }
    for text in texts(&uris["invalid"]).chain(texts(&uris["lenient_only"])) {
        assert!(AtUri::check(text).is_err(), "{text}");
    }
    for text in texts(&refs["space_ref_valid"]) {
        assert_eq!(SpaceRef::check(text), Ok(()), "{text}");
    }
    for text in texts(&refs["space_ref_invalid"]) {
        assert!(SpaceRef::check(text).is_err(), "{text}");
    }
    let legacy = &vectors["legacy_happyview"];
    for (old, new) in legacy["ats_rewrite"]
        .as_object()
        .expect("a table of spellings")
    {
        let read = AtUri::from_any_spelling(old).expect("the older spelling");
        assert_eq!(Some(read.as_str()), new.as_str());
    }
    for text in texts(&legacy["ats_invalid"]) {
        assert!(AtUri::from_any_spelling(text).is_err(), "{text}");
    }
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    let list = list.as_array().expect("a list of cases");
    assert!(!list.is_empty());
    list.iter()
        .map(|text| text.as_str().expect("a case is a string"))
}
