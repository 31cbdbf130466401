//! Whatever is taken as an at-uri or a space reference is kept as it was written.

#![no_main]

use libfuzzer_sys::fuzz_target;
use loggia_syntax::{AtUri, SpaceRef};

fuzz_target!(|text: &str| {
    if let Ok(uri) = AtUri::new(text) {
        assert_eq!(uri.as_str(), text);
        assert_eq!(AtUri::check(text), Ok(()));
    }
    if let Ok(space) = SpaceRef::new(text) {
        assert_eq!(space.as_str(), text);
        assert!(text.contains(space.authority().as_str()));
        assert!(AtUri::check(text).is_ok(), "every space reference is an at-uri");
    }
});
