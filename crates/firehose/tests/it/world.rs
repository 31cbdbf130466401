//! Events and scopes of our own making.

use bytes::Bytes;
use jiff::Timestamp;
use loggia_firehose::{
    Action, Actions, Change, Event, Matcher, Matches, Record, References, Scope, What,
};
use loggia_syntax::{Cid, Tid};

pub const ALICE: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
pub const BOB: &str = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";
pub const CAROL: &str = "did:web:carol.example";

/// A change of a record; the record of one that is deleted is left out.
pub fn event(action: Action, did: &str, collection: &str, rkey: &str, record: &str) -> Event {
    let there = action != Action::Delete;
    let cid = Cid::from_static("bafyreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
    let record = Record::from_json(Bytes::copy_from_slice(record.as_bytes()));
    Event {
        time: Timestamp::constant(1_700_000_000, 0),
        did: did.parse().expect("a DID"),
        what: What::Change(Change {
            rev: Tid::from_static("3lq6x5f2abcde"),
            action,
            collection: collection.parse().expect("an NSID"),
            rkey: rkey.parse().expect("a record key"),
            cid: there.then_some(cid),
            record: there.then_some(record),
        }),
    }
}

pub fn post(did: &str, record: &str) -> Event {
    event(Action::Create, did, "app.bsky.feed.post", "one", record)
}

/// A scope of everything that happens to it.
pub fn scope(aturi: &str, backlinks: bool) -> Scope {
    Scope::read(aturi, backlinks, Actions::ALL).expect("a scope")
}

/// A matcher of scopes, each by its place.
pub fn matcher(scopes: &[Scope]) -> Matcher<usize> {
    let mut matcher = Matcher::new();
    for (place, scope) in scopes.iter().enumerate() {
        matcher.insert(place, scope.clone());
    }
    matcher
}

/// Whom the matcher finds, in order.
pub fn found(matcher: &Matcher<usize>, event: &Event, earlier: &References) -> Matches<usize> {
    let mut found = Matches::default();
    matcher.matches(event, earlier, &mut found);
    found.keys.sort_unstable();
    found
}

/// Whether a single scope is met by an event of a record that was not known before.
pub fn meets(scope: &Scope, event: &Event) -> bool {
    let found = found(
        &matcher(std::slice::from_ref(scope)),
        event,
        &References::default(),
    );
    assert_eq!(found.too_complex, None);
    assert!(found.keys.len() <= 1, "each scope at most once");
    !found.keys.is_empty()
}
