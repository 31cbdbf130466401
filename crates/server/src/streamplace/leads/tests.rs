//! Which records are news to whom.

use bytes::Bytes;
use jiff::Timestamp;
use loggia_firehose::Record;
use loggia_syntax::{Nsid, RecordKey, Tid};
use serde_json::{Value, json};

use super::*;

fn did(name: &str) -> Did {
    Did::new(format!("did:plc:{name}")).expect("a DID")
}

fn event(action: Action, record: Option<&Value>, collection: &str) -> Event {
    let record = record.map(|record| Record::from_json(Bytes::from(record.to_string())));
    Event {
        time: Timestamp::UNIX_EPOCH,
        did: did("natalie"),
        what: EventWhat::Change(Change {
            rev: Tid::from_static("3kabcdefgh222"),
            action,
            collection: Nsid::new(collection).expect("an NSID"),
            rkey: RecordKey::from_static("3kabc"),
            cid: None,
            record,
        }),
    }
}

/// What is news to whom when natalie writes this.
fn told(record: &Value) -> Vec<(String, What)> {
    let collection = record["$type"].as_str().expect("a type");
    let event = event(Action::Create, Some(record), collection);
    let leads = leads(&event).map(|(_, leads)| leads).unwrap_or_default();
    let pair = |lead: Lead| (lead.streamer.to_string(), lead.what);
    leads.into_iter().map(pair).collect()
}

fn message(text: &str) -> Value {
    json!({
        "$type": "place.stream.chat.message",
        "text": text,
        "createdAt": "2026-01-01T00:00:00Z",
        "streamer": "did:plc:alice",
    })
}

fn naming(mut record: Value, account: &str) -> Value {
    record["facets"] = json!([{
        "index": { "byteStart": 0, "byteEnd": 1 },
        "features": [{ "$type": "app.bsky.richtext.facet#mention", "did": account }],
    }]);
    record
}

#[test]
fn a_new_message_is_chat_for_the_streamer_alone() {
    let text = "hi".to_owned();
    let chat = ("did:plc:alice".to_owned(), What::Chat { text });
    assert_eq!(told(&message("hi")), [chat]);
    let mut own = message("hi");
    own["streamer"] = json!("did:plc:natalie");
    assert_eq!(
        told(&own)[0].0,
        "did:plc:natalie",
        "their own chat is shown whole"
    );
    for action in [Action::Update, Action::Delete] {
        let event = event(action, Some(&message("hi")), "place.stream.chat.message");
        assert_eq!(leads(&event), None);
    }
    for field in ["text", "streamer"] {
        let mut broken = message("hi");
        broken[field] = json!(7);
        assert!(told(&broken).is_empty());
    }
}

#[test]
fn somebody_else_who_is_named_is_mentioned() {
    let mention = |account: &str, text: &str, chat: Option<Did>| {
        let text = text.to_owned();
        (account.to_owned(), What::Mention { text, chat })
    };
    let in_chat = told(&naming(message("@bob"), "did:plc:bob"));
    assert_eq!(
        in_chat[1],
        mention("did:plc:bob", "@bob", Some(did("alice")))
    );
    assert_eq!(told(&naming(message("@me"), "did:plc:natalie")).len(), 1);
    let post = json!({
        "$type": "app.bsky.feed.post",
        "text": "yes",
        "createdAt": "2026-01-01T00:00:00Z",
        "reply": { "parent": { "uri": "at://did:plc:carol/app.bsky.feed.post/3k", "cid": "x" } },
    });
    let both = told(&naming(post.clone(), "did:plc:bob"));
    let expected = ["did:plc:bob", "did:plc:carol"].map(|who| mention(who, "yes", None));
    assert_eq!(both, expected);
    assert_eq!(told(&post).len(), 1);
    let like = json!({
        "$type": "app.bsky.feed.like",
        "subject": { "uri": "at://did:plc:carol/app.bsky.feed.post/3k", "cid": "x" },
    });
    assert!(told(&like).is_empty());
}

#[test]
fn a_stream_is_told_unless_nobody_is_to_be_notified() {
    let mut live = json!({
        "$type": "place.stream.livestream",
        "title": "Live!",
        "createdAt": "2026-01-01T00:00:00Z",
        "url": "https://stream.place",
        "thumb": { "$type": "blob", "ref": { "$link": "bafy" }, "mimeType": "image/jpeg", "size": 1 },
        "notificationSettings": { "pushNotification": true },
    });
    let what = What::Livestream {
        title: "Live!".to_owned(),
        url: Some("https://stream.place".to_owned()),
        thumb: Some("bafy".to_owned()),
    };
    assert_eq!(told(&live), [("did:plc:natalie".to_owned(), what)]);
    live["notificationSettings"] = json!({});
    assert_eq!(told(&live).len(), 1);
    live["notificationSettings"] = json!({ "pushNotification": false });
    assert!(told(&live).is_empty());
}

#[test]
fn a_follow_is_told_to_who_is_followed() {
    for name in FOLLOWS {
        let mut follow = json!({ "$type": name, "subject": "did:plc:alice" });
        assert_eq!(told(&follow), [("did:plc:alice".to_owned(), What::Follow)]);
        follow["subject"] = json!("did:plc:natalie");
        assert!(told(&follow).is_empty());
    }
}

#[test]
fn a_text_without_end_is_shortened() {
    let told = told(&message(&"é".repeat(100_000)));
    let What::Chat { text } = &told[0].1 else {
        panic!("chat: {told:?}");
    };
    assert_eq!(text.len(), LONGEST_TEXT);
}
