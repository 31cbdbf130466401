//! Client attestations and the metadata behind them.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use loggia_auth::attestation::{ClientId, Clients, ClientsSettings, NewAttestation, mint};
use loggia_auth::{
    Attestation, AttestationError, Attestations, MemoryReplayStore, Refusal, SigningKey,
};
use loggia_syntax::Did;
use serde_json::{Value, json};

use crate::credential::AUTHORITY;
use crate::remote_keys::set;
use crate::spoil::spoiled;
use crate::tokens::{text, vectors};
use crate::world::{Browser, Web, forge, holder, name, now, outcome, stranger};

const ID: &str = "https://app.example.com/client-metadata.json";
const KEYS: &str = "https://keys.example.com/jwks.json";
const HEADER: &str = r#"{"typ":"atproto-client-attestation+jwt","alg":"ES256","kid":"key-1"}"#;

type Verifier = Attestations<Browser, MemoryReplayStore>;

fn metadata(keys: &[(&str, &SigningKey)]) -> Value {
    let keys: Value = serde_json::from_str(&set(keys)).expect("JSON");
    json!({ "client_id": ID, "client_name": "An app", "jwks": keys, "scope": "atproto" })
}

fn web() -> Arc<Web> {
    Web::with(ID, metadata(&[("key-1", &holder())]).to_string())
}

fn verifier(web: &Arc<Web>) -> Verifier {
    let clients = Clients::new(Browser(Arc::clone(web)), ClientsSettings::default());
    Attestations::new(clients, MemoryReplayStore::default())
}

pub fn token(key: &SigningKey, kid: &str, id: u8, at: Timestamp) -> String {
    let client = ClientId::new(ID).expect("a client");
    let new = NewAttestation {
        client: &client,
        kid,
        authority: &AUTHORITY,
        now: at,
        lifetime: 60,
        id: [id; 16],
    };
    mint(key, &new).expect("an attestation")
}

fn claims() -> Value {
    let now = now().as_second();
    json!({
        "iss": ID, "sub": ID, "aud": format!("{AUTHORITY}#atproto_space_host"),
        "iat": now, "exp": now + 60, "jti": "one",
    })
}

async fn verify(token: &str) -> Result<Attestation, AttestationError> {
    verifier(&web()).verify(token, &AUTHORITY, now()).await
}

#[tokio::test]
async fn an_app_is_proved_once() {
    let verifier = verifier(&web());
    let token = token(&holder(), "key-1", 1, now());
    let app = verifier
        .verify(&token, &AUTHORITY, now())
        .await
        .expect("an app");
    assert_eq!(app.client_id.as_str(), ID);
    assert_eq!(app.client.name.as_deref(), Some("An app"));
    let again = verifier
        .verify(&token, &AUTHORITY, now())
        .await
        .expect_err("used");
    assert!(matches!(again, AttestationError::Replayed));
}

#[tokio::test]
async fn the_attestation_of_the_reference() {
    let Some(vectors) = vectors() else { return };
    let token = text(&vectors, "/tokens/client_attestation");
    let authority = Did::from_static("did:example:space");
    let result = verifier(&web()).verify(token, &authority, now()).await;
    assert_eq!(name(&result), "accepted");
    let other = verifier(&web()).verify(token, &AUTHORITY, now()).await;
    assert!(matches!(other, Err(AttestationError::Audience)));
}

