//! Whole verifications, with every way of being refused.

use std::sync::Arc;

use jiff::SignedDuration;
use loggia_auth::service_auth::{Audiences, Expected, Limits, Mint, mint};
use loggia_auth::{MemoryReplayStore, ServiceAuth, SigningKey};
use loggia_identity::DidDocument;
use loggia_syntax::Did;
use serde_json::{Value, json};

use crate::spoil::spoiled;
use crate::world::{
    ALICE, Directory, HOST, METHOD, claims, forge, k256, now, token, verifier, verify, verify_at,
};

#[tokio::test]
async fn a_token_proves_its_issuer_once() {
    for key in [k256(1), SigningKey::generate_p256().expect("a key")] {
        let directory = Directory::of(&ALICE, &key);
        let verifier = verifier(&directory);
        let token = token(&key);
        let verified = verify(&verifier, &token).await.expect("a proof");
        assert_eq!(*verified.issuer(), ALICE);
        assert_eq!(verified.audience(), HOST);
        assert_eq!(*verified.method(), METHOD);
        assert_eq!(verified.forget_after().as_second(), now().as_second() + 65);

        let again = verify(&verifier, &token).await.expect_err("used before");
        assert_eq!(
            again.answer(),
            (
                401,
                "JwtReplayed",
                "the token was used before (jti): get a new one for each call".into()
            )
        );
        assert_eq!(directory.counts(), (2, 0));
    }
}

/// Status and name for a token with one claim changed.
async fn refusal(change: impl FnOnce(&mut Value)) -> (u16, &'static str) {
    let key = k256(1);
    let directory = Directory::of(&ALICE, &key);
    let mut claims = claims();
    change(&mut claims);
    let header = r#"{"typ":"JWT","alg":"ES256K"}"#;
    let token = forge(&key, header, &claims.to_string());
    let result = verify(&verifier(&directory), &token).await;
    if result.is_err() {
        assert_eq!(directory.counts(), (0, 0), "claims come before the network");
    }
    result.map_or_else(|error| (error.status(), error.name()), |_| (200, ""))
}

#[tokio::test]
async fn claims_are_checked_before_the_network() {
    let now = now().as_second();
    assert_eq!(refusal(|_| {}).await, (200, ""));
    let bad: [(&str, Value, &str); 22] = [
        ("exp", json!(now - 5), "JwtExpired"),
        ("exp", json!(i64::MIN), "JwtExpired"),
        ("exp", json!(i64::MAX), "BadJwt"),
        ("exp", json!(now + 306), "BadJwt"),
        ("exp", json!("soon"), "BadJwt"),
        ("exp", json!(1e300), "BadJwt"),
        ("exp", json!(null), "BadJwt"),
        ("iat", json!(now + 6), "BadJwt"),
        ("iat", json!(now - 241), "BadJwt"),
        ("iat", json!(i64::MIN), "BadJwt"),
        ("nbf", json!(now + 6), "BadJwt"),
        ("lxm", json!("com.example.doOther"), "BadJwtLexiconMethod"),
        ("lxm", json!("com.example.dothings"), "BadJwtLexiconMethod"),
        ("lxm", json!(null), "BadJwtLexiconMethod"),
        ("aud", json!("did:web:host.example"), "BadJwtAudience"),
        ("aud", json!("did:web:host.example#other"), "BadJwtAudience"),
        ("aud", json!([HOST]), "BadJwt"),
        ("iss", json!("did:web:alice.example#atproto"), "BadJwtIss"),
        ("iss", json!("alice.example"), "BadJwtIss"),
        ("jti", json!(""), "BadJwt"),
        ("jti", json!("x".repeat(257)), "BadJwt"),
        ("jti", json!(null), "BadJwt"),
    ];
    for (claim, value, name) in bad {
        let case = format!("{claim} = {value}");
        assert_eq!(
            refusal(|claims| claims[claim] = value).await,
            (401, name),
            "{case}"
        );
    }
    for claim in ["iss", "aud", "exp", "jti"] {
        let remove = |claims: &mut Value| {
            claims.as_object_mut().expect("an object").remove(claim);
        };
        assert_eq!(refusal(remove).await, (401, "BadJwt"), "{claim}");
    }
    let good = [
        ("exp", json!(now - 4)),
        ("exp", json!(now + 300)),
        ("iat", json!(now + 5)),
        ("iat", json!(null)),
        ("nbf", json!(now)),
        ("other", json!({ "kept": "out" })),
    ];
    for (claim, value) in good {
        let change = |claims: &mut Value| {
            if claim == "exp" {
                claims["iat"] = json!((value.as_i64().expect("a time") - 60).min(now));
            }
            claims[claim] = value.clone();
        };
        assert_eq!(refusal(change).await, (200, ""), "{claim} = {value}");
    }
}

