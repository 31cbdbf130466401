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

/// The published pairs: each key is that of its secret.
#[test]
fn published_did_keys() {
    if let Some(text) = shared::read("vectors/w3c_didkey_K256.json") {
        let cases: Value = serde_json::from_str(&text).expect("a JSON file");
        for case in cases.as_array().expect("a list of cases") {
            let text = case["publicDidKey"].as_str().expect("a key");
            let key = Multikey::from_did_key(text).expect("a published key");
            let secret = hex(case["privateKeyBytesHex"].as_str().expect("hex"));
            let secret = secp256k1::SecretKey::from_secret_bytes(secret).expect("a secret");
            assert_eq!(*key.point(), secret.public_key().serialize_uncompressed());
            assert_eq!(
                (key.curve(), key.to_did_key().as_str()),
                (Curve::K256, text)
            );
        }
    }
    if let Some(text) = shared::read("vectors/w3c_didkey_P256.json") {
        use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING as ALGORITHM, EcdsaKeyPair};
        let cases: Value = serde_json::from_str(&text).expect("a JSON file");
        for case in cases.as_array().expect("a list of cases") {
            let text = case["publicDidKey"].as_str().expect("a key");
            let key = Multikey::from_did_key(text).expect("a published key");
            let secret = base58(case["privateKeyBytesBase58"].as_str().expect("base58"));
            let rng = ring::rand::SystemRandom::new();
            // ring refuses a pair whose halves do not belong together.
            let pair = EcdsaKeyPair::from_private_key_and_public_key(
                &ALGORITHM,
                &secret,
                key.point(),
                &rng,
            );
            assert!(pair.is_ok(), "{case}");
            assert_eq!(
                (key.curve(), key.to_did_key().as_str()),
                (Curve::P256, text)
            );
        }
    }
}

fn hex(text: &str) -> [u8; 32] {
    std::array::from_fn(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).expect("hex"))
}

/// 32 bytes of base58btc.
fn base58(text: &str) -> [u8; 32] {
    const DIGITS: &str = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut bytes = [0; 32];
    for character in text.chars() {
        let mut carry = DIGITS.find(character).expect("base58");
        for byte in bytes.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = carry as u8;
            carry >>= 8;
        }
    }
    bytes
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
