//! Keys as text.

use loggia_identity::{Curve, KeyError, Multikey};
use proptest::prelude::*;
use serde_json::Value;

use crate::shared;

const K256: &str = "did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme";
const P256: &str = "did:key:zDnaeTiq1PdzvZXUaMdezchcMJQpBdH2VN4pgrrEhMCCbmwSb";

#[test]
fn did_keys_round_trip() {
    for (text, curve) in [(K256, Curve::K256), (P256, Curve::P256)] {
        let key = Multikey::from_did_key(text).expect("a published key");
        assert_eq!(key.curve(), curve);
        assert_eq!(key.to_did_key(), text);
        assert_eq!(Multikey::from_point(curve, key.point()), Ok(key));
        assert_eq!(Multikey::from_point(curve, &key.compressed()), Ok(key));
    }
}

#[test]
fn refuses_what_is_no_key() {
    let refusal = |text: &str| Multikey::from_did_key(text).expect_err("no key");
    assert_eq!(
        refusal("zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme"),
        KeyError::NotDidKey
    );
    assert_eq!(refusal("did:key:"), KeyError::Multibase);
    assert_eq!(refusal("did:key:mAAAA"), KeyError::Multibase);
    assert_eq!(refusal("did:key:z"), KeyError::Codec);
    assert_eq!(refusal("did:key:z0OIl"), KeyError::Multibase);
    // Ed25519, a key of the wider did:key world.
    let ed25519 = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";
    assert_eq!(refusal(ed25519), KeyError::Codec);
    assert_eq!(refusal(&K256[..K256.len() - 4]), KeyError::Codec);
    assert_eq!(
        refusal(&format!("{K256}{}", "1".repeat(10_000))),
        KeyError::Multibase
    );
    assert_eq!(
        Multikey::from_point(Curve::P256, &[]),
        Err(KeyError::Length(0))
    );
    assert_eq!(
        Multikey::from_point(Curve::P256, &[5; 33]),
        Err(KeyError::NotOnCurve(Curve::P256))
    );
}

#[test]
fn published_fixtures() {
    let Some(text) = shared::read("vectors/interop_signature_fixtures.json") else {
        return;
    };
    let cases: Value = serde_json::from_str(&text).expect("a JSON file");
    for case in cases.as_array().expect("a list of cases") {
        let key = Multikey::from_did_key(case["publicKeyDid"].as_str().expect("a key"));
        let key = key.expect("a published key");
        let legacy = case["publicKeyMultibase"].as_str().expect("a key");
        assert_eq!(
            Multikey::from_legacy_multibase(key.curve(), legacy),
            Ok(key),
            "{case}"
        );
        assert_eq!(key.curve().algorithm(), case["algorithm"]);
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,120}") {
        for prefix in ["", "z", "did:key:z"] {
            let text = format!("{prefix}{text}");
            prop_assert!(Multikey::from_did_key(&text).is_err() || text.starts_with("did:key:z"));
        }
    }
}
