//! Delegation tokens.

use std::sync::Arc;

use loggia_auth::delegation::{NewDelegation, mint};
use loggia_auth::{Delegation, DelegationError, Delegations, MemoryReplayStore, SigningKey};
use loggia_identity::DidDocument;
use serde_json::{Value, json};

use crate::credential::SPACE;
use crate::spoil::spoiled;
use crate::world::{ALICE, Directory, forge, k256, name, now, outcome};

const HEADER: &str = r##"{"typ":"atproto-space-delegation+jwt","alg":"ES256K","kid":"#atproto"}"##;
const AUDIENCE: &str = "did:web:space.example#atproto_space_host";

pub fn delegations() -> Delegations<Arc<Directory>, MemoryReplayStore> {
    let directory = Arc::new(Directory::default());
    let document = DidDocument::new(ALICE)
        .with_key("#atproto", *k256(1).public().multikey())
        .with_key("#atproto_space", *k256(2).public().multikey());
    directory.know(document);
    Delegations::new(directory, MemoryReplayStore::default())
}

pub fn token(key: &SigningKey) -> String {
    let new = NewDelegation {
        user: &ALICE,
        space: &SPACE,
        now: now(),
        lifetime: 60,
        id: [1; 16],
    };
    mint(key, &new).expect("a token")
}

fn claims() -> Value {
    let now = now().as_second();
    json!({ "iss": ALICE, "sub": SPACE, "aud": AUDIENCE, "iat": now, "exp": now + 60, "jti": "one" })
}

async fn verify(token: &str) -> Result<Delegation, DelegationError> {
    delegations().verify(token, now()).await
}

#[tokio::test]
async fn a_token_delegates_once() {
    let delegations = delegations();
    let token = token(&k256(1));
    let delegation = delegations
        .verify(&token, now())
        .await
        .expect("a delegation");
    assert_eq!((delegation.user(), delegation.space()), (&ALICE, &SPACE));
    assert!(delegation.check_space(&SPACE).is_ok());
    assert_eq!(
        name(&delegations.use_up(&delegation, now()).await),
        "accepted"
    );
    let again = delegations.use_up(&delegation, now()).await;
    assert_eq!(outcome(&again), (401, "JwtReplayed"));
    assert!(
        again
            .expect_err("used")
            .to_string()
            .contains("already been used")
    );
}

#[tokio::test]
async fn claims_have_names() {
    let second = now().as_second();
    for (claim, value, expected) in [
        ("aud", json!("did:web:space.example"), "BadJwtAudience"),
        (
            "aud",
            json!("did:web:other.example#atproto_space_host"),
            "BadJwtAudience",
        ),
        (
            "aud",
            json!("did:web:space.example#atproto_space"),
            "BadJwtAudience",
        ),
        ("iss", json!("alice.example"), "BadJwtIss"),
        ("iss", json!("did:web:alice.example#atproto"), "BadJwtIss"),
        ("iss", json!("did:web:nobody.example"), "BadJwtIss"),
        ("sub", json!("did:web:space.example"), "BadJwtSub"),
        (
            "sub",
            json!("at://did:web:space.example/app.example.group/test"),
            "BadJwtSub",
        ),
        ("exp", json!(second - 5), "JwtExpired"),
        ("exp", json!(i64::MIN), "JwtExpired"),
        ("exp", json!(second + 306), "BadJwt"),
        ("exp", json!(i64::MAX), "BadJwt"),
        ("iat", json!(second + 6), "BadJwt"),
        ("iat", json!(second - 241), "BadJwt"),
        ("exp", json!(second - 1), "BadJwt"),
        ("jti", json!(""), "BadJwt"),
        ("jti", json!("x".repeat(257)), "BadJwt"),
        ("other", json!(1), "accepted"),
    ] {
        let mut claims = claims();
        claims[claim] = value.clone();
        let result = verify(&forge(&k256(1), HEADER, &claims.to_string())).await;
        assert_eq!(name(&result), expected, "{claim} = {value}");
    }
    for (what, json) in spoiled(&claims()) {
        let result = verify(&forge(&k256(1), HEADER, &json)).await;
        assert_eq!(outcome(&result), (401, "BadJwt"), "{what}");
    }
}

#[tokio::test]
async fn headers_have_names() {
    for (header, expected) in [
        (HEADER.to_owned(), "accepted"),
        (HEADER.replace("-delegation", "-credential"), "BadJwtType"),
        (
            HEADER.replace("atproto-space-delegation+jwt", "JWT"),
            "BadJwtType",
        ),
        (HEADER.replace("ES256K", "none"), "BadJwt"),
        (HEADER.replace("ES256K", "HS256"), "BadJwt"),
        (HEADER.replace("ES256K", "ES256"), "BadJwtSignature"),
        (HEADER.replace("#atproto", "#atproto_space"), "BadJwt"),
        (HEADER.replace("#atproto", "atproto"), "BadJwt"),
        (HEADER.replace(r##","kid":"#atproto""##, ""), "BadJwt"),
    ] {
        let result = verify(&forge(&k256(1), &header, &claims().to_string())).await;
        assert_eq!(name(&result), expected, "{header}");
    }
    let result = verify(&token(&k256(2))).await;
    assert_eq!(
        outcome(&result),
        (401, "BadJwtSignature"),
        "the key of the space does not delegate"
    );
}

#[test]
fn lifetimes_have_a_limit() {
    for lifetime in [i64::MIN, 0, 301, i64::MAX] {
        let new = NewDelegation {
            user: &ALICE,
            space: &SPACE,
            now: now(),
            lifetime,
            id: [1; 16],
        };
        assert!(mint(&k256(1), &new).is_err(), "{lifetime}");
    }
}
