//! Signature headers of any content: none verifies, none panics.
//!
//! The input is two header values with a line end between them, `Signature-Input` and `Signature`.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use loggia_auth::PublicKey;
use loggia_auth::http_signature::{Components, SignedFields, verify_for_key, verify_with_keyid};

static KEY: LazyLock<PublicKey> = LazyLock::new(|| {
    PublicKey::from_did_key("did:key:zDnaeoA2SUkGYYDAVZBKgd4xWMGadgX2U29YPw8iEvCuELmfi")
        .expect("a P-256 key")
});

fuzz_target!(|text: &str| {
    let (input, signature) = text.split_once('\n').unwrap_or((text, ""));
    let fields = SignedFields {
        authorization: &["Atproto-Space credential"],
        audience: &["did:web:club.example"],
        signature_input: &[input],
        signature: &[signature],
    };
    for components in [Components::Use, Components::Exchange] {
        assert!(verify_for_key(&fields, components, &KEY).is_err());
        assert!(verify_with_keyid(&fields, components).is_err());
    }
});
