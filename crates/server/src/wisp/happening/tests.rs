use loggia_firehose::{Action, Record};
use loggia_syntax::{Cid, Tid};

use super::*;

const RELAY: &str = "wss://jetstream2.us-east.bsky.network/subscribe";
const CID: Cid = Cid::from_static("bafyreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
const OWNER: Did = Did::from_static("did:plc:bbbbbbbbbbbbbbbbbbbbbbbb");
const HOOK: RecordKey = RecordKey::from_static("hook");

fn event(action: Action, collection: &str, cid: Option<Cid>, record: Option<&str>) -> Event {
    Event {
        time: Timestamp::from_microsecond(1_700_000_000_000_000).expect("a time"),
        did: Did::from_static("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"),
        what: What::Change(Change {
            rev: Tid::from_static("3lq6x5f2abcde"),
            action,
            collection: collection.parse().expect("an NSID"),
            rkey: RecordKey::from_static("one"),
            cid,
            record: record.map(|text| Record::from_json(Bytes::copy_from_slice(text.as_bytes()))),
        }),
    }
}

fn created(collection: &str, record: &str) -> Event {
    event(Action::Create, collection, Some(CID), Some(record))
}

fn of(event: &Event) -> Happening<'_> {
    Happening::of(event, RELAY).expect("a change")
}

fn body(event: &Event, version: Version) -> String {
    let body = of(event).body(version).expect("fit to be told");
    String::from_utf8(body.to_vec()).expect("UTF-8")
}

#[test]
fn names_of_the_newer_version_are_those_of_its_service() {
    let event = event(Action::Create, "app.bsky.feed.post", None, None);
    assert_eq!(
        of(&event).id(Version::Second),
        "whe_v1_2ef6ad30fd424227f35b427c540c4a829488d7ba602f0ad7da18594976e80e08"
    );
    assert_eq!(
        of(&event).key(Version::Second, &OWNER, &HOOK),
        "whd_v1_ea481a6ee1024c3be3a29ac1c31305dddfd507e917a6f0c3fc1fe736d5c961e9"
    );
}

#[test]
fn the_same_id_for_two_webhooks_on_one_event_and_a_key_for_each() {
    let event = created("app.bsky.feed.post", "{}");
    let other = RecordKey::from_static("other");
    for version in [Version::First, Version::Second] {
        let happening = of(&event);
        assert_eq!(happening.id(version), of(&event.clone()).id(version));
        let key = happening.key(version, &OWNER, &HOOK);
        assert_eq!(key, happening.key(version, &OWNER, &HOOK));
        assert_ne!(key, happening.key(version, &OWNER, &other));
    }
}

#[test]
fn the_first_version_names_an_event_alike_wherever_it_is_seen() {
    let event = created("app.bsky.feed.post", "{}");
    let later = Event {
        time: Timestamp::from_second(1_800_000_000).expect("a time"),
        ..event.clone()
    };
    let there = Happening::of(&later, "wss://relay.example/").expect("a change");
    assert_eq!(there.id(Version::First), of(&event).id(Version::First));
    assert_eq!(there.source(), of(&event).source());
    assert_ne!(there.id(Version::Second), of(&event).id(Version::Second));
    let id = there.id(Version::First);
    assert!(
        id.parse::<uuid::Uuid>()
            .is_ok_and(|id| id.get_version_num() == 8)
    );
}

#[test]
fn the_body_has_exactly_these_members_in_the_order_of_the_page() {
    let event = created(
        "app.bsky.feed.post",
        r#"{"text":"é","$type":"app.bsky.feed.post"}"#,
    );
    let id = of(&event).id(Version::First);
    let expected = format!(
        r#"{{"id":"{id}","event":"create","did":"did:plc:aaaaaaaaaaaaaaaaaaaaaaaa","collection":"app.bsky.feed.post","rkey":"one","cid":"{CID}","record":{{"text":"é","$type":"app.bsky.feed.post"}},"timestamp":"2023-11-14T22:13:20.000Z"}}"#
    );
    assert_eq!(body(&event, Version::First), expected);
}

