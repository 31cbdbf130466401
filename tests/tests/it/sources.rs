//! Sources of records that are not ours, and one that is shaped like one, read through real sockets.

use loggia_firehose::{Action, Change, Event, SourceKind, What};
use serde_json::{Value, json};

use crate::support::ReferenceServers;
use crate::support::jetstream::{Framing, Jetstream};
use crate::support::reading::{Taken, read, read_signed, source};

const ALICE: &str = "did:plc:eygmaihciaxprqvxpfvl6flk";
const POST: &str = "app.bsky.feed.post";

fn changes(events: &[Event]) -> Vec<&Change> {
    events
        .iter()
        .filter_map(|event| match &event.what {
            What::Change(change) => Some(change),
            _ => None,
        })
        .collect()
}

fn texts(events: &[Event]) -> Vec<String> {
    let text = |change: &Change| {
        let record = change.record.as_ref()?;
        let record: Value = serde_json::from_slice(record.as_json()).expect("JSON");
        Some(record["text"].as_str()?.to_owned())
    };
    changes(events).into_iter().filter_map(text).collect()
}

fn both() -> [(Framing, SourceKind); 2] {
    [
        (Framing::First, SourceKind::Jetstream),
        (Framing::Second, SourceKind::Jetstream2),
    ]
}

fn post(jetstream: &Jetstream, number: usize) {
    let record = json!({"$type": POST, "text": number.to_string()});
    jetstream.commit(ALICE, "create", &format!("{POST}/{number}"), Some(record));
}

