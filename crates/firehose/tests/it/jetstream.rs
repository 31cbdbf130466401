//! What frames of Jetstream say.

use loggia_firehose::{Action, Event, Frame, Notice, Reason, Wanted, What, jetstream};
use serde_json::{Value, json};

const DID: &str = "did:plc:eygmaihciaxprqvxpfvl6flk";
const CID: &str = "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a";

/// A commit of the first protocol.
fn commit(operation: &str, members: Value) -> Value {
    let mut commit = json!({
        "rev": "3l3qo2vutsw2b",
        "operation": operation,
        "collection": "app.bsky.feed.like",
        "rkey": "3l3qo2vuowo2b",
    });
    let fields = commit.as_object_mut().expect("an object");
    fields.extend(members.as_object().expect("an object").clone());
    json!({"did": DID, "time_us": 1_725_911_162_329_308_i64, "kind": "commit", "commit": commit})
}

fn like() -> Value {
    let record = json!({"$type": "app.bsky.feed.like", "text": "é\u{0}"});
    commit("create", json!({"record": record, "cid": CID}))
}

fn read(frame: &Value) -> Result<Frame, Reason> {
    let frame = serde_json::to_vec(frame).expect("JSON");
    jetstream::read(&frame, &Wanted::all()).map_err(|malformed| malformed.reason)
}

fn read2(frame: &Value) -> Result<Frame, Reason> {
    let frame = serde_json::to_vec(frame).expect("JSON");
    jetstream::read2(&frame, &Wanted::all()).map_err(|malformed| malformed.reason)
}

fn only(frame: Frame) -> Event {
    assert_eq!(frame.events.len(), 1, "{frame:?}");
    frame.events.into_iter().next().expect("one")
}

#[test]
fn a_record_that_is_created() {
    let frame = read(&like()).expect("a frame");
    let place = frame.place.expect("a place");
    assert_eq!(place.position, 1_725_911_162_329_308);
    assert_eq!(place.time.to_string(), "2024-09-09T19:46:02.329308Z");
    let event = only(frame);
    assert_eq!(
        event.uri().expect("a record").as_str(),
        format!("at://{DID}/app.bsky.feed.like/3l3qo2vuowo2b")
    );
    let What::Change(change) = event.what else {
        panic!("a change");
    };
    assert_eq!(change.action, Action::Create);
    assert_eq!(change.rev.as_str(), "3l3qo2vutsw2b");
    assert_eq!(change.cid.expect("a hash").as_str(), CID);
    let record = change.record.expect("a record");
    let record: Value = serde_json::from_slice(record.as_json()).expect("JSON");
    assert_eq!(record, like()["commit"]["record"]);
}

#[test]
fn updates_and_deletes() {
    let record = json!({"record": {"a": 1}, "cid": CID});
    for (operation, members, action) in [
        ("update", record.clone(), Action::Update),
        ("delete", json!({}), Action::Delete),
        // Whoever sends a record along with a delete does not change what a delete is.
        ("delete", record, Action::Delete),
    ] {
        let event = only(read(&commit(operation, members)).expect("a frame"));
        let What::Change(change) = event.what else {
            panic!("a change");
        };
        assert_eq!(change.action, action);
        assert_eq!(change.record.is_some(), action != Action::Delete);
        assert_eq!(change.cid.is_some(), action != Action::Delete);
    }
}

#[test]
fn accounts_and_identities() {
    let frame = |kind: &str, members: Value| json!({"did": DID, "time_us": 1_725_516_665_234_703_i64, "kind": kind, kind: members});
    let identity = frame(
        "identity",
        json!({"did": DID, "handle": "alice.test", "seq": 1}),
    );
    let What::Identity { handle } = only(read(&identity).expect("a frame")).what else {
        panic!("an identity");
    };
    assert_eq!(handle.expect("a handle").as_str(), "alice.test");
    let account = frame(
        "account",
        json!({"active": false, "did": DID, "seq": 2, "status": "x".repeat(100)}),
    );
    let What::Account { active, status } = only(read(&account).expect("a frame")).what else {
        panic!("an account");
    };
    assert!(!active);
    assert_eq!(status.expect("a status").len(), 64);
    let unknown = frame("weather", json!({"rain": true}));
    let unknown = read(&unknown).expect("a frame");
    assert!(unknown.events.is_empty() && unknown.place.is_some());
}

#[test]
fn what_is_not_wanted_is_not_made() {
    let frame = serde_json::to_vec(&like()).expect("JSON");
    for (pattern, wanted) in [
        ("app.bsky.feed.like", true),
        ("app.bsky.feed.*", true),
        ("app.bsky.feed.post", false),
        ("app.bsky.feed", false),
        ("app.*", true),
    ] {
        let frame = jetstream::read(&frame, &Wanted::of([pattern])).expect("a frame");
        assert_eq!(frame.events.len(), usize::from(wanted), "{pattern}");
        assert!(frame.place.is_some(), "{pattern}");
    }
}

