//! No frame makes the reading of Jetstream panic, and what is read of one is what it says it is.

#![no_main]

use libfuzzer_sys::fuzz_target;
use loggia_firehose::{Frame, Wanted, What, jetstream};

fuzz_target!(|frame: &[u8]| {
    let wanted = Wanted::of(["app.bsky.*", "place.wisp.v2.wh"]);
    for read in [jetstream::read, jetstream::read2] {
        let all = read(frame, &Wanted::all());
        let some = read(frame, &wanted);
        if let Ok(frame) = &all {
            check(frame);
            let some = some.expect("what is read as a whole is read in part");
            assert!(some.events.iter().all(|event| frame.events.contains(event)));
            assert_eq!(some.place, frame.place);
        }
    }
});

fn check(frame: &Frame) {
    assert!(frame.events.len() <= 1 && frame.flaws.is_empty());
    for event in &frame.events {
        assert!(frame.place.is_some());
        if let What::Change(change) = &event.what {
            assert!(event.uri().is_some());
            if let Some(record) = &change.record {
                serde_json::from_slice::<serde::de::IgnoredAny>(record.as_json())
                    .expect("a record is JSON");
            }
        }
    }
}
