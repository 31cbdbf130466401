//! Tokens of other issuers: with published keys, and such that are asked.

use super::*;

/// Tokens of an issuer with published keys.
fn of_issuer(web: &Arc<Web>) -> AccessTokens {
    let keys = RemoteKeys::new(
        Browser(Arc::clone(web)),
        KEYS_URL,
        RemoteKeysSettings::default(),
    );
    let terms = Terms::new(OTHER_ISSUER, US).with_scope("atproto");
    AccessTokens::new().with(JwksAccessTokens::new(terms, keys))
}

#[tokio::test]
async fn tokens_of_a_published_key() {
    let web = Web::with(KEYS_URL, set(&[("x", &stranger())]));
    let tokens = of_issuer(&web);
    let header = r#"{"typ":"at+jwt","alg":"ES256","kid":"x"}"#;
    let token = |change: &dyn Fn(&mut Value)| {
        let mut claims = claims(OTHER_ISSUER);
        change(&mut claims);
        forge(&stranger(), header, &claims.to_string())
    };
    let good = token(&|_| {});
    let at = |seconds| now() + SignedDuration::from_secs(seconds);
    let first = tokens.verify(&good, at(0)).await.expect("a proof");
    let again = tokens.verify(&good, at(0)).await.expect("a proof");
    assert!(Arc::ptr_eq(&first, &again), "not verified twice");
    assert_eq!(web.count(), 1);

    let unscoped = token(&|claims| claims["scope"] = json!("atprotocol other"));
    assert!(matches!(
        tokens.verify(&unscoped, at(0)).await,
        Err(AccessError::Scope)
    ));
    let nameless = forge(
        &stranger(),
        r#"{"typ":"at+jwt","alg":"ES256"}"#,
        &claims(OTHER_ISSUER).to_string(),
    );
    assert!(matches!(
        tokens.verify(&nameless, at(0)).await,
        Err(AccessError::KeyId)
    ));
    let unknown = forge(
        &stranger(),
        &header.replace("\"x\"", "\"y\""),
        &claims(OTHER_ISSUER).to_string(),
    );
    assert!(matches!(
        tokens.verify(&unknown, at(0)).await,
        Err(AccessError::KeyId)
    ));
    let forged = forge(&holder(), header, &claims(OTHER_ISSUER).to_string());
    assert_eq!(
        outcome(&tokens.verify(&forged, at(0)).await),
        (401, "invalid_token")
    );

    // The issuer withdraws the key: what was seen is worth nothing any more.
    web.put(KEYS_URL, 200, set(&[("x", &holder())]));
    let late = token(&|claims| claims["exp"] = json!(now().as_second() + 3600));
    tokens
        .verify(&late, at(3600))
        .await
        .expect("the key is an hour old");
    let result = tokens.verify(&late, at(3604)).await;
    assert_eq!(outcome(&result), (401, "invalid_token"));
}

#[tokio::test]
async fn an_issuer_whose_keys_cannot_be_had_is_not_the_callers_fault() {
    let header = r#"{"typ":"at+jwt","alg":"ES256","kid":"x"}"#;
    let token = forge(&stranger(), header, &claims(OTHER_ISSUER).to_string());
    for (url, body) in [("https://elsewhere.example", ""), (KEYS_URL, "<html>")] {
        let result = of_issuer(&Web::with(url, body)).verify(&token, now()).await;
        assert_eq!(outcome(&result), (502, "UpstreamFailure"), "{url}");
    }
}

/// An issuer that is asked; it knows one token.
struct Office(u16, String, Arc<Web>);

impl Introspect for Office {
    async fn introspect(&self, token: &str) -> Result<Fetched, FetchError> {
        self.2
            .fetched
            .fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let body = if token == "opaque-token" {
            self.1.clone()
        } else {
            r#"{"active":false}"#.into()
        };
        Ok(Fetched {
            status: self.0,
            body: body.into_bytes(),
        })
    }
}

fn asked(status: u16, answer: &Value, asks: &Arc<Web>) -> IntrospectedAccessTokens<Office> {
    let office = Office(status, answer.to_string(), Arc::clone(asks));
    IntrospectedAccessTokens::new(Terms::new(OTHER_ISSUER, US), office)
}

fn answer() -> Value {
    let mut answer = claims(OTHER_ISSUER);
    answer["active"] = json!(true);
    answer
}

#[tokio::test]
async fn tokens_of_an_issuer_that_is_asked() {
    let asks = Arc::new(Web::default());
    let keep = SignedDuration::from_secs(30);
    let tokens = AccessTokens::new().with(asked(200, &answer(), &asks).keep(keep));
    let at = |seconds| now() + SignedDuration::from_secs(seconds);
    let token = tokens.verify("opaque-token", at(0)).await.expect("a proof");
    assert_eq!((&token.subject, token.thumbprint.as_str()), (&ALICE, JKT));
    tokens.verify("opaque-token", at(30)).await.expect("kept");
    assert_eq!(asks.count(), 1);
    tokens
        .verify("opaque-token", at(31))
        .await
        .expect("asked again");
    assert_eq!(asks.count(), 2);
    let other = tokens.verify("other-token", at(0)).await;
    assert!(matches!(other, Err(AccessError::Inactive)));

    let tokens = AccessTokens::new().with(asked(200, &answer(), &asks));
    for _ in 0..2 {
        tokens.verify("opaque-token", at(0)).await.expect("a proof");
    }
    assert_eq!(asks.count(), 5, "nothing is kept unless it is wished for");
}

#[tokio::test]
async fn answers_are_held_to_the_terms() {
    let second = now().as_second();
    let mut cases: Vec<(u16, String, Value, (u16, &str))> = vec![
        (200, "no array".into(), json!([]), (502, "UpstreamFailure")),
        (
            401,
            "our own fault".into(),
            answer(),
            (502, "UpstreamFailure"),
        ),
        (500, "theirs".into(), answer(), (502, "UpstreamFailure")),
    ];
    for (claim, value, expected) in [
        ("active", json!(false), (401, "invalid_token")),
        ("active", json!("true"), (502, "UpstreamFailure")),
        ("iss", json!(ISSUER), (401, "invalid_token")),
        (
            "aud",
            json!("did:web:other.example"),
            (401, "invalid_token"),
        ),
        ("exp", json!(second - 5), (401, "invalid_token")),
        ("exp", json!(null), (401, "invalid_token")),
        ("sub", json!(null), (401, "invalid_token")),
        ("sub", json!("alice"), (401, "invalid_token")),
        ("cnf", json!(null), (401, "invalid_token")),
        ("cnf", json!({}), (502, "UpstreamFailure")),
        ("iss", json!(null), (200, "accepted")),
        ("aud", json!(null), (200, "accepted")),
    ] {
        let mut answer = answer();
        answer[claim] = value.clone();
        cases.push((200, format!("{claim} = {value}"), answer, expected));
    }
    for (status, what, answer, expected) in cases {
        let tokens = AccessTokens::new().with(asked(status, &answer, &Arc::default()));
        let result = tokens.verify("opaque-token", now()).await;
        assert_eq!(outcome(&result), expected, "{what}");
    }
}
