//! A stream over sockets that do as they are told; time is tokio's own, and stands still.

mod compressed;
mod unreadable;

use std::sync::Arc;
use std::time::Duration;

use ipld_core::ipld;
use jiff::Timestamp;
use loggia_firehose::{Batch, Cursor, Gap, Message, Reason, SourceKind, What};
use serde_json::json;

use crate::repo;
use crate::script::{Connection, Script, source, text};

const NOON: i64 = 1_760_000_000_000_000;

/// An event of the first protocol, so many microseconds after noon.
fn at(micros: i64) -> Message {
    text(at_text(micros))
}

fn at_text(micros: i64) -> String {
    let time = NOON + micros;
    let frame = json!({
        "did": "did:plc:eygmaihciaxprqvxpfvl6flk", "time_us": time, "kind": "identity",
        "identity": {"handle": "alice.test"},
    });
    frame.to_string()
}

/// An event of the second protocol.
fn numbered(seq: i64, micros: i64) -> Message {
    let time = moment(micros).to_string();
    let frame = json!({"$type": "message", "payload": {
        "$type": "network.bsky.jetstream.subscribeEvents#account", "seq": seq, "time": time,
        "did": "did:plc:eygmaihciaxprqvxpfvl6flk", "account": {"active": true},
    }});
    text(frame.to_string())
}

/// An event of `subscribeRepos`.
fn account(seq: i64, micros: i64) -> Message {
    let time = moment(micros).to_string();
    let payload = ipld!({"seq": seq, "did": repo::DID, "time": time, "active": true});
    Message::Binary(repo::frame("#account", &payload))
}

fn moment(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(NOON + micros).expect("a time")
}

fn cursor(host: &str, position: i64, micros: i64) -> Cursor {
    Cursor {
        source: format!("wss://{host}/subscribe"),
        position,
        time: moment(micros),
    }
}

/// Takes batches until this many events came.
async fn take(stream: &loggia_firehose::Stream, events: usize) -> Batch {
    let mut all = Batch::default();
    while all.events.len() < events {
        let batch = stream.next(512).await;
        all.events.extend(batch.events);
        all.malformed.extend(batch.malformed);
        all.gap = all.gap.or(batch.gap);
        all.cursor = batch.cursor;
        all.frames += batch.frames;
    }
    all
}

#[tokio::test(start_paused = true)]
async fn reads_from_now_on_without_a_cursor() {
    let script = Script::new([Connection::Hold(vec![at(1), at(2), at(3)])]);
    let stream = script.stream(source(SourceKind::Jetstream, &["a.test"]), vec![]);
    let batch = take(&stream, 3).await;
    assert_eq!(batch.cursor, Some(cursor("a.test", NOON + 3, 3)));
    assert_eq!((batch.gap, batch.frames), (None, 3));
    assert_eq!(script.asked(), ["a.test/subscribe"]);
    stream.done(&cursor("a.test", NOON + 3, 3));
    let health = stream.health();
    assert!(health.connected);
    assert_eq!(health.host, "a.test");
    assert_eq!(health.done, health.read);
    assert_eq!((health.frames, health.queued, health.failures), (3, 0, 0));
}

/// From such a place a source would go on only then, and what happened until then would be missed.
#[tokio::test(start_paused = true)]
async fn what_is_dated_in_the_future_does_not_say_how_far_was_read() {
    let year = 365 * 24 * 3600 * 1_000_000;
    let script = Script::new([Connection::Hold(vec![
        at(1),
        at(year),
        Message::Text("{".into()),
    ])]);
    let stream = script.stream(source(SourceKind::Jetstream, &["a.test"]), vec![]);
    let batch = take(&stream, 2).await;
    assert_eq!(batch.cursor, Some(cursor("a.test", NOON + 1, 1)));
}

#[tokio::test(start_paused = true)]
async fn a_batch_takes_no_more_than_it_is_asked_for() {
    let script = Script::new([Connection::Hold((1..=9).map(at).collect())]);
    let stream = script.stream(source(SourceKind::Jetstream, &["a.test"]), vec![]);
    let mut sizes = Vec::new();
    while sizes.iter().sum::<usize>() < 9 {
        // Giving up on a batch loses nothing.
        let given_up = tokio::time::timeout(Duration::ZERO, std::future::pending::<()>()).await;
        assert!(given_up.is_err());
        sizes.push(stream.next(2).await.frames);
    }
    assert!(sizes.iter().all(|size| (1..=2).contains(size)), "{sizes:?}");
}

#[tokio::test(start_paused = true)]
async fn resumes_two_seconds_earlier_on_any_host() {
    let script = Script::new([Connection::Hold(vec![at(4_000_000)])]);
    let from = vec![
        cursor("b.test", NOON + 3_000_000, 3_000_000),
        cursor("a.test", NOON, 0),
    ];
    let stream = script.stream(source(SourceKind::Jetstream, &["a.test"]), from);
    assert_eq!(take(&stream, 1).await.gap, None);
    let asked = format!("a.test/subscribe?cursor={}", NOON + 1_000_000);
    assert_eq!(script.asked(), [asked]);
}

