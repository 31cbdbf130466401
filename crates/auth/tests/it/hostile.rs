//! Tokens made to deceive.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use loggia_auth::SigningKey;
use loggia_auth::jws::Compact;
use proptest::prelude::*;

use crate::world::{ALICE, Directory, claims, forge, k256, token, verifier, verify};

const HEADER: &str = r#"{"typ":"JWT","alg":"ES256K"}"#;

/// The name with which a token is refused by one who knows Alice's key.
async fn name(token: &str) -> &'static str {
    let directory = Directory::of(&ALICE, &k256(1));
    verify(&verifier(&directory), token)
        .await
        .map_or_else(|error| error.name(), |_| "accepted")
}

#[tokio::test]
async fn headers() {
    let key = k256(1);
    for (header, expected) in [
        (HEADER, "accepted"),
        (r#"{"alg":"ES256K"}"#, "accepted"),
        (r##"{"alg":"ES256K","kid":"#atproto"}"##, "accepted"),
        (
            r#"{"typ":"jwt","alg":"ES256K","jwk":{"kty":"EC"}}"#,
            "accepted",
        ),
        (r#"{"typ":"JWT","alg":"none"}"#, "BadJwt"),
        (r#"{"typ":"JWT","alg":"HS256"}"#, "BadJwt"),
        (r#"{"typ":"JWT","alg":"es256k"}"#, "BadJwt"),
        (r#"{"typ":"JWT","alg":""}"#, "BadJwt"),
        (r#"{"typ":"JWT"}"#, "BadJwt"),
        // The signature is good, but the algorithm is not that of the key.
        (r#"{"typ":"JWT","alg":"ES256"}"#, "BadJwtSignature"),
        (r#"{"typ":"JWT","alg":"ES256K","alg":"none"}"#, "BadJwt"),
        (r#"{"typ":"at+jwt","alg":"ES256K"}"#, "BadJwtType"),
        (r#"{"typ":"refresh+jwt","alg":"ES256K"}"#, "BadJwtType"),
        (r#"{"typ":"dpop+jwt","alg":"ES256K"}"#, "BadJwtType"),
        (
            r#"{"typ":"atproto-space-delegation+jwt","alg":"ES256K"}"#,
            "BadJwtType",
        ),
        (r##"{"alg":"ES256K","kid":"#other"}"##, "BadJwt"),
        (r#"{"alg":"ES256K","kid":"../../key"}"#, "BadJwt"),
        (r#"{"alg":"ES256K","crit":["b64"],"b64":false}"#, "BadJwt"),
        (r#"["JWT","ES256K"]"#, "BadJwt"),
        ("", "BadJwt"),
        ("\u{feff}{\"alg\":\"ES256K\"}", "BadJwt"),
    ] {
        let token = forge(&key, header, &claims().to_string());
        assert_eq!(name(&token).await, expected, "{header}");
    }
}

#[tokio::test]
async fn whose_algorithm_it_should_be_is_said() {
    let key = k256(1);
    let directory = Directory::of(&ALICE, &key);
    let token = forge(
        &key,
        r#"{"typ":"JWT","alg":"ES256"}"#,
        &claims().to_string(),
    );
    let refused = verify(&verifier(&directory), &token).await;
    let message = refused.expect_err("it is refused").message();
    assert_eq!(
        message,
        "the token is not signed by its issuer: its header names another algorithm (alg) than \
         ES256K, its key's"
    );
}

#[tokio::test]
async fn a_claim_that_stands_twice_is_refused() {
    let claims = claims()
        .to_string()
        .replacen('{', r#"{"iss":"did:web:mallory.example","#, 1);
    assert_eq!(name(&forge(&k256(1), HEADER, &claims)).await, "BadJwt");
}

/// The public key as an HMAC secret is the classic confusion; without a signature is another.
#[tokio::test]
async fn other_signatures() {
    let token = token(&k256(1));
    let (signed, signature) = token.rsplit_once('.').expect("three segments");
    for other in ["", "AA", &signature[..80], &"A".repeat(86), &"_".repeat(86)] {
        let name = name(&format!("{signed}.{other}")).await;
        assert!(
            matches!(name, "BadJwt" | "BadJwtSignature"),
            "{other}: {name}"
        );
    }
}

#[tokio::test]
async fn the_other_curve() {
    let p256 = SigningKey::generate_p256().expect("a key");
    for header in [HEADER, r#"{"typ":"JWT","alg":"ES256"}"#] {
        let token = forge(&p256, header, &claims().to_string());
        assert_eq!(name(&token).await, "BadJwtSignature", "{header}");
    }
}

#[tokio::test]
async fn shapes() {
    let token = token(&k256(1));
    let (signed, signature) = token.rsplit_once('.').expect("three segments");
    let unicode = URL_SAFE_NO_PAD.encode("{\"alg\":\"ES256K\",\"typ\":\"ＪＷＴ\"}");
    for other in [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        signed.into(),
        format!("{token}."),
        format!("{token}.{signature}"),
        format!(" {token}"),
        format!("{token}="),
        format!("{signed}.{signature}\n"),
        token.replace('.', "。"),
        token.to_uppercase(),
        format!("{unicode}.{}", token.split_once('.').expect("segments").1),
        "é.é.é".into(),
        "\0".repeat(100),
        "a".repeat(1 << 20),
        format!("{}.{}.{}", "e30".repeat(1000), "e30".repeat(2000), "e30"),
        format!(
            "{}.e30.{signature}",
            URL_SAFE_NO_PAD.encode("[".repeat(4000))
        ),
    ] {
        let name = name(&other).await;
        assert!(
            matches!(name, "BadJwt" | "BadJwtType"),
            "{name}: {:.80}",
            other
        );
    }
}

/// The last character of a signature holds four bits that mean nothing; they must be zero, or one
/// token would have many texts.
#[tokio::test]
async fn one_token_has_one_text() {
    let token = token(&k256(1));
    let (start, last) = token.split_at(token.len() - 1);
    for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        .chars()
        .filter(|c| !last.starts_with(*c))
    {
        let name = name(&format!("{start}{other}")).await;
        assert!(
            matches!(name, "BadJwt" | "BadJwtSignature"),
            "{other}: {name}"
        );
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        prop_assert!(Compact::parse(&text).is_err());
    }

    #[test]
    fn no_segments_panic(
        header in proptest::collection::vec(any::<u8>(), 0..60),
        payload in proptest::collection::vec(any::<u8>(), 0..60),
        signature in proptest::collection::vec(any::<u8>(), 60..68),
    ) {
        let segments = [header, payload, signature].map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
        prop_assert!(Compact::parse(&segments.join(".")).is_err());
    }

    /// Whatever byte of a token is changed, it proves nothing.
    #[test]
    fn a_changed_token_is_refused(place in 0_usize..1000, other in "[A-Za-z0-9._-]") {
        let token = token(&k256(1));
        let place = place % token.len();
        let mut changed = token.clone();
        changed.replace_range(place..=place, &other);
        prop_assume!(changed != token);
        let directory = Directory::of(&ALICE, &k256(1));
        let verifier = verifier(&Arc::clone(&directory));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        prop_assert!(runtime.block_on(verify(&verifier, &changed)).is_err());
    }
}
