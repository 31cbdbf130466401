//! No text makes the reading of tokens panic, and none verifies.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use loggia_auth::jws::Compact;
use loggia_auth::key::LowS;
use loggia_auth::service_auth::Unverified;
use loggia_auth::SigningKey;

static KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::k256([1; 32]).expect("a secret key"));

fuzz_target!(|text: &str| {
    if let Ok(token) = Compact::parse(text) {
        assert!(token.verify(KEY.public(), LowS::Preferred).is_err());
    }
    if Unverified::parse(text).is_ok() {
        assert!(Compact::parse(text).is_ok(), "service auth is a compact token");
    }
});