#[tokio::test(start_paused = true)]
async fn a_long_silence_is_a_gap() {
    let hour = 3_600_000_000;
    let script = Script::new([Connection::Hold(vec![at(hour), at(hour + 1)])]);
    let from = vec![cursor("a.test", NOON, 0)];
    let stream = script.stream(source(SourceKind::Jetstream, &["a.test"]), from);
    let gap = take(&stream, 2).await.gap;
    assert_eq!(
        gap,
        Some(Gap {
            from: moment(0),
            to: moment(hour)
        })
    );
    // From the beginning of time on, nothing can be missed.
    let script = Script::new([Connection::Hold(vec![at(1)])]);
    let from = vec![Cursor {
        time: Timestamp::UNIX_EPOCH,
        ..cursor("a.test", 0, 0)
    }];
    let stream = script.stream(source(SourceKind::Jetstream, &["a.test"]), from);
    assert_eq!(take(&stream, 1).await.gap, None);
    assert_eq!(script.asked(), ["a.test/subscribe?cursor=0"]);
}

#[tokio::test(start_paused = true)]
async fn a_broken_connection_is_opened_again_and_another_host_asked() {
    let script = Script::new([
        Connection::Break(vec![at(5_000_000)]),
        Connection::Unreachable,
        Connection::Refuse(503, ""),
        Connection::Send(vec![at(6_000_000)]),
        Connection::Hold(vec![at(7_000_000)]),
    ]);
    let stream = script.stream(source(SourceKind::Jetstream, &["a.test", "b.test"]), vec![]);
    assert_eq!(take(&stream, 3).await.events.len(), 3);
    let (first, second) = (NOON + 3_000_000, NOON + 4_000_000);
    assert_eq!(
        script.asked(),
        [
            "a.test/subscribe".to_owned(),
            format!("a.test/subscribe?cursor={first}"),
            format!("a.test/subscribe?cursor={first}"),
            format!("b.test/subscribe?cursor={first}"),
            format!("b.test/subscribe?cursor={second}"),
        ]
    );
    let health = stream.health();
    assert_eq!(
        (health.connections, health.failures, health.error),
        (3, 0, None)
    );
}