fn numbers(range: std::ops::RangeInclusive<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

#[tokio::test]
async fn a_pds_tells_what_its_accounts_did_and_its_signatures_hold() {
    let reference = ReferenceServers::start();
    let alice = reference.account("alice").await;
    let pds = source(SourceKind::Repos, std::slice::from_ref(&reference.pds));
    let host = pds.hosts[0].identity().to_owned();
    let beginning = loggia_firehose::Cursor {
        source: host,
        position: 0,
        time: jiff::Timestamp::UNIX_EPOCH,
    };
    let reader = read_signed(pds.clone(), vec![beginning.clone()], &reference);

    let image = json!({"$bytes": "AQID"});
    let record =
        json!({"$type": POST, "text": "one", "createdAt": "2026-01-01T00:00:00Z", "x": image});
    let first = alice.create(POST, &record).await;
    // Enough records that the tree has several layers.
    for number in 0..40 {
        alice
            .create(POST, &json!({"$type": POST, "text": number.to_string()}))
            .await;
    }
    alice
        .put(&first, &json!({"$type": POST, "text": "two"}))
        .await;
    alice.delete(&first).await;

    let mut taken = Taken::default();
    let is_gone = |change: &&Change| change.action == Action::Delete;
    reader
        .take_until(&mut taken, |taken| {
            changes(&taken.events).iter().any(is_gone)
        })
        .await;
    check_what_alice_did(&taken, &alice.did, &first.cid, &record);

    // Whoever comes again goes on after what is done, and whoever believes the host hears the same.
    let cursor = taken.cursor.clone().expect("a cursor");
    drop(reader);
    let again = read_signed(pds.clone(), vec![cursor], &reference);
    alice
        .create(POST, &json!({"$type": POST, "text": "three"}))
        .await;
    assert_eq!(texts(&again.take(1).await.events), ["three"]);
    let unsigned = read(pds, vec![beginning]).take(taken.events.len()).await;
    assert_eq!(unsigned.events[..taken.events.len()], taken.events);
}

/// An account was made, 41 posts, and the first of them was changed and deleted.
fn check_what_alice_did(taken: &Taken, did: &str, cid: &str, record: &Value) {
    assert!(taken.malformed.is_empty(), "{:?}", taken.malformed);
    assert!(taken.events.iter().all(|event| event.did.as_str() == did));
    let kinds = |wanted: fn(&What) -> bool| taken.events.iter().any(|event| wanted(&event.what));
    assert!(kinds(
        |what| matches!(what, What::Identity { handle: Some(handle) } if handle == "alice.test")
    ));
    assert!(kinds(|what| matches!(
        what,
        What::Account { active: true, .. }
    )));

    let posts: Vec<&Change> = changes(&taken.events)
        .into_iter()
        .filter(|change| change.collection == POST)
        .collect();
    assert_eq!(posts.len(), 43);
    let json: Value = serde_json::from_slice(posts[0].record.as_ref().expect("a record").as_json())
        .expect("JSON");
    assert_eq!(&json, record);
    assert_eq!(posts[0].cid.as_ref().expect("a hash").as_str(), cid);
    assert_eq!(posts[41].action, Action::Update);
    assert_eq!(posts[42].action, Action::Delete);
    assert!(posts.is_sorted_by_key(|change| change.rev.as_str()));
}

#[tokio::test]
async fn a_cursor_from_the_future_is_a_gap_and_not_the_end() {
    let reference = ReferenceServers::start();
    let alice = reference.account("alice").await;
    let pds = source(SourceKind::Repos, std::slice::from_ref(&reference.pds));
    let future = loggia_firehose::Cursor {
        source: pds.hosts[0].identity().to_owned(),
        position: 1_000_000,
        time: "2026-01-01T00:00:00Z".parse().expect("a time"),
    };
    let reader = read(pds, vec![future.clone()]);
    // The first connection is told off, the second one is let in from now on.
    reader
        .until(|health| health.connections == 2 && health.connected)
        .await;
    alice
        .create(POST, &json!({"$type": POST, "text": "now"}))
        .await;
    let mut taken = Taken::default();
    reader
        .take_until(&mut taken, |taken| texts(&taken.events) == ["now"])
        .await;
    assert_eq!(taken.gaps.len(), 1);
    assert_eq!(taken.gaps[0].from, future.time);
}

#[tokio::test]
async fn jetstream_goes_on_where_it_was_after_a_hang_up() {
    for (framing, kind) in both() {
        let jetstream = Jetstream::start(framing).await;
        let reader = read(source(kind, &[jetstream.url()]), vec![]);
        reader.until(|health| health.connected).await;
        (1..=3).for_each(|number| post(&jetstream, number));
        assert_eq!(texts(&reader.take(3).await.events), numbers(1..=3));
        jetstream.refuse(true);
        jetstream.hang_up();
        (4..=6).for_each(|number| post(&jetstream, number));
        reader.until(|health| health.failures > 3).await;
        jetstream.refuse(false);
        let mut taken = Taken::default();
        let has_six = |taken: &Taken| texts(&taken.events).contains(&"6".to_owned());
        reader.take_until(&mut taken, has_six).await;
        let texts = texts(&taken.events);
        // The first protocol is asked for two seconds more, which come again.
        let expected = match kind {
            SourceKind::Jetstream2 => numbers(4..=6),
            _ => numbers(1..=6),
        };
        assert_eq!(texts, expected, "{kind:?}");
        assert!(taken.gaps.is_empty() && taken.malformed.is_empty());
    }
}

#[tokio::test]
async fn what_jetstream_has_forgotten_is_a_gap() {
    for (framing, kind) in both() {
        let jetstream = Jetstream::start(framing).await;
        let reader = read(source(kind, &[jetstream.url()]), vec![]);
        reader.until(|health| health.connected).await;
        post(&jetstream, 1);
        let cursor = reader.take(1).await.cursor.expect("a cursor");
        drop(reader);
        // An hour of it, of which the end is kept.
        (2..=4).for_each(|number| post(&jetstream, number));
        jetstream.pass(3_600_000);
        (5..=6).for_each(|number| post(&jetstream, number));
        jetstream.keep_only(2);
        let reader = read(source(kind, &[jetstream.url()]), vec![cursor.clone()]);
        let taken = reader.take(2).await;
        assert_eq!(texts(&taken.events), numbers(5..=6), "{kind:?}");
        assert_eq!(taken.gaps.len(), 1, "{kind:?}");
        assert_eq!(taken.gaps[0].from, cursor.time);
    }
}

#[tokio::test]
async fn garbage_is_passed_over_and_filters_are_asked_for() {
    for (framing, kind) in both() {
        let jetstream = Jetstream::start(framing).await;
        let mut wanting = source(kind, &[jetstream.url()]);
        wanting.wanted = loggia_firehose::Wanted::of([POST]);
        let reader = read(wanting, vec![]);
        reader.until(|health| health.connected).await;
        post(&jetstream, 1);
        jetstream.say_garbage("not for you");
        jetstream.commit(ALICE, "delete", "app.bsky.feed.like/1", None);
        jetstream.account(ALICE, false);
        jetstream.commit(ALICE, "delete", "app.bsky.feed.post/1", None);
        let taken = reader.take(3).await;
        assert_eq!((taken.events.len(), taken.malformed.len()), (3, 1));
        assert_eq!(changes(&taken.events).len(), 2);
        assert!(jetstream.queries()[0].ends_with("ollections=app.bsky.feed.post"));
        assert_eq!(reader.0.health().connections, 1);
    }
}

#[tokio::test]
async fn another_host_takes_over() {
    for (framing, kind) in both() {
        let (one, other) = (
            Jetstream::start(framing).await,
            Jetstream::start(framing).await,
        );
        let reader = read(source(kind, &[one.url(), other.url()]), vec![]);
        reader.until(|health| health.connected).await;
        for number in 1..=2 {
            post(&one, number);
            post(&other, number);
        }
        assert_eq!(texts(&reader.take(2).await.events), numbers(1..=2));
        one.refuse(true);
        one.hang_up();
        post(&other, 3);
        let mut taken = Taken::default();
        let has_three = |taken: &Taken| texts(&taken.events).contains(&"3".to_owned());
        reader.take_until(&mut taken, has_three).await;
        // Both numbers are of other hosts, and times are of everybody's.
        assert_eq!(texts(&taken.events), numbers(1..=3));
        assert!(taken.gaps.is_empty());
        assert!(
            taken
                .cursor
                .expect("a cursor")
                .source
                .ends_with(&other.url()["ws://".len()..])
        );
    }
}
