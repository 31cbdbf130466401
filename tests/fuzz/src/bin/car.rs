//! No bytes make the reading of CAR files, trees and records panic, and a block has its hash.

#![no_main]

use libfuzzer_sys::fuzz_target;
use loggia_firehose::blocks::car::{self, Car};
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
        if let Ok(Some(found)) = tree::find(&car, link, "app.bsky.feed.post/3l3qo2vuowo2b") {
            assert_eq!(found.to_cid().decode().map(|cid| cid.to_bytes().len()).ok(), Some(36));
        }
    }
});
