//! Keys as JSON.

use loggia_auth::{Jwk, JwkSet};
use serde_json::{Value, json};

use crate::world::{holder, k256, stranger};

/// The example key of RFC 9449, and its thumbprint.
fn example() -> Value {
    json!({
        "kty": "EC",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
        "crv": "P-256"
    })
}

fn read(value: &Value) -> Result<Jwk, serde_json::Error> {
    serde_json::from_value(value.clone())
}

#[test]
fn published_thumbprints() {
    let jwk = read(&example()).expect("a key");
    assert_eq!(
        jwk.thumbprint(),
        "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    );
    let jwk = Jwk::new(*holder().public().multikey());
    assert_eq!(
        jwk.thumbprint(),
        "iAzi3C-OjPVWNyPopGebSBzQGxyqWSYHSp2clxH5mSI"
    );
    assert_eq!(
        json!(jwk),
        json!({
            "kty": "EC", "crv": "P-256",
            "x": "UadYCDOJjqGxg8vXNQpAmQeMbvHB4Y6XDNdoMDXyXn0",
            "y": "ARBSJxKwtafP8IFoVIaYSpTmgx7axG5zYPqdg0p6gaE",
        })
    );
}

#[test]
fn a_key_survives_writing() {
    for key in [k256(9), holder()] {
        let jwk = Jwk::new(*key.public().multikey());
        assert_eq!(read(&json!(jwk)).expect("a key"), jwk);
        assert_eq!(jwk.public_key().as_ref(), Ok(key.public()));
    }
}

#[test]
fn refuses_what_is_no_public_key() {
    for (member, value, reason) in [
        ("d", json!("AAAA"), "private key"),
        ("d", json!(null), "private key"),
        ("kty", json!("RSA"), "not of type EC"),
        ("kty", json!("ec"), "not of type EC"),
        ("kty", json!("oct"), "not of type EC"),
        ("crv", json!("P-384"), "curve"),
        ("crv", json!("Ed25519"), "curve"),
        ("crv", json!("secp256k1"), "not a point"),
        ("crv", json!(null), "curve"),
        ("x", json!(""), "JWK's x"),
        ("x", json!(null), "JWK's x"),
        (
            "x",
            json!("l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs="),
            "JWK's x",
        ),
        (
            "x",
            json!("AGyXy0WuHH7fi1XeFEgJENj3MKQOWkGEXjZRBR9ZUBYE"),
            "JWK's x",
        ),
        (
            "y",
            json!("9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDE"),
            "not a point",
        ),
        (
            "y",
            json!("_____wAAAAEAAAAAAAAAAAAAAAD_______________8"),
            "not a point",
        ),
        ("alg", json!("ES256K"), "JWK's alg"),
        ("use", json!("enc"), "JWK's use"),
    ] {
        let mut key = example();
        key[member] = value.clone();
        let error = read(&key).expect_err(member).to_string();
        assert!(error.contains(reason), "{member} = {value}: {error}");
    }
    for text in ["null", "[]", "{}", "\"key\""] {
        assert!(serde_json::from_str::<Jwk>(text).is_err(), "{text}");
    }
}

#[test]
fn sets_keep_what_can_be_used() {
    let mut private = example();
    private["d"] = json!("AAAA");
    private["kid"] = json!("private");
    let mut named = example();
    named["kid"] = json!("named");
    let mut twice = json!(Jwk::new(*holder().public().multikey()));
    twice["kid"] = json!("twice");
    let mut other = json!(Jwk::new(*stranger().public().multikey()));
    other["kid"] = json!("twice");
    let document = json!({ "keys": [
        example(), private, named, twice, other, { "kty": "RSA", "kid": "rsa", "n": "AQAB" }, 7,
    ], "other": true });
    let set = JwkSet::parse(document.to_string().as_bytes()).expect("a set");
    assert!(set.find("named").is_some());
    for kid in ["private", "twice", "rsa", "", "Named"] {
        assert!(set.find(kid).is_none(), "{kid}");
    }
    assert!(!set.is_empty());
}

#[test]
fn sets_are_read_strictly() {
    let many = json!({ "keys": vec![example(); 33] }).to_string();
    for text in [
        "",
        "[]",
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":[],"keys":[]}"#,
        &many,
    ] {
        assert!(JwkSet::parse(text.as_bytes()).is_err(), "{text:.60}");
    }
}

#[test]
fn our_own_set_is_published_without_secrets() {
    let keys = [
        ("k1".to_owned(), holder().public().clone()),
        ("k2".into(), k256(1).public().clone()),
    ];
    let set = JwkSet::of(keys);
    let written = json!(set);
    assert_eq!(written["keys"][0]["alg"], "ES256");
    assert_eq!(written["keys"][1]["crv"], "secp256k1");
    assert!(written["keys"][0].get("d").is_none());
    assert_eq!(
        JwkSet::parse(written.to_string().as_bytes()).expect("a set"),
        set
    );
}
