//! No bytes make the reading of CAR files, trees and records panic, nor taking back what happened to a
//! tree, and a block has its hash.

#![no_main]

use libfuzzer_sys::fuzz_target;
use loggia_firehose::blocks::car::{self, Car};
use loggia_firehose::blocks::invert::{self, Undo};
use loggia_firehose::blocks::link::Link;
use loggia_firehose::blocks::{json, tree};

fuzz_target!(|file: &[u8]| {
    // A record alone.
    if let Some(text) = json::object(file) {
        serde_json::from_slice::<serde::de::IgnoredAny>(&text).expect("it is JSON");
    }
    let Ok((roots, blocks)) = car::open(file) else {
        return;
    };
    let links: Vec<_> = blocks.map_while(Result::ok).map(|(link, _)| link).collect();
    let Ok(car) = Car::read(file, 100) else {
        return;
    };
    for link in roots.into_iter().chain(links) {
        if let Ok(block) = car.block(link) {
            assert!(link.is_of(block));
        }
        if let Ok(Some(found)) = tree::find(&car, link, KEY) {
            take_back(&car, link, found);
            assert_eq!(found.to_cid().decode().map(|cid| cid.to_bytes().len()).ok(), Some(36));
        }
    }
});

const KEY: &str = "app.bsky.feed.post/3l3qo2vuowo2b";

/// A record that is there is new, or replaced, or was put in after it was taken out.
fn take_back(car: &Car<'_>, root: Link, found: Link) {
    let (now, gone) = (Some(found), None);
    let made = Undo { key: KEY, now, before: gone };
    let deleted = Undo { key: KEY, now: gone, before: now };
    drop(invert::before(car, root, &[made]));
    drop(invert::before(car, root, &[deleted, made]));
    let changed = Undo { key: KEY, now, before: now };
    drop(invert::before(car, root, &[changed]));
}