#[tokio::test(start_paused = true)]
async fn of_a_host_that_does_not_answer_the_next_is_asked_at_once() {
    let script = Script::new([Connection::Silent, Connection::Hold(vec![at(5_000_000)])]);
    let stream = script.stream(source(SourceKind::Jetstream, &["a.test", "b.test"]), vec![]);
    assert_eq!(take(&stream, 1).await.events.len(), 1);
    assert_eq!(script.asked(), ["a.test/subscribe", "b.test/subscribe"]);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_stays_away_is_asked_ever_less_often() {
    let script = Script::new((0..20).map(|_| Connection::Unreachable));
    let stream = script.stream(source(SourceKind::Jetstream, &["a.test"]), vec![]);
    tokio::time::sleep(Duration::from_secs(60)).await;
    // Half of 1, 2, 4, … seconds each.
    assert_eq!(script.asked().len(), 7);
    let health = stream.health();
    assert_eq!((health.connected, health.failures), (false, 7));
    assert_eq!(
        health.error.as_deref(),
        Some("the source cannot be reached: nobody is there")
    );
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_takes_nothing_closes_the_intake() {
    let script = Script::new([
        Connection::Hold((1..=5000).map(at).collect()),
        Connection::Hold((4097..=5000).map(at).collect()),
    ]);
    let stream = script.stream(source(SourceKind::Jetstream, &["a.test"]), vec![]);
    tokio::time::sleep(Duration::from_secs(60)).await;
    let health = stream.health();
    assert_eq!(
        (health.queued, health.waiting, health.connected),
        (4096, true, false)
    );
    assert_eq!(script.asked().len(), 1);
    // Once half of it is taken, it goes on from where the queue ends.
    assert_eq!(take(&stream, 5000).await.events.len(), 5000);
    assert_eq!(
        script.asked()[1],
        format!("a.test/subscribe?cursor={}", NOON + 4096 - 2_000_000)
    );
    assert!(!stream.health().waiting);
}

#[tokio::test(start_paused = true)]
async fn the_second_protocol_resumes_by_number_and_elsewhere_by_time() {
    let script = Script::new([
        Connection::Send(vec![numbered(10, 0), numbered(11, 1)]),
        Connection::Send(vec![numbered(11, 1), numbered(12, 2)]),
        Connection::Unreachable,
        Connection::Unreachable,
        Connection::Hold(vec![numbered(700, 2), numbered(701, 3)]),
    ]);
    let stream = script.stream(
        source(SourceKind::Jetstream2, &["a.test", "b.test"]),
        vec![],
    );
    let batch = take(&stream, 5).await;
    let path = "xrpc/network.bsky.jetstream.subscribeEvents";
    assert_eq!(
        script.asked(),
        [
            format!("a.test/{path}"),
            format!("a.test/{path}?cursor=11"),
            format!("a.test/{path}?cursor=12"),
            format!("a.test/{path}?cursor=12"),
            format!("b.test/{path}?cursor={}", NOON + 2 - 2_000_000),
        ]
    );
    let cursor = batch.cursor.expect("a cursor");
    assert_eq!(
        (cursor.source, cursor.position),
        (format!("wss://b.test/{path}"), 701)
    );
    assert_eq!(batch.gap, None);
}

#[tokio::test(start_paused = true)]
async fn a_number_that_is_too_old_becomes_a_time_and_a_gap() {
    let info = json!({"$type": "message", "payload": {
        "$type": "network.bsky.jetstream.subscribeEvents#info", "name": "OutdatedCursor"}});
    let script = Script::new([
        Connection::Refuse(400, r#"{"error":"CursorTooOld","message":"floor 900"}"#),
        Connection::Hold(vec![text(info.to_string()), numbered(900, 5)]),
    ]);
    let path = "xrpc/network.bsky.jetstream.subscribeEvents";
    let from = Cursor {
        source: format!("wss://a.test/{path}"),
        ..cursor("a.test", 10, 0)
    };
    let stream = script.stream(source(SourceKind::Jetstream2, &["a.test"]), vec![from]);
    let batch = take(&stream, 1).await;
    assert_eq!(
        batch.gap,
        Some(Gap {
            from: moment(0),
            to: moment(5)
        })
    );
    assert_eq!(
        script.asked()[1],
        format!("a.test/{path}?cursor={}", NOON - 2_000_000)
    );
    assert!(matches!(
        batch.events[0].what,
        What::Account { active: true, .. }
    ));
}

#[tokio::test(start_paused = true)]
async fn a_host_without_a_number_of_ours_begins_now_and_tells_the_gap() {
    let script = Script::new([Connection::Hold(vec![account(5, 60_000_000)])]);
    let path = "xrpc/com.atproto.sync.subscribeRepos";
    let from = |host: &str, position| Cursor {
        source: format!("wss://{host}/{path}"),
        ..cursor(host, position, 0)
    };
    let hosts = source(SourceKind::Repos, &["b.test"]);
    let stream = script.stream(hosts, vec![from("a.test", 900)]);
    let batch = take(&stream, 1).await;
    let gap = Gap {
        from: moment(0),
        to: moment(60_000_000),
    };
    assert_eq!(batch.gap, Some(gap.clone()));
    assert_eq!(script.asked(), [format!("b.test/{path}")]);
    // A host whose numbers have begun anew does not always say so.
    let script = Script::new([Connection::Hold(vec![account(5, 60_000_000)])]);
    let hosts = source(SourceKind::Repos, &["a.test"]);
    let stream = script.stream(hosts, vec![from("a.test", 900)]);
    let batch = take(&stream, 1).await;
    assert_eq!(batch.gap, Some(gap));
    assert_eq!(batch.cursor.expect("a cursor").position, 5);
    assert_eq!(script.asked(), [format!("a.test/{path}?cursor=900")]);
}

#[tokio::test(start_paused = true)]
async fn keys_are_waited_for_together_and_frames_keep_their_order() {
    let frames = (1..=40).map(|number| {
        let mut repo = repo::Repo::new();
        let path = format!("a.b.c/{number}");
        let cid = repo.put(&path, &ipld!({"number": number}));
        let (root, blocks) = repo.signed();
        let commit = repo::commit(root, blocks, vec![repo::op("create", &path, Some(cid))]);
        Message::Binary(repo::frame("#commit", &commit))
    });
    let script = Script::new([Connection::Send(frames.collect())]);
    let keys = Arc::new(repo::SlowKeys(0.into()));
    let began = tokio::time::Instant::now();
    let repos = source(SourceKind::Repos, &["a.test"]);
    let stream = script.signed(repos, vec![], Some(keys));
    let batch = take(&stream, 40).await;
    // One by one it would be half an hour.
    assert!(
        began.elapsed() < Duration::from_secs(130),
        "{:?}",
        began.elapsed()
    );
    let order = batch.events.iter().map(|event| match &event.what {
        What::Change(change) => change.rkey.as_str().parse::<u32>().expect("a number"),
        _ => 0,
    });
    assert!(order.eq(1..=40));
    assert!(batch.malformed.is_empty());
}

#[tokio::test(start_paused = true)]
async fn on_a_quiet_host_nothing_is_missed_when_the_numbers_follow() {
    let hour = 3_600_000_000;
    let path = "xrpc/com.atproto.sync.subscribeRepos";
    for (seq, missed) in [(8, false), (9, true)] {
        let from = Cursor {
            source: format!("wss://a.test/{path}"),
            ..cursor("a.test", 7, 0)
        };
        let script = Script::new([Connection::Hold(vec![account(seq, hour)])]);
        let stream = script.stream(source(SourceKind::Repos, &["a.test"]), vec![from]);
        assert_eq!(take(&stream, 1).await.gap.is_some(), missed, "{seq}");
    }
}
