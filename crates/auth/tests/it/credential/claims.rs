//! What a credential says, and who signs it.

use super::*;

const HEADER: &str =
    r##"{"typ":"atproto-space-credential+jwt","alg":"ES256","kid":"#atproto_space"}"##;

fn claims() -> Value {
    let now = now().as_second();
    json!({
        "iss": AUTHORITY, "sub": SPACE, "iat": now, "exp": now + 600, "jti": "one",
        "cnf": { "kid": KID },
    })
}

async fn refusal(token: &str) -> (u16, &'static str) {
    outcome(&use_october(&verifier(&world(), BOTH), token, &holder(), now()).await)
}

#[tokio::test]
async fn claims_have_names() {
    let second = now().as_second();
    for (claim, value, expected) in [
        ("iss", json!("did:web:other.example"), "BadJwtIss"),
        ("iss", json!("did:web:space.example#atproto"), "BadJwtIss"),
        (
            "sub",
            json!("at://did:web:other.example/space/app.example.group/test"),
            "BadJwtIss",
        ),
        (
            "sub",
            json!("at://did:web:space.example/app.example.group/test"),
            "BadJwtSub",
        ),
        ("sub", json!(format!("{SPACE}#x")), "BadJwtSub"),
        ("exp", json!(second - 5), "JwtExpired"),
        ("exp", json!(second + 3606), "BadJwt"),
        ("exp", json!(i64::MAX), "BadJwt"),
        ("exp", json!(i64::MIN), "JwtExpired"),
        ("exp", json!(second), "BadJwt"),
        ("iat", json!(second + 6), "BadJwt"),
        ("iat", json!(second - 3001), "BadJwt"),
        ("jti", json!(""), "BadJwt"),
        ("cnf", json!({}), "BadJwtCnf"),
        ("cnf", json!({ "kid": "did:key:zBroken" }), "BadJwtCnf"),
        ("cnf", json!({ "kid": 7 }), "BadJwtCnf"),
        ("cnf", json!({ "kid": KID, "jkt": JKT }), "BadJwtCnf"),
        ("cnf", json!({ "jkt": JKT }), "BadJwtCnf"),
        (
            "cnf",
            json!({ "kid": k256(1).public().to_did_key() }),
            "BadSpaceSignature",
        ),
        ("iat", json!(second + 5), "accepted"),
        ("aud", json!("did:web:whoever.example"), "accepted"),
    ] {
        let mut claims = claims();
        claims[claim] = value.clone();
        let token = forge(&authority_key(), HEADER, &claims.to_string());
        assert_eq!(refusal(&token).await.1, expected, "{claim} = {value}");
    }
    for (what, json) in spoiled(&claims()) {
        let expected = match what.as_str() {
            what if what.starts_with("cnf") && what != "cnf twice" => "BadJwtCnf",
            _ => "BadJwt",
        };
        let token = forge(&authority_key(), HEADER, &json);
        assert_eq!(refusal(&token).await, (401, expected), "{what}");
    }
}

#[tokio::test]
async fn headers_have_names() {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut header: Value = serde_json::from_str(HEADER).expect("JSON");
        change(&mut header);
        header.to_string()
    };
    for (header, expected) in [
        (with(&|_| {}), "accepted"),
        (with(&|h| h["typ"] = json!("JWT")), "BadJwtType"),
        (with(&|h| h["typ"] = json!("at+jwt")), "BadJwtType"),
        (
            with(&|h| h["typ"] = json!("atproto-space-delegation+jwt")),
            "BadJwtType",
        ),
        (
            with(&|h| h["typ"] = json!("ATPROTO-SPACE-CREDENTIAL+JWT")),
            "BadJwtType",
        ),
        (with(&|h| h["typ"] = json!(null)), "BadJwtType"),
        (with(&|h| h["alg"] = json!("none")), "BadJwt"),
        (with(&|h| h["alg"] = json!("HS256")), "BadJwt"),
        (with(&|h| h["alg"] = json!("ES256K")), "BadJwtSignature"),
        (with(&|h| h["kid"] = json!("#atproto")), "BadJwtSignature"),
        (with(&|h| h["kid"] = json!("#other")), "BadJwt"),
        (
            with(&|h| h["kid"] = json!("did:web:space.example#atproto_space")),
            "BadJwt",
        ),
        (with(&|h| h["kid"] = json!(null)), "BadJwt"),
        (with(&|h| h["crit"] = json!(["x"])), "BadJwt"),
    ] {
        let token = forge(&authority_key(), &header, &claims().to_string());
        assert_eq!(refusal(&token).await.1, expected, "{header}");
    }
    let k256_header = HEADER
        .replace("ES256", "ES256K")
        .replace("atproto_space\"", "atproto\"");
    let token = forge(&k256(1), &k256_header, &claims().to_string());
    assert_eq!(refusal(&token).await.1, "accepted", "the other key, named");
    let token = forge(&k256(1), HEADER, &claims().to_string());
    assert_eq!(
        refusal(&token).await.1,
        "BadJwtSignature",
        "no key stands in for another"
    );
}

#[tokio::test]
async fn an_unpublished_key_is_named() {
    let directory = Arc::new(Directory::default());
    directory.know(
        DidDocument::new(AUTHORITY).with_key("#atproto", *authority_key().public().multikey()),
    );
    let result = use_october(
        &verifier(&directory, BOTH),
        &credential(&october()),
        &holder(),
        now(),
    )
    .await;
    let error = result.expect_err("no such key");
    assert_eq!((error.status(), error.name()), (401, "BadJwtSignature"));
    assert!(
        error.message().starts_with("missing or bad key"),
        "{}",
        error.message()
    );
    assert_eq!(
        directory.counts(),
        (1, 1),
        "the document was fetched once more"
    );
}

#[tokio::test]
async fn the_higher_s_is_refused() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let token = credential(&october());
    let (signed, signature) = token.rsplit_once('.').expect("three segments");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let high = crate::keys::flip(
        loggia_identity::Curve::P256,
        &signature.try_into().expect("64 bytes"),
    );
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(high));
    let refused = use_october(&verifier(&world(), BOTH), &token, &holder(), now()).await;
    assert_eq!(outcome(&refused), (401, "BadJwtSignature"));
    let message = refused.expect_err("it is refused").message();
    assert!(message.contains("the higher s"), "{message}");
}

#[test]
fn minting_has_limits() {
    let (october, k256_bound) = (
        october(),
        KeyBinding::HttpSignature(k256(1).public().clone()),
    );
    let new = NewCredential {
        space: &SPACE,
        binding: &october,
        fragment: "#atproto",
        now: now(),
        lifetime: 600,
        id: [0; 16],
    };
    assert!(mint(&authority_key(), &new).is_ok());
    for new in [
        NewCredential { lifetime: 0, ..new },
        NewCredential {
            lifetime: 3601,
            ..new
        },
        NewCredential {
            fragment: "#other",
            ..new
        },
        NewCredential {
            binding: &k256_bound,
            ..new
        },
    ] {
        assert!(mint(&authority_key(), &new).is_err());
    }
}
