//! Frames that come compressed with a dictionary.

use loggia_firehose::{Dictionary, DictionaryError, LONGEST_MESSAGE, Source};
use zstd::bulk::Compressor;

use super::*;

/// What frames of the first protocol are like.
const LIKE: &str = r#"{"did":"did:plc:eygmaihciaxprqvxpfvl6flk","time_us":1760000000000001,"kind":"identity","identity":{"handle":"alice.test"}}"#;

fn compressing(kind: SourceKind) -> Source {
    Source {
        dictionary: Some(Dictionary::new(LIKE.as_bytes()).expect("a dictionary")),
        ..source(kind, &["a.test"])
    }
}

fn compressed(text: &str, dictionary: &str) -> Message {
    let mut compressor = Compressor::with_dictionary(3, dictionary.as_bytes()).expect("compresses");
    let frame = compressor.compress(text.as_bytes()).expect("compresses");
    Message::Binary(frame.into())
}

#[tokio::test(start_paused = true)]
async fn frames_are_asked_for_and_read_compressed() {
    let frame = compressed(&at_text(1), LIKE);
    assert!(
        frame.bytes().len() < at_text(1).len() / 2,
        "it does compress"
    );
    // A host that does not compress is understood as well.
    let script = Script::new([Connection::Hold(vec![
        frame,
        at(2),
        compressed(&at_text(3), LIKE),
    ])]);
    let from = vec![cursor("a.test", NOON, 0)];
    let stream = script.stream(compressing(SourceKind::Jetstream), from);
    let batch = take(&stream, 3).await;
    assert_eq!(batch.cursor, Some(cursor("a.test", NOON + 3, 3)));
    assert!(batch.malformed.is_empty());
    let asked = format!("a.test/subscribe?cursor={}&compress=true", NOON - 2_000_000);
    assert_eq!(script.asked(), [asked]);
}

#[tokio::test(start_paused = true)]
async fn what_the_dictionary_does_not_open_is_counted_and_passed_over() {
    let bomb = "x".repeat(LONGEST_MESSAGE + 1);
    let Message::Binary(whole) = compressed(&at_text(1), LIKE) else {
        unreachable!("it is compressed")
    };
    let frames = vec![
        compressed(&at_text(1), &format!("{LIKE} and more")),
        Message::Binary(whole.slice(..whole.len() - 1)),
        compressed(&bomb, LIKE),
        Message::Binary(vec![1, 2, 3].into()),
        compressed("{", LIKE),
        compressed(&at_text(2), LIKE),
    ];
    let script = Script::new([Connection::Hold(frames)]);
    let stream = script.stream(compressing(SourceKind::Jetstream), vec![]);
    let batch = take(&stream, 1).await;
    let mut reasons: Vec<_> = batch.malformed.iter().map(|each| each.reason).collect();
    assert_eq!(
        reasons.pop(),
        Some(Reason::Syntax),
        "it opens, and is nothing"
    );
    // Another dictionary may open a frame too, to something else.
    assert_eq!(reasons.len(), 4);
    assert_eq!(reasons[1..], [Reason::Compression; 3]);
    assert_eq!(batch.cursor, Some(cursor("a.test", NOON + 2, 2)));
}

#[tokio::test(start_paused = true)]
async fn no_other_protocol_is_asked_to_compress() {
    for kind in [SourceKind::Jetstream2, SourceKind::Repos] {
        let first = match kind {
            SourceKind::Repos => account(1, 1),
            _ => numbered(1, 1),
        };
        let script = Script::new([Connection::Hold(vec![first])]);
        let stream = script.stream(compressing(kind), vec![]);
        assert_eq!(take(&stream, 1).await.events.len(), 1);
        assert!(!script.asked()[0].contains("compress"));
    }
}

#[test]
fn what_is_no_dictionary_is_refused() {
    let long = vec![b'x'; Dictionary::LONGEST + 1];
    // The beginning of a trained one, and nothing behind it.
    let damaged = b"\x37\xa4\x30\xecand no more";
    for (bytes, expected) in [
        (&b""[..], DictionaryError::Length),
        (&long, DictionaryError::Length),
        (damaged, DictionaryError::Damaged),
    ] {
        assert_eq!(Dictionary::new(bytes), Err(expected));
    }
}
