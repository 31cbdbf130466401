//! Signing and verifying over both curves.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use loggia_auth::key::{BadSignature, LowS};
use loggia_auth::{PublicKey, SigningKey};
use loggia_identity::{Curve, Multikey};
use proptest::prelude::*;
use serde_json::Value;

use crate::shared;
use crate::world::k256;

fn p256() -> SigningKey {
    SigningKey::generate_p256().expect("a new key")
}

/// The same signature with the other s: order - s.
pub fn flip(curve: Curve, signature: &[u8; 64]) -> [u8; 64] {
    let order = match curve {
        Curve::K256 => "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        Curve::P256 => "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
    };
    let mut flipped = *signature;
    let mut borrow = 0;
    for (index, order) in hex(order).into_iter().enumerate().rev() {
        let difference = i32::from(order) - i32::from(signature[32 + index]) - borrow;
        borrow = i32::from(difference < 0);
        flipped[32 + index] = difference.rem_euclid(256) as u8;
    }
    flipped
}

fn hex(text: &str) -> Vec<u8> {
    let digits = text
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).expect("ASCII"));
    digits
        .map(|pair| u8::from_str_radix(pair, 16).expect("hex"))
        .collect()
}

#[test]
fn signs_with_the_lower_s_and_verifies() {
    for key in [k256(0x11), p256()] {
        for message in 0..40_u8 {
            let message = [message; 20];
            let signature = key.sign(&message).expect("a signature");
            let public = key.public();
            assert_eq!(public.verify(&message, &signature, LowS::Required), Ok(()));
            assert_eq!(public.verify(&message, &signature, LowS::Preferred), Ok(()));
            assert_eq!(
                public.verify(b"other", &signature, LowS::Preferred),
                Err(BadSignature::Wrong)
            );

            let high = flip(key.public().curve(), &signature);
            assert_eq!(
                public.verify(&message, &high, LowS::Required),
                Err(BadSignature::HighS)
            );
            assert_eq!(public.verify(&message, &high, LowS::Preferred), Ok(()));
        }
    }
}

#[test]
fn a_key_verifies_only_its_own() {
    let keys = [k256(1), k256(2), p256(), p256()];
    for (mine, key) in keys.iter().enumerate() {
        let signature = key.sign(b"message").expect("a signature");
        for (other, key) in keys.iter().enumerate() {
            let result = key.public().verify(b"message", &signature, LowS::Preferred);
            assert_eq!(result.is_ok(), mine == other, "{mine} {other}");
        }
    }
}

#[test]
fn a_stored_key_is_the_same_key() {
    let key = p256();
    let again = SigningKey::p256(**key.secret(), key.public().multikey()).expect("the key");
    let signature = again.sign(b"message").expect("a signature");
    assert_eq!(
        key.public().verify(b"message", &signature, LowS::Required),
        Ok(())
    );

    let key = k256(3);
    assert_eq!(
        SigningKey::k256(**key.secret()).expect("the key").public(),
        key.public()
    );
    assert!(
        !format!("{key:?}").contains("0303"),
        "a secret is never printed"
    );
}

#[test]
fn refuses_what_is_no_secret() {
    assert!(SigningKey::k256([0; 32]).is_err());
    assert!(SigningKey::k256([0xff; 32]).is_err());
    let key = p256();
    assert!(SigningKey::p256([9; 32], key.public().multikey()).is_err());
    assert!(SigningKey::p256([0; 32], key.public().multikey()).is_err());
    assert!(SigningKey::p256([9; 32], k256(9).public().multikey()).is_err());
}

#[test]
fn signatures_at_the_edges_are_refused() {
    for key in [k256(4), p256()] {
        for signature in [[0; 64], [0xff; 64]] {
            assert!(
                key.public()
                    .verify(b"message", &signature, LowS::Preferred)
                    .is_err()
            );
        }
        for length in [0, 1, 63, 65, 70, 200] {
            let signature = vec![1; length];
            assert!(
                key.public()
                    .verify(b"message", &signature, LowS::Preferred)
                    .is_err()
            );
        }
    }
}

#[test]
fn published_signatures() {
    let Some(text) = shared::read("vectors/interop_signature_fixtures.json") else {
        return;
    };
    let cases: Value = serde_json::from_str(&text).expect("a JSON file");
    let bytes = |case: &Value, field: &str| {
        STANDARD_NO_PAD
            .decode(case[field].as_str().expect("text"))
            .expect("base64")
    };
    let cases = cases.as_array().expect("a list of cases");
    for case in cases {
        let key = PublicKey::from_did_key(case["publicKeyDid"].as_str().expect("a key"));
        let key = key.expect("a published key");
        let (message, signature) = (bytes(case, "messageBase64"), bytes(case, "signatureBase64"));
        let strict = key.verify(&message, &signature, LowS::Required);
        assert_eq!(
            strict.is_ok(),
            case["validSignature"] == true,
            "{}",
            case["comment"]
        );
        // The only fault of these is their high s.
        let high = case["tags"][0] == "high-s";
        let tolerant = key.verify(&message, &signature, LowS::Preferred);
        assert_eq!(
            tolerant.is_ok(),
            high || strict.is_ok(),
            "{}",
            case["comment"]
        );
    }
    assert_eq!(cases.len(), 6);
}

#[test]
fn published_key_pairs() {
    if let Some(text) = shared::read("vectors/w3c_didkey_K256.json") {
        let cases: Value = serde_json::from_str(&text).expect("a JSON file");
        for case in cases.as_array().expect("a list of cases") {
            let secret = hex(case["privateKeyBytesHex"].as_str().expect("hex"));
            let key = SigningKey::k256(secret.try_into().expect("32 bytes")).expect("a key");
            assert_eq!(key.public().to_did_key(), case["publicDidKey"]);
        }
    }
    // Our own: the key whose secret is one is the generator of the group.
    let key = SigningKey::k256(std::array::from_fn(|index| u8::from(index == 31))).expect("a key");
    let x = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    assert_eq!(key.public().multikey().point()[1..33], hex(x));
    let x = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";
    let compressed = [&[3][..], &hex(x)].concat();
    let public = Multikey::from_point(Curve::P256, &compressed).expect("the generator");
    let one = std::array::from_fn(|index| u8::from(index == 31));
    let key = SigningKey::p256(one, &public).expect("a pair");
    let signature = key.sign(b"message").expect("a signature");
    assert_eq!(
        key.public().verify(b"message", &signature, LowS::Required),
        Ok(())
    );
}

proptest! {
    #[test]
    fn no_signature_panics(signature in proptest::collection::vec(any::<u8>(), 0..80)) {
        prop_assert!(k256(5).public().verify(b"m", &signature, LowS::Preferred).is_err());
    }

    #[test]
    fn a_changed_signature_is_refused(place in 0_usize..64, flip in 1_u8..) {
        let key = k256(6);
        let mut signature = key.sign(b"message").expect("a signature");
        signature[place] ^= flip;
        prop_assert!(key.public().verify(b"message", &signature, LowS::Preferred).is_err());
    }
}
