//! What is not exchanged, and what is said then.

use jiff::SignedDuration;
use loggia_auth::SigningKey;
use loggia_auth::service_auth::{Mint, mint};
use loggia_delivery::{Clock, SystemClock};
use loggia_server::chance;
use loggia_server::operator::NewClient;
use loggia_server::token_exchange::METHOD;
use loggia_syntax::Nsid;
use reqwest::Method;

use super::refused;
use crate::support::TestServer;
use crate::support::exchange::{App, GRANT, TYPE, post};

const PROOF: &str = "invalid_dpop_proof";

/// Exchanges a good subject token with these proofs, and holds the refusal.
async fn refused_with(server: &TestServer, proofs: &[&str], error: &str, description: &str) {
    let token = server.account("alice").token(METHOD);
    let mut request = post(server, &[GRANT, TYPE, ("subject_token", &token)]);
    for proof in proofs {
        request = request.header("dpop", *proof);
    }
    refused(&server.send(request).await, 400, error, description);
}

#[tokio::test]
async fn there_is_one_proof_and_it_is_one() {
    let server = TestServer::start().await;
    let mut app = App::new();
    app.get_nonce(&server).await;
    let k256 = App {
        key: SigningKey::k256(chance::bytes()).expect("a key"),
        nonce: app.nonce.clone(),
        ..App::new()
    };
    let (proof, unused) = (app.proof(&server), App::new().proof(&server));
    let k256 = k256.proof(&server);
    for (proofs, error, description) in [
        (&[][..], PROOF, "the DPoP proof is missing"),
        (
            &[&*proof, &*proof],
            PROOF,
            "there is more than one DPoP proof",
        ),
        (
            &["x"],
            PROOF,
            "the DPoP proof is malformed: the token does not have three segments",
        ),
        (
            &[&*k256],
            PROOF,
            "the DPoP proof's algorithm is not accepted",
        ),
        (
            &[&*unused],
            "use_dpop_nonce",
            "the DPoP proof needs the server's current nonce (DPoP-Nonce)",
        ),
    ] {
        refused_with(&server, proofs, error, description).await;
    }
}

#[tokio::test]
async fn proofs_are_for_this_endpoint_and_this_moment() {
    let server = TestServer::start().await;
    let mut app = App::new();
    app.get_nonce(&server).await;
    let now = SystemClock.now();
    let target = format!("http://localhost:{}/oauth/token", server.port());
    let other = format!("http://127.0.0.1:{}/oauth/token", server.port());
    let minutes = SignedDuration::from_mins;
    for (verb, target, token, at, description) in [
        (
            "GET",
            &target,
            None,
            now,
            "the DPoP proof is for another HTTP method (htm)",
        ),
        (
            "POST",
            &other,
            None,
            now,
            &format!("the DPoP proof is for another URL (htu): it must be {target}"),
        ),
        (
            "POST",
            &target,
            None,
            now - minutes(4),
            "the DPoP proof has expired (iat): make a new one for each request",
        ),
        (
            "POST",
            &target,
            None,
            now + minutes(4),
            "the DPoP proof is not valid yet (iat): is a clock wrong?",
        ),
        (
            "POST",
            &target,
            Some("token"),
            now,
            "the DPoP proof has an ath, which does not belong here",
        ),
    ] {
        let proof = app.proof_for(verb, target, token, at);
        refused_with(&server, &[&proof], PROOF, description).await;
    }
}

#[tokio::test]
async fn subject_tokens_are_service_auth_for_this_exchange() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let mut app = App::new();
    app.get_nonce(&server).await;
    let now = SystemClock.now();
    let hour = SignedDuration::from_hours(1);
    let service = format!("{}#loggia", server.did);
    let good = alice.token_for(&service, METHOD, now);
    assert_eq!(app.exchange(&server, &good, &[]).await.status, 200);

    let method = Nsid::new(METHOD).expect("an NSID");
    let forged = Mint {
        issuer: &alice.did,
        audience: &server.did,
        method: &method,
        now,
        lifetime: 60,
        id: chance::bytes(),
    };
    let forged = mint(&server.account("mallory").key, &forged).expect("a token");
    for (token, problem) in [
        (
            "x",
            "BadJwt: the token is malformed: the token does not have three segments",
        ),
        (
            &alice.token("place.stream.server.listWebhooks"),
            "BadJwtLexiconMethod: the token is for another method (lxm): it must be \
             dev.loggia.oauth.exchangeToken",
        ),
        (
            &alice.token_for("did:web:other.example", METHOD, now),
            "BadJwtAudience: the token is for another audience (aud)",
        ),
        (
            &alice.token_for(&server.did, METHOD, now - hour),
            "JwtExpired: the token has expired (exp): get a new one",
        ),
        (
            &forged,
            "BadJwtSignature: the token is not signed by its issuer: the signature does not verify",
        ),
    ] {
        let answer = app.exchange(&server, token, &[]).await;
        refused(
            &answer,
            400,
            "invalid_request",
            &format!("subject_token: {problem}"),
        );
    }
}

