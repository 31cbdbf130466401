//! An issuer whose keys change, at times of our own.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use jiff::{SignedDuration, Timestamp};
use loggia_auth::access_token::{NewAccessToken, OwnAccessTokens};
use loggia_auth::{JwkSet, SigningKey};
use loggia_syntax::Did;

use super::*;
use crate::config::Config;
use crate::reach::outgoing;

const START: Timestamp = Timestamp::constant(1_700_000_000, 0);

/// An issuer that publishes one key, or fails, and counts who asks.
struct Issuer {
    url: String,
    state: Shared,
}

type Shared = Arc<Mutex<(Option<JwkSet>, u32)>>;

impl Issuer {
    async fn start() -> Self {
        let state = Shared::default();
        let router = Router::new()
            .route("/jwks", get(keys))
            .with_state(state.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            url: format!("http://{address}"),
            state,
        }
    }

    fn publish(&self, kid: &str, key: &SigningKey) {
        let keys = JwkSet::of([(kid.to_owned(), key.public().clone())]);
        self.state.lock().expect("nobody panics here").0 = Some(keys);
    }

    fn fail(&self) {
        self.state.lock().expect("nobody panics here").0 = None;
    }

    /// How often its keys were asked for.
    fn asked(&self) -> u32 {
        self.state.lock().expect("nobody panics here").1
    }

    /// A token that lives five minutes from this second on.
    fn token(&self, kid: &str, key: &SigningKey, second: i64) -> String {
        let token = NewAccessToken {
            subject: &Did::from_static("did:plc:alice"),
            client: "an app",
            scope: "atproto",
            thumbprint: "a thumbprint",
            now: at(second),
            lifetime: 300,
            id: [1; 16],
        };
        let terms = Terms::new(&self.url, Origin::development(2510).did.as_str());
        OwnAccessTokens::mint(key, kid, &terms, &token).expect("a token")
    }
}

async fn keys(State(state): State<Shared>) -> Result<Json<serde_json::Value>, StatusCode> {
    let mut state = state.lock().expect("nobody panics here");
    state.1 += 1;
    let keys = state.0.as_ref().map(|keys| Json(serde_json::json!(keys)));
    keys.ok_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn at(second: i64) -> Timestamp {
    START + SignedDuration::from_secs(second)
}

/// What a server that trusts this issuer says of its tokens.
fn tokens(issuer: &Issuer) -> AccessTokens {
    let trusted = TrustedIssuer {
        issuer: issuer.url.clone(),
        way: Way::Keys(format!("{}/jwks", issuer.url).parse().expect("a URL")),
        audience: None,
        scope: Some("atproto".to_owned()),
    };
    let client = outgoing(&Config::defaults()).expect("a client").0;
    let origin = Origin::development(2510);
    trust(AccessTokens::new(), &[trusted], &origin, &client)
}

async fn verdict(tokens: &AccessTokens, token: &str, second: i64) -> String {
    match tokens.verify(token, at(second)).await {
        Ok(token) => token.subject.to_string(),
        Err(error) => error.to_string(),
    }
}

const UNKNOWN: &str = "the access token's key (kid) is not one of its issuer";

#[tokio::test]
async fn a_key_that_is_new_is_fetched_and_one_that_is_gone_is_worth_nothing() {
    let issuer = Issuer::start().await;
    let (old, new) = (key(), key());
    issuer.publish("old", &old);
    let tokens = tokens(&issuer);
    let first = issuer.token("old", &old, 0);
    for _ in 0..2 {
        assert_eq!(verdict(&tokens, &first, 0).await, "did:plc:alice");
    }
    // Whoever makes up key names causes no requests of ours.
    for second in [1, 2, 59] {
        let unknown = issuer.token("other", &old, 0);
        assert_eq!(verdict(&tokens, &unknown, second).await, UNKNOWN);
    }
    assert_eq!(issuer.asked(), 1);

    issuer.publish("new", &new);
    let second = issuer.token("new", &new, 61);
    for _ in 0..2 {
        assert_eq!(verdict(&tokens, &second, 61).await, "did:plc:alice");
    }
    assert_eq!(issuer.asked(), 2);
    assert_eq!(verdict(&tokens, &first, 62).await, UNKNOWN);
    let forged = issuer.token("new", &old, 62);
    let message = "the access token is not signed by its issuer";
    assert_eq!(verdict(&tokens, &forged, 62).await, message);
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn keys_outlast_an_issuer_that_is_down_for_a_while() {
    let issuer = Issuer::start().await;
    let signer = key();
    issuer.publish("a", &signer);
    let tokens = tokens(&issuer);
    let hours = 3600;
    assert_eq!(
        verdict(&tokens, &issuer.token("a", &signer, 0), 0).await,
        "did:plc:alice"
    );
    issuer.fail();
    let later = issuer.token("a", &signer, 23 * hours);
    assert_eq!(verdict(&tokens, &later, 23 * hours).await, "did:plc:alice");
    let late = issuer.token("a", &signer, 25 * hours);
    assert_eq!(
        verdict(&tokens, &late, 25 * hours).await,
        "the keys of the access token's issuer are not known"
    );
    assert_eq!(issuer.asked(), 3);
}

fn key() -> SigningKey {
    SigningKey::generate_p256().expect("the system has randomness")
}

#[test]
fn names_and_secrets_are_written_as_in_a_form() {
    let header = basic("a:b", "s%c ret");
    assert!(header.is_sensitive());
    assert_eq!(header, "Basic YSUzQWI6cyUyNWMrcmV0");
    assert_eq!(question("a+b"), "token=a%2Bb&token_type_hint=access_token");
}