#[tokio::test]
async fn claims_are_checked_before_the_network() {
    use AttestationError as E;
    type Meant = fn(&E) -> bool;
    let second = now().as_second();
    let cases: [(&str, Value, Meant); 17] = [
        ("sub", json!("https://other.example.com/c.json"), |e| {
            matches!(e, E::Subject)
        }),
        ("iss", json!("https://other.example.com/c.json"), |e| {
            matches!(e, E::Subject)
        }),
        ("aud", json!(AUTHORITY), |e| matches!(e, E::Audience)),
        (
            "aud",
            json!("did:web:other.example#atproto_space_host"),
            |e| matches!(e, E::Audience),
        ),
        ("exp", json!(second - 5), |e| matches!(e, E::Expired)),
        ("exp", json!(i64::MIN), |e| matches!(e, E::Expired)),
        ("exp", json!(second + 306), |e| {
            matches!(e, E::Lifetime(300))
        }),
        ("exp", json!(i64::MAX), |e| matches!(e, E::Lifetime(300))),
        ("exp", json!(second), |e| matches!(e, E::Backwards)),
        ("iat", json!(second + 6), |e| matches!(e, E::Early)),
        ("nbf", json!(second + 6), |e| matches!(e, E::Early)),
        ("jti", json!(""), |e| matches!(e, E::TokenId)),
        ("both", json!("http://app.example.com/c.json"), |e| {
            matches!(e, E::ClientId(_))
        }),
        ("both", json!("https://127.0.0.1/c.json"), |e| {
            matches!(e, E::ClientId(_))
        }),
        ("both", json!("https://APP.example.com/c.json"), |e| {
            matches!(e, E::ClientId(_))
        }),
        ("both", json!("https://localhost/c.json"), |e| {
            matches!(e, E::ClientId(_))
        }),
        ("both", json!("https://app.example.com/c.json#x"), |e| {
            matches!(e, E::ClientId(_))
        }),
    ];
    for (claim, value, meant) in cases {
        let mut claims = claims();
        if claim == "both" {
            (claims["iss"], claims["sub"]) = (value.clone(), value.clone());
        } else {
            claims[claim] = value.clone();
        }
        let web = web();
        let token = forge(&holder(), HEADER, &claims.to_string());
        let result = verifier(&web).verify(&token, &AUTHORITY, now()).await;
        assert_eq!(name(&result), "InvalidClientAttestation", "{claim}");
        let error = result.expect_err("refused");
        assert!(meant(&error), "{claim} = {value}: {error:?}");
        assert_eq!(web.count(), 0, "{claim} = {value}");
    }
}

