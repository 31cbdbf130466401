//! Access tokens of three kinds of issuers.

mod issuers;
mod request;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use loggia_auth::access_token::{
    AccessRequest, Introspect, IntrospectedAccessTokens, JwksAccessTokens, NewAccessToken,
    OwnAccessTokens, Terms,
};
use loggia_auth::dpop::{NewProof, Target, mint};
use loggia_auth::jwk::{RemoteKeys, RemoteKeysSettings};
use loggia_auth::{
    AccessError, AccessToken, AccessTokens, DpopAccess, JwkSet, MemoryReplayStore, Nonces, Refusal,
    SigningKey,
};
use loggia_identity::{FetchError, Fetched};
use serde_json::{Value, json};

use crate::remote_keys::{URL as KEYS_URL, set};
use crate::spoil::spoiled;
use crate::world::{ALICE, Browser, Web, forge, holder, k256, name, now, outcome, stranger};

const ISSUER: &str = "https://api.example.com";
const OTHER_ISSUER: &str = "https://pds.example.com";
const US: &str = "did:web:api.example.com";
const URL: &str = "https://api.example.com/xrpc/com.example.doThings";
const JKT: &str = "iAzi3C-OjPVWNyPopGebSBzQGxyqWSYHSp2clxH5mSI";

fn terms() -> Terms {
    Terms::new(ISSUER, US)
}

pub fn own_token(key: &SigningKey) -> String {
    let new = NewAccessToken {
        subject: &ALICE,
        client: "https://app.example.com/client.json",
        scope: "atproto rpc:com.example.doThings",
        thumbprint: JKT,
        now: now(),
        lifetime: 600,
        id: [3; 16],
    };
    OwnAccessTokens::mint(key, "k1", &terms(), &new).expect("a token")
}

fn own(keys: &[(&str, &SigningKey)]) -> OwnAccessTokens {
    let keys = keys
        .iter()
        .map(|(kid, key)| ((*kid).to_owned(), key.public().clone()));
    OwnAccessTokens::new(terms(), JwkSet::of(keys))
}

pub fn own_tokens() -> AccessTokens {
    AccessTokens::new().with(own(&[("k1", &k256(1))]))
}

fn claims(issuer: &str) -> Value {
    let now = now().as_second();
    json!({
        "iss": issuer, "aud": US, "sub": ALICE, "iat": now, "exp": now + 600, "jti": "one",
        "scope": "atproto transition:generic", "client_id": "https://app.example.com/client.json",
        "cnf": { "jkt": JKT },
    })
}

const HEADER: &str = r#"{"typ":"at+jwt","alg":"ES256K","kid":"k1"}"#;

async fn verify_own(token: &str) -> Result<Arc<AccessToken>, AccessError> {
    own_tokens().verify(token, now()).await
}

#[tokio::test]
async fn a_token_of_ours_says_whom_it_stands_for() {
    let token = verify_own(&own_token(&k256(1))).await.expect("a proof");
    assert_eq!(token.subject, ALICE);
    assert_eq!(
        token.client.as_deref(),
        Some("https://app.example.com/client.json")
    );
    assert_eq!(token.thumbprint, JKT);
    assert_eq!(token.expires.as_second(), now().as_second() + 600);
}

#[tokio::test]
async fn claims_are_held_to_the_terms() {
    let second = now().as_second();
    for (claim, value, name) in [
        ("iss", json!(OTHER_ISSUER), "invalid_token"),
        ("aud", json!("did:web:other.example"), "invalid_token"),
        ("aud", json!([]), "invalid_token"),
        ("aud", json!(format!("{US}#service")), "invalid_token"),
        ("sub", json!("alice.example"), "invalid_token"),
        (
            "sub",
            json!("did:web:alice.example#atproto"),
            "invalid_token",
        ),
        ("exp", json!(second - 5), "invalid_token"),
        ("exp", json!(second + 3606), "invalid_token"),
        ("exp", json!(i64::MAX), "invalid_token"),
        ("exp", json!(i64::MIN), "invalid_token"),
        ("iat", json!(second + 6), "invalid_token"),
        ("iat", json!(second - 3001), "invalid_token"),
        ("iat", json!(i64::MIN), "invalid_token"),
        ("nbf", json!(second + 6), "invalid_token"),
        ("jti", json!(""), "invalid_token"),
        ("aud", json!(["did:web:other.example", US]), "accepted"),
        ("nbf", json!(second), "accepted"),
        ("exp", json!(second - 4), "accepted"),
    ] {
        let mut claims = claims(ISSUER);
        if claim == "exp" {
            claims["iat"] = json!(second - 10);
        }
        claims[claim] = value.clone();
        let result = verify_own(&forge(&k256(1), HEADER, &claims.to_string())).await;
        assert_eq!(outcome(&result).1, name, "{claim} = {value}");
    }
}