#[test]
fn malformed_frames_say_why() {
    let with = |pointer: &str, value: Value| {
        let mut frame = like();
        *frame.pointer_mut(pointer).expect("a member") = value;
        read(&frame).expect_err(pointer)
    };
    assert_eq!(with("/did", json!("alice")), Reason::Identifier);
    assert_eq!(with("/did", json!(5)), Reason::Shape);
    assert_eq!(with("/time_us", json!(i64::MAX)), Reason::Identifier);
    assert_eq!(with("/commit", json!(null)), Reason::Shape);
    assert_eq!(with("/commit/rev", json!("soon")), Reason::Identifier);
    assert_eq!(with("/commit/operation", json!("destroy")), Reason::Shape);
    assert_eq!(
        with("/commit/collection", json!("likes")),
        Reason::Identifier
    );
    assert_eq!(with("/commit/rkey", json!("a b")), Reason::Identifier);
    assert_eq!(with("/commit/cid", json!("x")), Reason::Identifier);
    assert_eq!(with("/commit/cid", json!(null)), Reason::Shape);
    assert_eq!(with("/commit/record", json!([1])), Reason::Record);
    assert_eq!(
        with("/commit/record", json!({"a": "b".repeat(1 << 20)})),
        Reason::Record
    );
    for (frame, reason) in [
        (&b"{"[..], Reason::Syntax),
        (b"", Reason::Syntax),
        (b"\xff{}", Reason::Syntax),
        (b"[]", Reason::Shape),
        (b"{}", Reason::Shape),
        (
            br#"{"did":"did:a:b","did":"did:a:b","time_us":1,"kind":"x"}"#,
            Reason::Shape,
        ),
    ] {
        let malformed = jetstream::read(frame, &Wanted::all()).expect_err("malformed");
        assert_eq!(malformed.reason, reason, "{frame:?}");
        assert_eq!(malformed.position, None);
    }
}

/// A message of the second protocol.
fn message(kind: &str, members: Value) -> Value {
    let mut payload = json!({
        "$type": format!("network.bsky.jetstream.subscribeEvents#{kind}"),
        "seq": 4711,
        "did": DID,
        "time": "2026-08-12T10:00:00.000001Z",
        "witnessedAt": "2026-08-12T10:00:01.000002Z",
    });
    let fields = payload.as_object_mut().expect("an object");
    fields.extend(members.as_object().expect("an object").clone());
    json!({"$type": "message", "payload": payload})
}

#[test]
fn the_second_protocol_says_the_same() {
    let mut members = like()["commit"].clone();
    let frame = read2(&message("commit", members.clone())).expect("a frame");
    let place = frame.place.expect("a place");
    assert_eq!(place.position, 4711);
    assert_eq!(place.time.to_string(), "2026-08-12T10:00:01.000002Z");
    let event = only(frame);
    assert_eq!(event.time.to_string(), "2026-08-12T10:00:00.000001Z");
    let first = only(read(&like()).expect("a frame"));
    assert_eq!((event.did, event.what), (first.did, first.what));

    members["rev"] = json!(null);
    assert_eq!(read2(&message("commit", members)), Err(Reason::Shape));
    let sync = read2(&message(
        "sync",
        json!({"sync": {"blocks": {"$bytes": "AA"}}}),
    ));
    assert_eq!(only(sync.expect("a frame")).what, What::Resync);
    let account = read2(&message("account", json!({"account": {"active": true}})));
    let account = only(account.expect("a frame"));
    assert_eq!(
        account.what,
        What::Account {
            active: true,
            status: None
        }
    );
    let identity = read2(&message("identity", json!({"identity": {"handle": "no"}})));
    let identity = only(identity.expect("a frame"));
    assert_eq!(identity.what, What::Identity { handle: None });
    assert!(
        read2(&message("weather", json!({})))
            .expect("a frame")
            .events
            .is_empty()
    );
}

#[test]
fn notices_of_the_second_protocol() {
    let info = |name: &str| {
        let kind = "network.bsky.jetstream.subscribeEvents#info";
        json!({"$type": "message", "payload": {"$type": kind, "name": name}})
    };
    let error = |name: &str| json!({"$type": "error", "error": name, "message": "bye"});
    for (frame, notice) in [
        (info("OutdatedCursor"), Some(Notice::Outdated)),
        (info("FutureCursor"), Some(Notice::Future)),
        (info("Weather"), None),
        (error("ConsumerTooSlow"), Some(Notice::End)),
        (error("FutureCursor"), Some(Notice::Future)),
    ] {
        let read = read2(&frame).expect("a frame");
        assert_eq!((read.notice, read.place), (notice, None), "{frame}");
    }
    assert_eq!(read2(&json!({"$type": "message"})), Err(Reason::Shape));
}