#[tokio::test]
async fn every_claim_is_needed_once_and_of_its_type() {
    for (what, json) in spoiled(&claims()) {
        let result = verify(&forge(&holder(), HEADER, &json)).await;
        let expected = match what.as_str() {
            "iat missing" | "iat is null" => "accepted",
            _ => "InvalidClientAttestation",
        };
        assert_eq!(name(&result), expected, "{what}");
    }
    for header in [
        HEADER.replace("atproto-client-attestation+jwt", "JWT"),
        HEADER.replace("ES256", "none"),
        HEADER.replace("ES256", "HS256"),
        HEADER.replace("ES256", "ES256K"),
        HEADER.replace("key-1", "key-2"),
        HEADER.replace(r#","kid":"key-1""#, ""),
    ] {
        let result = verify(&forge(&holder(), &header, &claims().to_string())).await;
        assert_eq!(
            outcome(&result),
            (400, "InvalidClientAttestation"),
            "{header}"
        );
    }
    let result = verify("not a token").await;
    assert_eq!(outcome(&result), (400, "InvalidClientAttestation"));
}

#[tokio::test]
async fn a_forged_attestation_uses_nothing_up() {
    let verifier = verifier(&web());
    let forged = verifier
        .verify(&token(&stranger(), "key-1", 1, now()), &AUTHORITY, now())
        .await;
    assert!(matches!(forged, Err(AttestationError::Signature(_))));
    let own = verifier
        .verify(&token(&holder(), "key-1", 1, now()), &AUTHORITY, now())
        .await;
    assert_eq!(name(&own), "accepted");
}

#[tokio::test]
async fn a_client_is_kept_for_an_hour_and_asked_again_for_a_new_key() {
    let web = web();
    let verifier = verifier(&web);
    let at = |seconds| now() + SignedDuration::from_secs(seconds);
    let call = async |key: &SigningKey, kid, id, seconds| {
        let token = token(key, kid, id, at(seconds));
        name(&verifier.verify(&token, &AUTHORITY, at(seconds)).await)
    };
    assert_eq!(call(&holder(), "key-1", 1, 0).await, "accepted");
    assert_eq!(call(&holder(), "key-1", 2, 3600).await, "accepted");
    assert_eq!(web.count(), 1);
    assert_eq!(call(&holder(), "key-1", 3, 3601).await, "accepted");
    assert_eq!(web.count(), 2);
    web.put(ID, 200, metadata(&[("key-2", &stranger())]).to_string());
    assert_eq!(
        call(&stranger(), "key-2", 4, 3661).await,
        "InvalidClientAttestation"
    );
    assert_eq!(web.count(), 2, "not again within a minute");
    assert_eq!(call(&stranger(), "key-2", 5, 3662).await, "accepted");
    assert_eq!(web.count(), 3);
    assert_eq!(
        call(&holder(), "key-1", 6, 3663).await,
        "InvalidClientAttestation"
    );
    assert_eq!(web.count(), 3);
}

#[tokio::test]
async fn a_client_that_is_away_is_known_for_a_day() {
    let web = web();
    let verifier = verifier(&web);
    let at = |seconds| now() + SignedDuration::from_secs(seconds);
    let call = async |key: &SigningKey, kid, id, seconds| {
        let token = token(key, kid, id, at(seconds));
        name(&verifier.verify(&token, &AUTHORITY, at(seconds)).await)
    };
    assert_eq!(call(&holder(), "key-1", 1, 0).await, "accepted");
    web.put(ID, 500, "");
    assert_eq!(
        call(&stranger(), "key-2", 2, 61).await,
        "InvalidClientAttestation"
    );
    assert_eq!(web.count(), 2, "it was asked for the new key");
    for (id, seconds) in [(3, 62), (4, 3601), (5, 86_400)] {
        assert_eq!(call(&holder(), "key-1", id, seconds).await, "accepted");
    }
    assert_eq!(
        call(&holder(), "key-1", 6, 86_401).await,
        "InvalidClientAttestation"
    );
}

#[tokio::test]
async fn keys_may_be_elsewhere() {
    let mut document = metadata(&[]);
    document.as_object_mut().expect("an object").remove("jwks");
    document["jwks_uri"] = json!(KEYS);
    let web = Web::with(ID, document.to_string());
    web.put(KEYS, 200, set(&[("key-1", &holder())]));
    let result = verifier(&web)
        .verify(&token(&holder(), "key-1", 1, now()), &AUTHORITY, now())
        .await;
    assert_eq!(name(&result), "accepted");
    assert_eq!(web.count(), 2);
}

/// The metadata with one change.
fn with(change: &dyn Fn(&mut Value)) -> String {
    let mut document = metadata(&[("key-1", &holder())]);
    change(&mut document);
    document.to_string()
}

fn without(document: &mut Value, member: &str) {
    document.as_object_mut().expect("an object").remove(member);
}

#[tokio::test]
async fn hostile_metadata() {
    for (what, status, body) in [
        ("gone", 404, with(&|_| {})),
        ("moved", 302, with(&|_| {})),
        (
            "another client's",
            200,
            with(&|d| d["client_id"] = json!("https://app.example.com/other.json")),
        ),
        ("no client_id", 200, with(&|d| without(d, "client_id"))),
        ("no keys", 200, with(&|d| without(d, "jwks"))),
        (
            "two places for keys",
            200,
            with(&|d| d["jwks_uri"] = json!(KEYS)),
        ),
        (
            "keys over http",
            200,
            with(&|d| {
                without(d, "jwks");
                d["jwks_uri"] = json!("http://keys.example.com/jwks.json");
            }),
        ),
        (
            "a secret key",
            200,
            with(&|d| d["jwks"]["keys"][0]["d"] = json!("AAAA")),
        ),
        (
            "two client_ids",
            200,
            with(&|_| {}).replacen('{', r#"{"client_id":"x","#, 1),
        ),
        ("no JSON", 200, "<html>".into()),
        ("deep", 200, "[".repeat(60_000)),
        ("large", 200, " ".repeat(65 * 1024)),
    ] {
        let web = Web::with(ID, "");
        web.put(ID, status, body);
        let verifier = verifier(&web);
        for id in 1..3 {
            let token = token(&holder(), "key-1", id, now());
            let result = verifier.verify(&token, &AUTHORITY, now()).await;
            assert_eq!(
                outcome(&result),
                (400, "InvalidClientAttestation"),
                "{what}"
            );
        }
        assert_eq!(web.count(), 1, "{what}: not asked again so soon");
    }
}

#[tokio::test]
async fn fetches_are_bounded() {
    let settings = ClientsSettings {
        fetches: 0,
        ..ClientsSettings::default()
    };
    let web = web();
    let clients = Clients::new(Browser(Arc::clone(&web)), settings);
    let verifier = Attestations::new(clients, MemoryReplayStore::default());
    let token = token(&holder(), "key-1", 1, now());
    let error = verifier.verify(&token, &AUTHORITY, now()).await;
    let error = error.expect_err("no room");
    assert_eq!((error.status(), error.name()), (503, "NotEnoughResources"));
    let error = error.message();
    assert!(
        error.ends_with("too many clients are being fetched"),
        "{error}"
    );
    assert_eq!(web.count(), 0);
}
