//! Proofs, and every way in which they fail.

mod header;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use loggia_auth::dpop::{
    Expected, NewProof, Profile, PublicUrl, Target, TargetError, mint, token_hash,
};
use loggia_auth::{Jwk, MemoryReplayStore, Nonces, Proof, ProofError, Refusal, SigningKey};
use loggia_identity::Curve;
use serde_json::{Value, json};

use crate::keys::flip;
use crate::spoil::spoiled;
use crate::tokens::{text, vectors};
use crate::world::{forge, holder, k256, name, now, outcome, stranger};

const URL: &str = "https://api.example.com/xrpc/com.example.doThings";
const TOKEN: &str = "some.access.token";

fn nonces() -> Nonces {
    Nonces::new(&[5; 32])
}

fn target(url: &str) -> Target {
    Target::parse(url).expect("a URL")
}

fn jwk(key: &SigningKey) -> Value {
    json!(Jwk::new(*key.public().multikey()))
}

fn header(key: &SigningKey) -> Value {
    json!({ "typ": "dpop+jwt", "alg": key.public().curve().algorithm(), "jwk": jwk(key) })
}

fn claims() -> Value {
    json!({
        "jti": "one", "htm": "POST", "htu": URL, "iat": now().as_second(),
        "ath": token_hash(TOKEN), "nonce": nonces().current(now()),
    })
}

fn verify_with(profile: Profile, proofs: &[&str]) -> Result<Proof, ProofError> {
    let (target, nonces) = (target(URL), nonces());
    let expected = Expected {
        method: "POST",
        target: &target,
        token: Some(TOKEN),
        nonces: Some(&nonces),
        now: now(),
    };
    Proof::verify(proofs, profile, &expected)
}

fn verify(proof: &str) -> Result<Proof, ProofError> {
    verify_with(Profile::OAUTH, &[proof])
}

/// A proof whose header or claims were changed, signed properly.
fn changed(change: impl FnOnce(&mut Value, &mut Value)) -> String {
    let (mut header, mut claims) = (header(&holder()), claims());
    change(&mut header, &mut claims);
    forge(&holder(), &header.to_string(), &claims.to_string())
}

#[test]
fn a_minted_proof_holds() {
    let (target, nonce) = (target(URL), nonces().current(now()));
    let new = NewProof {
        method: "POST",
        target: &target,
        token: Some(TOKEN),
        nonce: Some(&nonce),
        now: now(),
        id: [1; 16],
    };
    let proof = verify(&mint(&holder(), &new).expect("a proof")).expect("it holds");
    assert_eq!(
        proof.thumbprint(),
        "iAzi3C-OjPVWNyPopGebSBzQGxyqWSYHSp2clxH5mSI"
    );
    assert!(proof.check_binding(proof.thumbprint()).is_ok());
    let error = proof.check_binding("other").expect_err("another key");
    assert_eq!(error.oauth_name(), "invalid_token");
    assert_eq!(error.space_name(), "DpopKeyMismatch");
    assert_eq!(error.to_string(), "Invalid DPoP key binding");
}

/// The names of a refusal, OAuth's and the spaces', of a proof with this claim.
fn names(claim: &str, value: &Value) -> (&'static str, &'static str) {
    let proof = changed(|_, claims| claims[claim] = value.clone());
    match verify(&proof) {
        Ok(_) => ("accepted", "accepted"),
        Err(error) => {
            assert_eq!(error.wants_nonce(), error.oauth_name() == "use_dpop_nonce");
            (error.oauth_name(), error.space_name())
        }
    }
}

#[test]
fn claims_are_held_to_the_request() {
    let second = now().as_second();
    for (claim, value) in [
        ("htm", json!("GET")),
        ("htm", json!("post")),
        ("htu", json!("https://api.example.com/xrpc/other")),
        ("htu", json!(format!("{URL}/"))),
        ("htu", json!(URL.replace("https", "http"))),
        ("htu", json!(URL.replace(".com", ".com:8443"))),
        ("htu", json!("/xrpc/com.example.doThings")),
        ("htu", json!(URL.replace("api", "user@api"))),
        ("iat", json!(second + 181)),
        ("iat", json!(i64::MAX)),
        ("iat", json!(1e300)),
        ("jti", json!("")),
        ("jti", json!("x".repeat(257))),
        ("ath", json!(token_hash("other"))),
        ("ath", json!(TOKEN)),
    ] {
        let expected = ("invalid_dpop_proof", "BadDpopProof");
        assert_eq!(names(claim, &value), expected, "{claim} = {value}");
    }
    for old in [json!(second - 191), json!(i64::MIN)] {
        let expected = ("invalid_dpop_proof", "DpopProofExpired");
        assert_eq!(names("iat", &old), expected, "{old}");
    }
    let foreign = Nonces::new(&[6; 32]).current(now());
    for nonce in [json!(""), json!(foreign)] {
        let expected = ("use_dpop_nonce", "BadDpopProof");
        assert_eq!(names("nonce", &nonce), expected, "{nonce}");
    }
}

#[test]
fn claims_may_be_written_in_other_ways() {
    let second = now().as_second();
    let last_minute = now() - SignedDuration::from_secs(60);
    for (claim, value) in [
        ("htu", json!(URL.replace("https://api", "HTTPS://API"))),
        ("htu", json!(URL.replace(".com", ".com:443"))),
        ("htu", json!(format!("{URL}?a=b#c"))),
        ("htu", json!(URL.replace("xrpc/", "xrpc/./x/../"))),
        ("iat", json!(second + 180)),
        ("iat", json!(second - 190)),
        ("other", json!({ "kept": "out" })),
        ("nonce", json!(nonces().current(last_minute))),
    ] {
        let expected = ("accepted", "accepted");
        assert_eq!(names(claim, &value), expected, "{claim} = {value}");
    }
}