#[tokio::test]
async fn a_request_says_what_it_wants() {
    let server = TestServer::start().await;
    let token = ("subject_token", "x");
    let jwt = "subject_token_type must be urn:ietf:params:oauth:token-type:jwt";
    for (fields, error, description) in [
        (vec![], "invalid_request", "grant_type is missing"),
        (
            vec![("grant_type", "authorization_code")],
            "unsupported_grant_type",
            "grant_type must be urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        (vec![GRANT], "invalid_request", "subject_token is missing"),
        (
            vec![GRANT, ("subject_token", "")],
            "invalid_request",
            "subject_token is missing",
        ),
        (vec![GRANT, token], "invalid_request", jwt),
        (
            vec![GRANT, token, ("subject_token_type", "jwt")],
            "invalid_request",
            jwt,
        ),
    ] {
        let answer = server.send(post(&server, &fields)).await;
        refused(&answer, 400, error, description);
    }
}

#[tokio::test]
async fn a_request_wants_nothing_else_and_says_so_once() {
    let server = TestServer::start().await;
    let token = ("subject_token", "x");
    let with = |fields: &[(&'static str, &'static str)]| [&[GRANT, TYPE, token], fields].concat();
    for (fields, error, description) in [
        (
            with(&[GRANT]),
            "invalid_request",
            "a parameter stands there twice",
        ),
        (
            with(&[("actor_token", "x")]),
            "invalid_request",
            "actor_token is not supported",
        ),
        (
            with(&[(
                "requested_token_type",
                "urn:ietf:params:oauth:token-type:jwt",
            )]),
            "invalid_request",
            "requested_token_type must be urn:ietf:params:oauth:token-type:access_token",
        ),
        (
            with(&[("scope", "atproto repo:*")]),
            "invalid_scope",
            "the scopes that are to be had here are atproto, and those of the families rpc and space",
        ),
        (
            with(&[("audience", "did:web:other.example")]),
            "invalid_target",
            "tokens are issued for this server only",
        ),
        (
            with(&[("resource", "https://other.example")]),
            "invalid_target",
            "tokens are issued for this server only",
        ),
    ] {
        let answer = server.send(post(&server, &fields)).await;
        refused(&answer, 400, error, description);
    }
}

#[tokio::test]
async fn bodies_are_forms_of_a_bounded_size() {
    let server = TestServer::start().await;
    let json = server
        .post("/oauth/token")
        .header("content-type", "application/json")
        .body("{}");
    let form = "the body must be of type application/x-www-form-urlencoded";
    refused(&server.send(json).await, 400, "invalid_request", form);
    let long = "x".repeat(20_000);
    let long = post(&server, &[GRANT, TYPE, ("subject_token", &long)]);
    let description = "the body ends early or is longer than 16384 bytes";
    refused(
        &server.send(long).await,
        400,
        "invalid_request",
        description,
    );
    let names: Vec<_> = (0..40).map(|number| format!("a{number}")).collect();
    let fields: Vec<_> = names.iter().map(|name| (name.as_str(), "x")).collect();
    let many = server.send(post(&server, &fields)).await;
    let description = "there are more than 32 parameters";
    refused(&many, 400, "invalid_request", description);
}

#[tokio::test]
async fn what_is_no_post_is_told_so_as_oauth_does() {
    let server = TestServer::start().await;
    let description = "this path has other methods, which the header Allow names";
    for (verb, path, allowed) in [
        (Method::GET, "/oauth/token", "POST,OPTIONS"),
        (Method::DELETE, "/oauth/token", "POST,OPTIONS"),
        (Method::POST, "/oauth/token-keys.json", "GET,HEAD"),
    ] {
        let answer = server.send(server.request(verb, path)).await;
        refused(&answer, 405, "invalid_request", description);
        assert_eq!(answer.header("allow"), allowed);
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
}

#[tokio::test]
async fn a_client_exchanges_as_often_as_it_may_call() {
    let server = TestServer::start().await;
    let operator = server.operator().await;
    let new = NewClient {
        name: "an app".to_owned(),
        origins: Vec::new(),
        requests_per_minute: Some(2),
    };
    let (_, key) = operator.create_client(new).await.expect("a client");
    operator.close().await;
    let mut app = App::with_client_key(key.as_str());
    // Six requests fall into two windows at most, of two each.
    let mut slowed = 0;
    for _ in 0..6 {
        let answer = app.exchange(&server, "none", &[]).await;
        assert_eq!(answer.header("ratelimit-policy"), "2;w=60");
        if answer.status != 429 {
            continue;
        }
        assert_eq!(answer.body["error"], "slow_down");
        assert!(!answer.header("retry-after").is_empty(), "{answer:#?}");
        slowed += 1;
    }
    assert!(slowed >= 2, "{slowed}");
    let other = App::new().exchange(&server, "none", &[]).await;
    assert_eq!(other.header("ratelimit-policy"), "300;w=60");
}