#[test]
fn the_body_of_the_newer_version_is_canonical() {
    let event = created(
        "app.bsky.feed.post",
        r#"{ "text":"é", "$type":"app.bsky.feed.post" }"#,
    );
    let id = of(&event).id(Version::Second);
    let expected = format!(
        r#"{{"cid":"{CID}","collection":"app.bsky.feed.post","did":"did:plc:aaaaaaaaaaaaaaaaaaaaaaaa","event":"create","id":"{id}","record":{{"$type":"app.bsky.feed.post","text":"é"}},"rkey":"one","timestamp":"2023-11-14T22:13:20.000Z"}}"#
    );
    assert_eq!(body(&event, Version::Second), expected);
}

#[test]
fn a_delete_has_neither_record_nor_cid() {
    let event = event(Action::Delete, "app.bsky.feed.like", None, None);
    for version in [Version::First, Version::Second] {
        let body: Value = serde_json::from_str(&body(&event, version)).expect("JSON");
        let members: Vec<_> = body.as_object().expect("an object").keys().collect();
        let mut members: Vec<_> = members.into_iter().map(String::as_str).collect();
        members.sort_unstable();
        assert_eq!(
            members,
            ["collection", "did", "event", "id", "rkey", "timestamp"]
        );
        assert_eq!(body["event"], "delete");
    }
}

#[test]
fn another_webhook_sees_the_record_without_secret() {
    let record = r#"{"url":"https://a.example","secret":"hush","scope":{"secret":"kept"},"secre\u0074":"twice","secretId":"s"}"#;
    let event = created(COLLECTION, record);
    assert!(of(&event).is_of(
        &Did::from_static("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"),
        &RecordKey::from_static("one")
    ));
    assert!(!of(&event).is_of(&OWNER, &RecordKey::from_static("one")));
    let shown = r#""record":{"url":"https://a.example","scope":{"secret":"kept"},"secretId":"s"}"#;
    let first = body(&event, Version::First);
    assert!(first.contains(shown), "{first}");
    for text in [first, body(&event, Version::Second)] {
        assert!(!text.contains("hush") && !text.contains("twice"), "{text}");
    }
    let elsewhere = created("a.b.c", record);
    assert!(body(&elsewhere, Version::First).contains("hush"));
    assert!(!of(&elsewhere).is_of(&elsewhere.did, &RecordKey::from_static("one")));
}

#[test]
fn what_is_too_much_for_receivers_is_not_told() {
    let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(512 * 1024));
    let event = created("a.b.c", &long);
    for version in [Version::First, Version::Second] {
        assert_eq!(of(&event).body(version), Err(Unfit::Size));
    }
    let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(100), "]".repeat(100));
    let event = created("a.b.c", &deep);
    assert_eq!(of(&event).body(Version::Second), Err(Unfit::Depth));
    let event = created("a.b.c", "{");
    assert_eq!(of(&event).body(Version::First), Err(Unfit::Unreadable));
}

#[test]
fn a_source_says_what_was_done() {
    let event = created("app.bsky.feed.post", "{}");
    let source = of(&event).source();
    let cause = Cause::read(&source).expect("a source");
    assert_eq!((cause.action, cause.cid), ("create", Some(CID.as_str())));
    let event = self::event(Action::Delete, "app.bsky.feed.post", None, None);
    let source = of(&event).source();
    let cause = Cause::read(&source).expect("a source");
    assert_eq!((cause.action, cause.cid), ("delete", None));
    for other in ["", "wisp:", "wisp:a:b", "streamplace:a:b:c:d"] {
        assert_eq!(Cause::read(other), None, "{other}");
    }
}

#[test]
fn what_is_no_change_is_no_happening() {
    let event = Event {
        what: What::Identity { handle: None },
        ..created("a.b.c", "{}")
    };
    assert!(Happening::of(&event, RELAY).is_none());
}
