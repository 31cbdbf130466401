//! What a stream makes of frames that cannot be read.

use super::*;

#[tokio::test(start_paused = true)]
async fn malformed_frames_are_counted_and_do_not_stop_it() {
    let frames = vec![text("{"), at(1), Message::Binary(vec![1].into()), at(2)];
    let script = Script::new([Connection::Hold(frames)]);
    let stream = script.stream(source(SourceKind::Jetstream, &["a.test"]), vec![]);
    let batch = take(&stream, 2).await;
    let reasons: Vec<_> = batch.malformed.iter().map(|each| each.reason).collect();
    assert_eq!(reasons, [Reason::Syntax, Reason::Syntax]);
    assert_eq!(stream.health().malformed, 2);
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_is_too_long_is_passed_over_and_leaves_a_gap() {
    let too_long = Message::TooLong {
        bytes: 6_000_000,
        sha256: [7; 32],
    };
    let script = Script::new([Connection::Hold(vec![at(1), too_long, at(9), at(10)])]);
    let stream = script.stream(source(SourceKind::Jetstream, &["a.test"]), vec![]);
    let batch = take(&stream, 3).await;
    let [malformed] = batch.malformed[..] else {
        panic!("{:?}", batch.malformed);
    };
    assert_eq!(malformed.reason, Reason::TooLong);
    assert_eq!((malformed.bytes, malformed.sha256), (6_000_000, [7; 32]));
    let (from, to) = (moment(1), moment(9));
    assert_eq!(batch.gap, Some(Gap { from, to }));
    assert_eq!(batch.cursor, Some(cursor("a.test", NOON + 10, 10)));
    assert_eq!(script.asked().len(), 1, "on the same connection");
    let health = stream.health();
    assert_eq!(
        (health.malformed, health.understood, health.astray),
        (1, 3, 0)
    );
    assert!(health.makes_sense());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_passed_over_is_left_behind_with_a_gap() {
    let endless = || Connection::Endless(vec![at(1)]);
    let last = Connection::Hold(vec![at(9)]);
    let script = Script::new([endless(), endless(), endless(), last]);
    let stream = script.stream(source(SourceKind::Jetstream, &["a.test"]), vec![]);
    let batch = take(&stream, 4).await;
    let (from, to) = (moment(1), moment(9));
    assert_eq!(batch.gap, Some(Gap { from, to }));
    assert_eq!(batch.cursor, Some(cursor("a.test", NOON + 9, 9)));
    let again = format!("a.test/subscribe?cursor={}", NOON + 1 - 2_000_000);
    let now = "a.test/subscribe".to_owned();
    assert_eq!(script.asked(), [now.clone(), again.clone(), again, now]);
}

#[tokio::test(start_paused = true)]
async fn a_source_of_another_kind_makes_no_sense() {
    let strange = text(r#"{"something": "else"}"#);
    let script = Script::new([Connection::Hold(vec![strange.clone(), strange, at(1)])]);
    let stream = script.stream(source(SourceKind::Jetstream, &["a.test"]), vec![]);
    assert!(stream.health().makes_sense(), "nothing was said yet");
    assert_eq!(take(&stream, 1).await.malformed.len(), 2);
    assert!(stream.health().makes_sense());
    let script = Script::new([Connection::Hold(vec![text("nonsense"); 2])]);
    let stream = script.stream(source(SourceKind::Jetstream, &["a.test"]), vec![]);
    stream.next(1).await;
    assert!(!stream.health().makes_sense());
}

#[tokio::test(start_paused = true)]
async fn a_connection_of_garbage_is_given_up() {
    let script = Script::new([
        Connection::Hold(vec![text("nonsense"); 100]),
        Connection::Hold(vec![at(1)]),
    ]);
    let stream = script.stream(source(SourceKind::Jetstream, &["a.test"]), vec![]);
    let batch = take(&stream, 1).await;
    assert_eq!((batch.malformed.len(), batch.frames), (64, 65));
    assert_eq!(script.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stretch_of_garbage_is_got_past() {
    // The same hundred frames come again until they are taken as they are.
    let stretch = || {
        let mut frames = vec![text("nonsense"); 100];
        frames.push(at(5));
        frames
    };
    let script = Script::new([Connection::Hold(stretch()), Connection::Hold(stretch())]);
    let stream = script.stream(source(SourceKind::Jetstream, &["a.test"]), vec![]);
    let batch = take(&stream, 1).await;
    assert_eq!(batch.malformed.len(), 164);
    // What has a number is not asked for again.
    let bad = text(at_text(7).replace("\"kind\":\"identity\"", "\"kind\":\"commit\""));
    let script = Script::new([
        Connection::Send(vec![at(5), bad]),
        Connection::Hold(vec![at(9)]),
    ]);
    let stream = script.stream(source(SourceKind::Jetstream, &["a.test"]), vec![]);
    let batch = take(&stream, 2).await;
    assert_eq!(batch.malformed[0].position, Some(NOON + 7));
    assert_eq!(
        script.asked()[1],
        format!("a.test/subscribe?cursor={}", NOON + 7 - 2_000_000)
    );
}
