//! The crate `dpop-verifier` gives the same verdict on the same proofs.
//!
//! It reads the clock, so that only what does not depend on time is compared: it is told that proofs
//! live for centuries. It also takes a method in any case and an `ath` where there is no token, which
//! we refuse; such proofs are not generated.

use std::collections::HashSet;
use std::pin::Pin;

use dpop_verifier::{DpopError, DpopVerifier, ReplayContext, ReplayStore};
use loggia_auth::dpop::{Expected, Profile, Target, token_hash};
use loggia_auth::{Jwk, Proof};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::{forge, holder, k256, now, run, stranger};

const URL: &str = "https://api.example.com/xrpc/com.example.doThings";
const TOKEN: &str = "some.access.token";

#[derive(Default)]
struct Used(HashSet<[u8; 32]>);

impl ReplayStore for Used {
    fn insert_once<'a, 'b, 'c>(
        &'a mut self,
        id: [u8; 32],
        _: ReplayContext<'b>,
    ) -> Pin<Box<dyn Future<Output = Result<bool, DpopError>> + Send + 'c>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        Box::pin(std::future::ready(Ok(self.0.insert(id))))
    }
}

/// The thumbprint, if the other crate takes the proof.
fn theirs(proof: &str) -> Option<String> {
    let verifier = DpopVerifier::new().with_max_age_seconds(10_000_000_000);
    let mut used = Used::default();
    let verified = run(verifier.verify(&mut used, proof, URL, "POST", Some(TOKEN)));
    verified.ok().map(|verified| verified.jkt)
}

fn ours(proof: &str) -> Option<String> {
    let target = Target::parse(URL).expect("a URL");
    let expected = Expected {
        method: "POST",
        target: &target,
        token: Some(TOKEN),
        nonces: None,
        now: now(),
    };
    let verified = Proof::verify(&[proof], Profile::SPACE, &expected);
    verified.ok().map(|proof| proof.thumbprint().to_owned())
}

fn jwk(key: &loggia_auth::SigningKey) -> Value {
    json!(Jwk::new(*key.public().multikey()))
}

/// Headers, one of which is good.
fn headers() -> impl Strategy<Value = Value> {
    let good = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk(&holder()) });
    let changes = [
        ("typ", good["typ"].clone()),
        ("typ", json!("JWT")),
        ("typ", json!(null)),
        ("alg", json!("ES256K")),
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("jwk", jwk(&stranger())),
        ("jwk", jwk(&k256(1))),
        (
            "jwk",
            json!({ "kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA" }),
        ),
        ("jwk", json!({ "kty": "oct", "k": "AAAA" })),
        ("jwk", json!(null)),
    ];
    prop_oneof![
        3 => Just(good.clone()),
        2 => prop::sample::select(changes.to_vec()).prop_map(move |(member, value)| {
            let mut header = good.clone();
            header[member] = value;
            header
        }),
    ]
}

/// Claims, some of which are good.
fn claims() -> impl Strategy<Value = Value> {
    let good = json!({
        "jti": "one", "htm": "POST", "htu": URL, "iat": now().as_second(), "ath": token_hash(TOKEN),
    });
    let changes = [
        ("jti", json!("another-one")),
        ("jti", json!(null)),
        ("htm", json!("GET")),
        ("htm", json!(7)),
        ("htu", json!(format!("{URL}?query#fragment"))),
        ("htu", json!(URL.replace(".com", ".com:443"))),
        ("htu", json!(URL.replace("https://api", "HTTPS://API"))),
        ("htu", json!(URL.replace(".com", ".com:444"))),
        ("htu", json!(URL.replace("https", "http"))),
        ("htu", json!("https://api.example.com/xrpc/other")),
        (
            "htu",
            json!("https://evil.example/xrpc/com.example.doThings"),
        ),
        ("htu", json!("")),
        ("iat", json!("now")),
        ("iat", json!(null)),
        ("ath", json!(token_hash("another"))),
        ("ath", json!("")),
        ("ath", json!(null)),
    ];
    prop_oneof![
        1 => Just(good.clone()),
        3 => prop::sample::select(changes.to_vec()).prop_map(move |(claim, value)| {
            let mut claims = good.clone();
            claims[claim] = value;
            claims
        }),
    ]
}

#[test]
fn both_take_a_good_proof() {
    let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk(&holder()) });
    let claims = json!({
        "jti": "one", "htm": "POST", "htu": URL, "iat": now().as_second(), "ath": token_hash(TOKEN),
    });
    let proof = forge(&holder(), &header.to_string(), &claims.to_string());
    assert!(ours(&proof).is_some());
    assert_eq!(ours(&proof), theirs(&proof));
}

proptest! {
    #[test]
    fn the_same_verdict(header in headers(), claims in claims(), spoil in 0_usize..400) {
        let mut proof = forge(&holder(), &header.to_string(), &claims.to_string());
        // Sometimes one character of it is changed as well.
        if spoil < proof.len() && spoil % 4 == 0 {
            let other = if proof.as_bytes()[spoil] == b'A' { "B" } else { "A" };
            proof.replace_range(spoil..=spoil, other);
        }
        prop_assert_eq!(ours(&proof), theirs(&proof), "{} {}", header, claims);
    }
}
