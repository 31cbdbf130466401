//! A scope that was read has one canonical text, which is read as the same scope.

#![no_main]

use libfuzzer_sys::fuzz_target;
use loggia_auth::scope::{Need, Scope, Scopes};

fuzz_target!(|text: &str| {
    if let Ok(scope) = text.parse::<Scope>() {
        let canonical = scope.to_string();
        assert_eq!(canonical.parse().as_ref(), Ok(&scope), "{canonical}");
    }
    if let Ok(scopes) = Scopes::parse(text) {
        let words = text.split(' ').filter(|word| !word.is_empty()).count();
        assert!(scopes.known().len() + scopes.unknown().len() <= words);
        assert_eq!(scopes.allows(&Need::Atproto), text.split(' ').any(|word| word == "atproto"));
    }
});