#[tokio::test]
async fn every_claim_is_needed_once_and_of_its_type() {
    for (what, json) in spoiled(&claims(ISSUER)) {
        let result = verify_own(&forge(&k256(1), HEADER, &json)).await;
        let fine = [
            "client_id missing",
            "client_id is null",
            "aud is [\"did:web:api.example.com\"]",
        ];
        if fine.contains(&what.as_str()) {
            assert_eq!(name(&result), "accepted", "{what}");
        } else {
            assert_eq!(outcome(&result), (401, "invalid_token"), "{what}");
        }
    }
}

#[tokio::test]
async fn headers() {
    for (header, expected) in [
        (HEADER, (200, "accepted")),
        (
            r#"{"typ":"application/at+jwt","alg":"ES256K","kid":"k1"}"#,
            (200, "accepted"),
        ),
        (
            r#"{"typ":"JWT","alg":"ES256K","kid":"k1"}"#,
            (401, "invalid_token"),
        ),
        (r#"{"alg":"ES256K","kid":"k1"}"#, (401, "invalid_token")),
        (
            r#"{"typ":"refresh+jwt","alg":"ES256K","kid":"k1"}"#,
            (401, "invalid_token"),
        ),
        (
            r#"{"typ":"at+jwt","alg":"ES256K","kid":"k2"}"#,
            (401, "invalid_token"),
        ),
        (r#"{"typ":"at+jwt","alg":"ES256K"}"#, (401, "invalid_token")),
        (
            r#"{"typ":"at+jwt","alg":"ES256","kid":"k1"}"#,
            (401, "invalid_token"),
        ),
        (
            r#"{"typ":"at+jwt","alg":"none","kid":"k1"}"#,
            (401, "invalid_token"),
        ),
        (
            r#"{"typ":"at+jwt","alg":"HS256","kid":"k1"}"#,
            (401, "invalid_token"),
        ),
        (
            r#"{"typ":"at+jwt","alg":"ES256K","kid":"k1","crit":[]}"#,
            (400, "InvalidToken"),
        ),
        (
            r#"{"typ":"at+jwt","alg":"ES256K","kid":"k1","kid":"k1"}"#,
            (400, "InvalidToken"),
        ),
    ] {
        let result = verify_own(&forge(&k256(1), header, &claims(ISSUER).to_string())).await;
        assert_eq!(outcome(&result), expected, "{header}");
    }
    let result = verify_own(&forge(&k256(2), HEADER, &claims(ISSUER).to_string())).await;
    assert_eq!(outcome(&result), (401, "invalid_token"), "another key");
}

#[tokio::test]
async fn only_configured_issuers_count() {
    let token = forge(&k256(1), HEADER, &claims(OTHER_ISSUER).to_string());
    let error = verify_own(&token).await.expect_err("unknown issuer");
    assert!(matches!(error, AccessError::UntrustedIssuer));
    let error = AccessTokens::new()
        .verify(&own_token(&k256(1)), now())
        .await;
    assert!(matches!(error, Err(AccessError::UntrustedIssuer)));
    let opaque = verify_own("opaque-token").await.expect_err("nobody to ask");
    assert!(matches!(opaque, AccessError::UntrustedIssuer));
    for text in ["", "a b", "é", "\0", "\"", &"a".repeat(9000), "a.b.c", ".."] {
        assert_eq!(
            outcome(&verify_own(text).await),
            (400, "InvalidToken"),
            "{text:.20}"
        );
    }
}

#[tokio::test]
async fn a_token_that_was_seen_still_expires_and_loses_its_key() {
    let tokens = own_tokens();
    let token = own_token(&k256(1));
    let at = |seconds| now() + SignedDuration::from_secs(seconds);
    let first = tokens.verify(&token, at(0)).await.expect("a proof");
    let again = tokens.verify(&token, at(604)).await.expect("the same");
    assert!(Arc::ptr_eq(&first, &again), "not verified twice");
    assert_eq!(
        outcome(&tokens.verify(&token, at(605)).await),
        (401, "invalid_token")
    );
    let rotated = AccessTokens::new().with(own(&[("k2", &k256(2))]));
    assert_eq!(
        outcome(&rotated.verify(&token, at(0)).await),
        (401, "invalid_token")
    );
}

#[test]
fn lifetimes_have_a_limit() {
    let new = NewAccessToken {
        subject: &ALICE,
        client: "x",
        scope: "",
        thumbprint: JKT,
        now: now(),
        lifetime: 0,
        id: [0; 16],
    };
    for lifetime in [i64::MIN, 0, 3601, i64::MAX] {
        let new = NewAccessToken { lifetime, ..new };
        assert!(OwnAccessTokens::mint(&k256(1), "k1", &terms(), &new).is_err());
    }
}
