//! Looking for references without parsing finds what parsing finds, and no scope makes reading panic.
//!
//! The input is a scope, a line break, and a record.

#![no_main]

use std::fmt;

use libfuzzer_sys::fuzz_target;
use loggia_firehose::{
    Action, Actions, Change, Event, Matcher, Matches, Record, References, Scope, What,
};
use loggia_syntax::{Cid, Did, Nsid, RecordKey, Tid};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

const ALICE: &str = "at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";

fuzz_target!(|data: &[u8]| {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (scope, record) = data.split_at(end);
    if let Ok(scope) = std::str::from_utf8(scope) {
        let read = Scope::read(scope, true, Actions::ALL);
        let matches = |scope: &Scope| scope.collection().is_none_or(|it| it.matches("a.b.c"));
        read.iter()
            .for_each(|scope| drop(std::hint::black_box(matches(scope))));
    }
    let Ok(Refers(refers)) = serde_json::from_slice(record) else {
        return;
    };
    let found = found(record);
    match found.too_complex {
        None => assert_eq!(!found.keys.is_empty(), refers),
        Some(_) => assert!(found.keys.is_empty()),
    }
});

/// Whether somebody else's record refers to alice.
fn found(record: &[u8]) -> Matches<u8> {
    let mut matcher = Matcher::new();
    let scope = Scope::read(ALICE, true, Actions::ALL).expect("a scope");
    matcher.insert(1, scope);
    let event = Event {
        time: jiff::Timestamp::UNIX_EPOCH,
        did: Did::from_static("did:plc:bbbbbbbbbbbbbbbbbbbbbbbb"),
        what: What::Change(Change {
            rev: Tid::from_static("3lq6x5f2abcde"),
            action: Action::Create,
            collection: Nsid::from_static("a.b.c"),
            rkey: RecordKey::from_static("one"),
            cid: None::<Cid>,
            record: Some(Record::from_json(record.to_vec().into())),
        }),
    };
    let mut found = Matches::default();
    matcher.matches(&event, &References::default(), &mut found);
    let likely = matcher.sift(std::slice::from_ref(&event)) == [true];
    assert!(likely || found == Matches::default());
    found
}

/// Whether any string of a value refers to alice, members that are there twice included.
struct Refers(bool);

impl<'de> Deserialize<'de> for Refers {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Refers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<Refers, E> {
        Ok(Refers(is_reference(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Refers, A::Error> {
        let mut any = false;
        while let Some(Refers(one)) = from.next_element()? {
            any |= one;
        }
        Ok(Refers(any))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Refers, A::Error> {
        let mut any = false;
        while let Some((IgnoredAny, Refers(one))) = from.next_entry()? {
            any |= one;
        }
        Ok(Refers(any))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Refers, E> {
        Ok(Refers(false))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Refers, E> {
        Ok(Refers(false))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Refers, E> {
        Ok(Refers(false))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Refers, E> {
        Ok(Refers(false))
    }

    fn visit_unit<E>(self) -> Result<Refers, E> {
        Ok(Refers(false))
    }
}

fn is_reference(text: &str) -> bool {
    let blank = |letter: char| letter.is_whitespace() || letter == '\u{feff}';
    let end = |letter: char| "),;!?]}'\".".contains(letter);
    let text = text.trim_matches(blank).trim_end_matches(end);
    let Some(rest) = text.strip_prefix(ALICE).filter(|_| text.len() <= 2048) else {
        return false;
    };
    let Some(path) = rest.strip_prefix('/') else {
        return rest.is_empty();
    };
    let (collection, rkey) = path
        .split_once('/')
        .map_or((path, None), |(c, r)| (c, Some(r)));
    let of = |text: &str, most, more: &str| {
        let known = |letter: char| letter.is_ascii_alphanumeric() || more.contains(letter);
        (1..=most).contains(&text.len()) && text.chars().all(known)
    };
    of(collection, 253, ".-") && rkey.is_none_or(|rkey| of(rkey, 512, "._~:%@+-"))
}