#[test]
fn every_claim_is_needed_once_and_of_its_type() {
    for (what, json) in spoiled(&claims()) {
        let proof = forge(&holder(), &header(&holder()).to_string(), &json);
        let expected = match what.as_str() {
            "nonce missing" | "nonce is null" => "use_dpop_nonce",
            _ => "invalid_dpop_proof",
        };
        assert_eq!(name(&verify(&proof)), expected, "{what}");
    }
}

#[test]
fn a_server_without_nonces_refuses() {
    let (target, proof) = (target(URL), changed(|_, _| {}));
    let expected = Expected {
        method: "POST",
        target: &target,
        token: Some(TOKEN),
        nonces: None,
        now: now(),
    };
    let result = Proof::verify(&[&proof], Profile::OAUTH, &expected);
    assert_eq!(name(&result), "use_dpop_nonce");
}

#[test]
fn the_profile_of_spaces() {
    let space = |change: &dyn Fn(&mut Value)| {
        let proof = changed(|_, claims| change(claims));
        verify_with(Profile::SPACE, &[&proof])
            .map_or_else(|error| error.space_name(), |_| "accepted")
    };
    let second = now().as_second();
    let remove = |claims: &mut Value, name: &str| {
        drop(claims.as_object_mut().expect("an object").remove(name))
    };
    assert_eq!(space(&|claims| remove(claims, "nonce")), "accepted");
    assert_eq!(
        space(&|claims| claims["nonce"] = json!("whatever")),
        "accepted"
    );
    assert_eq!(space(&|claims| remove(claims, "ath")), "BadDpopProof");
    assert_eq!(
        space(&|claims| claims["iat"] = json!(second - 65)),
        "accepted"
    );
    assert_eq!(
        space(&|claims| claims["iat"] = json!(second - 66)),
        "DpopProofExpired"
    );
    assert_eq!(
        space(&|claims| claims["iat"] = json!(second + 5)),
        "accepted"
    );
    assert_eq!(
        space(&|claims| claims["iat"] = json!(second + 6)),
        "BadDpopProof"
    );
}

#[test]
fn proofs_of_the_reference() {
    let Some(vectors) = vectors() else { return };
    let verify = |method, url: &str, token: Option<&str>, proof: &str| {
        let target = target(url);
        let expected = Expected {
            method,
            target: &target,
            token,
            nonces: None,
            now: now(),
        };
        Proof::verify(&[proof], Profile::SPACE, &expected)
            .map(|proof| proof.thumbprint().to_owned())
    };
    let credential = text(&vectors, "/tokens/space_credential");
    let proof = text(&vectors, "/tokens/dpop_proof_resource/proof");
    let url = text(&vectors, "/tokens/dpop_proof_resource/htu");
    assert_eq!(
        token_hash(credential),
        text(&vectors, "/tokens/dpop_proof_resource/ath")
    );
    let jkt = text(&vectors, "/keys/dpop_p256/jkt");
    assert_eq!(
        verify("GET", url, Some(credential), proof).ok().as_deref(),
        Some(jkt)
    );
    assert_eq!(
        verify("GET", url, None, proof)
            .expect_err("an ath")
            .space_name(),
        "BadDpopProof"
    );

    let proof = text(&vectors, "/tokens/dpop_proof_exchange_no_ath");
    let url = "https://space.example.com/xrpc/com.atproto.space.getSpaceCredential";
    assert_eq!(verify("POST", url, None, proof).ok().as_deref(), Some(jkt));
    assert_eq!(
        verify("POST", url, Some(credential), proof)
            .expect_err("no ath")
            .space_name(),
        "BadDpopProof"
    );
}

#[tokio::test]
async fn a_proof_is_used_once() {
    let store = MemoryReplayStore::default();
    let at = |seconds| now() + SignedDuration::from_secs(seconds);
    let proof = verify(&changed(|_, _| {})).expect("it holds");
    assert_eq!(name(&proof.use_up(&store, at(0)).await), "accepted");
    for seconds in [0, 1, 198] {
        let error = proof.use_up(&store, at(seconds)).await.expect_err("used");
        assert_eq!(
            (error.oauth_name(), error.space_name()),
            ("invalid_dpop_proof", "BadDpopProof")
        );
    }
    // By then its nonce is long gone.
    assert_eq!(name(&proof.use_up(&store, at(199)).await), "accepted");

    let full = MemoryReplayStore::new(0);
    assert_eq!(
        outcome(&proof.use_up(&full, at(0)).await),
        (503, "NotEnoughResources")
    );
}

#[test]
fn targets_come_from_the_public_url() {
    for (public, path, expected) in [
        (
            "https://Example.com",
            "/xrpc/a.b.c",
            "https://example.com/xrpc/a.b.c",
        ),
        (
            "https://example.com:443/",
            "/xrpc/a.b.c?x=1",
            "https://example.com/xrpc/a.b.c",
        ),
        (
            "http://localhost:2510/base/",
            "/xrpc/a",
            "http://localhost:2510/base/xrpc/a",
        ),
        (
            "https://example.com",
            "//evil.example/xrpc",
            "https://example.com//evil.example/xrpc",
        ),
    ] {
        let target = PublicUrl::new(public)
            .expect("a URL")
            .target(path)
            .expect("a target");
        assert_eq!(target.as_str(), expected);
    }
    let public = PublicUrl::new("https://example.com").expect("a URL");
    assert_eq!(public.target("@evil.example/"), Err(TargetError::Path));
    for other in [
        "",
        "example.com",
        "ftp://example.com",
        "at://did:web:x",
        "https://u:p@example.com",
    ] {
        assert!(PublicUrl::new(other).is_err(), "{other}");
    }
}
