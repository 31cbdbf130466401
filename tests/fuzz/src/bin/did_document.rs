//! A document that was read has a valid id, and its keys and services can be looked up.

#![no_main]

use libfuzzer_sys::fuzz_target;
use loggia_identity::DidDocument;

fuzz_target!(|json: &[u8]| {
    let Ok(document) = DidDocument::parse(json) else {
        return;
    };
    for fragment in ["#atproto", "#atproto_space"] {
        if let Ok(key) = document.signing_key(fragment) {
            assert!(key.to_did_key().starts_with("did:key:z"));
        }
    }
    let written = document.to_json().to_string();
    let again = DidDocument::parse(written.as_bytes()).expect("what we write can be read");
    assert_eq!(again.id(), document.id());
});