/// `iat` may be absent, as in the reference: `exp` bounds the token from now on all the same.
#[tokio::test]
async fn a_claim_that_is_missing_mistyped_or_there_twice_is_refused() {
    let key = k256(1);
    let directory = Directory::of(&ALICE, &key);
    let verifier = verifier(&directory);
    for (what, json) in spoiled(&claims()) {
        let token = forge(&key, r#"{"typ":"JWT","alg":"ES256K"}"#, &json);
        let result = verify(&verifier, &token).await;
        let name = result.map_or_else(|error| error.name(), |_| "accepted");
        let expected = match &*what {
            "lxm missing" | "lxm is null" => "BadJwtLexiconMethod",
            "iat missing" => "accepted",
            // The same token as the one before, as far as anybody can tell.
            "iat is null" => "JwtReplayed",
            _ => "BadJwt",
        };
        assert_eq!(name, expected, "{what}");
    }
}

#[tokio::test]
async fn a_changed_key_is_found() {
    let (old, new) = (k256(1), k256(2));
    let directory = Directory::of(&ALICE, &old);
    let verifier = verifier(&directory);
    let refused = verify(&verifier, &token(&new))
        .await
        .expect_err("the old key is known");
    assert_eq!(refused.answer().1, "BadJwtSignature");
    assert_eq!(directory.counts(), (1, 1));

    directory.change(DidDocument::new(ALICE).with_key("#atproto", *new.public().multikey()));
    verify(&verifier, &token(&new))
        .await
        .expect("the new key is found");
    assert_eq!(directory.counts(), (2, 2));
}

#[tokio::test]
async fn only_the_account_key_counts() {
    let key = k256(1);
    let directory = Arc::new(Directory::default());
    directory.know(DidDocument::new(ALICE).with_key("#other", *key.public().multikey()));
    let error = verify(&verifier(&directory), &token(&key))
        .await
        .expect_err("no key");
    assert_eq!((error.status(), error.name()), (401, "BadJwtSignature"));
    assert!(
        error
            .message()
            .contains("the document has no key `#atproto`"),
        "{}",
        error.message()
    );
}

#[tokio::test]
async fn an_unknown_issuer_is_named() {
    let directory = Arc::new(Directory::default());
    let error = verify(&verifier(&directory), &token(&k256(1)))
        .await
        .expect_err("no issuer");
    assert_eq!(
        error.answer(),
        (
            401,
            "BadJwtIss",
            "the issuer of the token cannot be resolved: cannot resolve did:web:alice.example \
             at its host's /.well-known/did.json: there is no such DID (HTTP status 404); \
             its document must be published there"
                .into()
        )
    );
}

#[tokio::test]
async fn a_bad_signature_uses_nothing_up() {
    let key = k256(1);
    let directory = Directory::of(&ALICE, &key);
    let verifier = verifier(&directory);
    verify(&verifier, &token(&k256(2)))
        .await
        .expect_err("not the issuer's");
    verify(&verifier, &token(&key))
        .await
        .expect("the issuer's own, with the same jti");
}

#[tokio::test]
async fn a_full_store_fails_closed() {
    let key = k256(1);
    let verifier = ServiceAuth::new(Directory::of(&ALICE, &key), MemoryReplayStore::new(0));
    let error = verify(&verifier, &token(&key)).await.expect_err("no room");
    assert_eq!((error.status(), error.name()), (503, "NotEnoughResources"));
}

#[tokio::test]
async fn a_token_is_remembered_as_long_as_it_is_valid() {
    let key = k256(1);
    let verifier = verifier(&Directory::of(&ALICE, &key));
    let token = token(&key);
    let after = |seconds| now() + SignedDuration::from_secs(seconds);
    verify(&verifier, &token).await.expect("a proof");
    for (seconds, name) in [(1, "JwtReplayed"), (64, "JwtReplayed"), (65, "JwtExpired")] {
        let error = verify_at(&verifier, &token, after(seconds))
            .await
            .expect_err("refused");
        assert_eq!(error.name(), name, "after {seconds} s");
    }
}

#[tokio::test]
async fn a_handler_may_check_the_audience() {
    let key = k256(1);
    let verifier = verifier(&Directory::of(&ALICE, &key));
    let method = METHOD;
    let expected = Expected {
        audiences: Audiences::Handler,
        method: &method,
        now: now(),
        limits: Limits::default(),
    };
    let verified = verifier
        .verify(&token(&key), &expected)
        .await
        .expect("a proof");
    verified
        .check_audience(|audience| audience == HOST)
        .expect("the right one");
    let error = verified
        .check_audience(|audience| audience == "did:web:x")
        .expect_err("wrong");
    assert_eq!(error.name(), "BadJwtAudience");
}

#[test]
fn limits_have_limits() {
    let limits = Limits::new(1000, 1_000_000);
    assert_eq!((limits.skew(), limits.lifetime()), (30, 3600));
    let limits = Limits::new(-1, -1);
    assert_eq!((limits.skew(), limits.lifetime()), (0, 0));
    let did = Did::from_static("did:web:alice.example");
    for lifetime in [i64::MIN, 0, 3601, i64::MAX] {
        let wanted = Mint {
            issuer: &did,
            audience: HOST,
            method: &METHOD,
            now: now(),
            lifetime,
            id: [0; 16],
        };
        assert!(mint(&k256(1), &wanted).is_err(), "{lifetime}");
    }
}
