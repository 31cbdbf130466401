//! Service auth: who is let in, and how everybody else is turned away.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use loggia_delivery::{Clock, SystemClock};
use loggia_server::chance;
use loggia_server::dev::{DevAccounts, TokenRequest, mint_token};
use loggia_syntax::Nsid;
use serde_json::{Value, json};

use crate::support::{Closed, ReferenceServers, TestServer};
use crate::webhooks::{CREATE, LIST};

/// What a token is told that does not name [`LIST`].
const FOR_ANOTHER_METHOD: &str =
    "the token is for another method (lxm): it must be place.stream.server.listWebhooks";

/// What a token is told that is for another server than that of this DID.
fn for_another_audience(did: &str) -> String {
    format!("the token is for another audience (aud): it must be {did} or {did}#loggia")
}

/// Calls `listWebhooks` with this `Authorization` header and holds the refusal.
async fn refused(
    server: &TestServer,
    header: Option<&str>,
    (status, error, message): (u16, &str, &str),
) {
    let mut request = server.call(LIST, &[], None);
    if let Some(header) = header {
        request = request.header("authorization", header);
    }
    let answer = server.send(request).await;
    answer.fails(status, error, message);
    let challenge = answer.header("www-authenticate");
    let expected = match (status, header) {
        (401, None) => "Bearer",
        (401, Some(_)) => "Bearer error=\"invalid_token\"",
        _ => "",
    };
    assert_eq!(challenge, expected, "{error}: {header:?}");
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// A token with this header and the claims and signature of another.
fn with_header(token: &str, header: &Value) -> String {
    let (_, rest) = token.split_once('.').expect("three segments");
    format!(
        "{}.{rest}",
        BASE64_URL_SAFE_NO_PAD.encode(header.to_string())
    )
}

#[tokio::test]
async fn who_does_not_say_who_calls_is_refused() {
    let server = TestServer::start().await;
    refused(
        &server,
        None,
        (401, "AuthMissing", "authentication is required"),
    )
    .await;
    refused(
        &server,
        Some("Bearer "),
        (401, "MissingJwt", "the token is missing"),
    )
    .await;
    let scheme = (
        400,
        "InvalidToken",
        "Unexpected authorization type, expected Bearer or DPoP",
    );
    refused(&server, Some("Basic a.b.c"), scheme).await;
    let segments = "the token does not have three segments";
    for (garbage, what) in [
        ("garbage", segments),
        (&"a".repeat(7000), segments),
        ("a.b.c", "the token's header is not base64url"),
        (
            "..",
            "the token's header does not fit: expected a JSON object",
        ),
        (
            "e30.e30.",
            "the token's header does not fit: missing field `alg`",
        ),
    ] {
        let message = format!("the token is malformed: {what}");
        refused(&server, Some(&bearer(garbage)), (401, "BadJwt", &message)).await;
    }
    // Credentials come before the body: nobody learns of our lexicons by guessing.
    let answer = server
        .procedure(CREATE, None, &json!({ "not": "a webhook" }))
        .await;
    answer.fails(401, "AuthMissing", "authentication is required");
}

#[tokio::test]
async fn a_token_is_for_one_method_of_one_server_and_one_minute() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let now = SystemClock.now();
    let did = server.did.as_str();

    let other = alice.token_for("did:web:other.example", LIST, now);
    let audience = for_another_audience(did);
    let audience = (401, "BadJwtAudience", &*audience);
    refused(&server, Some(&bearer(&other)), audience).await;
    let other = alice.token_for(&format!("{did}#other"), LIST, now);
    refused(&server, Some(&bearer(&other)), audience).await;
    let method = (401, "BadJwtLexiconMethod", FOR_ANOTHER_METHOD);
    refused(&server, Some(&bearer(&alice.token(CREATE))), method).await;
    let old = alice.token_for(did, LIST, now - SignedDuration::from_mins(10));
    refused(
        &server,
        Some(&bearer(&old)),
        (
            401,
            "JwtExpired",
            "the token has expired (exp): get a new one",
        ),
    )
    .await;
    let early = alice.token_for(did, LIST, now + SignedDuration::from_mins(2));
    refused(
        &server,
        Some(&bearer(&early)),
        (
            401,
            "BadJwt",
            "the token is not valid yet (iat, nbf): is a clock wrong?",
        ),
    )
    .await;

    for audience in [did.to_owned(), format!("{did}#loggia")] {
        let token = alice.token_for(&audience, LIST, now);
        let request = server.call(LIST, &[], None).bearer_auth(&token);
        server
            .send(request)
            .await
            .is(200, json!({ "webhooks": [] }));
        let again = (
            401,
            "JwtReplayed",
            "the token was used before (jti): get a new one for each call",
        );
        refused(&server, Some(&bearer(&token)), again).await;
    }
}

#[tokio::test]
async fn a_token_is_signed_by_its_issuer() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let token = alice.token(LIST);
    let none = with_header(&token, &json!({ "typ": "JWT", "alg": "none" }));
    let algorithm = (
        401,
        "BadJwt",
        "the token's algorithm is neither ES256K nor ES256",
    );
    refused(&server, Some(&bearer(&none)), algorithm).await;

    let wrong = (
        401,
        "BadJwtSignature",
        "the token is not signed by its issuer: the signature does not verify",
    );
    let es256 = with_header(&token, &json!({ "typ": "JWT", "alg": "ES256" }));
    let other = (
        wrong.0,
        wrong.1,
        "the token is not signed by its issuer: its header names another algorithm (alg) than \
         ES256K, its key's",
    );
    refused(&server, Some(&bearer(&es256)), other).await;
    let bobs = bob.token(LIST);
    let (_, signature) = bobs.rsplit_once('.').expect("three segments");
    let (claims, _) = token.rsplit_once('.').expect("three segments");
    refused(
        &server,
        Some(&bearer(&format!("{claims}.{signature}"))),
        wrong,
    )
    .await;

    // None of that has used the token up.
    let request = server.call(LIST, &[], None).bearer_auth(&token);
    server
        .send(request)
        .await
        .is(200, json!({ "webhooks": [] }));
}

#[tokio::test]
async fn an_issuer_that_nobody_knows_is_refused() {
    let server = TestServer::start().await;
    let elsewhere = TestServer::start().await;
    // Its server does not publish the account any more.
    let carol = elsewhere.account("carol");
    let token = carol.token_for(&server.did, LIST, SystemClock.now());
    std::fs::remove_dir_all(elsewhere.data().join("dev")).expect("the account is removed");
    let did = &carol.did;
    let message = format!(
        "the issuer of the token cannot be resolved: cannot resolve {did} \
         at its host's /.well-known/did.json: there is no such DID (HTTP status 404); \
         its document must be published there"
    );
    refused(&server, Some(&bearer(&token)), (401, "BadJwtIss", &message)).await;
}

#[tokio::test]
async fn an_issuer_that_cannot_be_reached_is_nobodys_mistake() {
    let server = TestServer::start().await;
    let nobody = Closed::new();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let accounts = DevAccounts::new(folder.path(), nobody.port());
    let carol = accounts.create("carol", chance::bytes).expect("an account");
    let request = TokenRequest {
        audience: server.did.clone(),
        method: Nsid::new(LIST).expect("an NSID"),
    };
    let token = mint_token(&carol, &request).expect("a token");
    let call = server.call(LIST, &[], None).bearer_auth(&token);
    let answer = server.send(call).await;
    assert_eq!(
        (answer.status, &answer.body["error"]),
        (502, &json!("UpstreamFailure")),
        "{answer:#?}"
    );
    assert_eq!(
        answer.header("www-authenticate"),
        "",
        "trying again may help"
    );
    let message = answer.body["message"].as_str().expect("a message");
    assert!(message.contains(carol.did.as_str()), "{message}");
}

#[tokio::test]
async fn a_key_that_was_replaced_signs_no_more() {
    let server = TestServer::start().await;
    let old_key = server.account("alice").token(LIST);
    let alice = server.change_key("alice");
    alice
        .query(LIST, &[])
        .await
        .is(200, json!({ "webhooks": [] }));
    let wrong = (
        401,
        "BadJwtSignature",
        "the token is not signed by its issuer: the signature does not verify",
    );
    refused(&server, Some(&bearer(&old_key)), wrong).await;
}

#[tokio::test]
async fn accounts_of_the_reference_pds_call_with_its_tokens() {
    let reference = ReferenceServers::start();
    let plc = reference.plc.parse().expect("a URL");
    let server = TestServer::start_with(|config| config.plc_directory = plc).await;
    let account = reference.account("dora").await;
    assert!(account.did.starts_with("did:plc:"), "{}", account.did);

    let token = account.service_auth(&server.did, CREATE).await;
    let input = json!({ "url": "https://hooks.example/dora", "events": ["follow"] });
    let made = server
        .procedure(CREATE, Some(&token), &input)
        .await
        .output();
    assert_eq!(made["webhook"]["url"], "https://hooks.example/dora");
    let again = server.procedure(CREATE, Some(&token), &input).await;
    again.fails(
        401,
        "JwtReplayed",
        "the token was used before (jti): get a new one for each call",
    );

    let token = account.service_auth(&server.did, LIST).await;
    let request = server.call(LIST, &[], None).bearer_auth(&token);
    server
        .send(request)
        .await
        .is(200, json!({ "webhooks": [made["webhook"]] }));
    let token = account.service_auth(&server.did, CREATE).await;
    let method = (401, "BadJwtLexiconMethod", FOR_ANOTHER_METHOD);
    refused(&server, Some(&bearer(&token)), method).await;
    let token = account.service_auth("did:web:other.example", LIST).await;
    let audience = for_another_audience(&server.did);
    let audience = (401, "BadJwtAudience", &*audience);
    refused(&server, Some(&bearer(&token)), audience).await;
}

#[tokio::test]
async fn a_call_through_the_reference_pds_arrives_as_its_account() {
    let reference = ReferenceServers::start();
    let plc = reference.plc.parse().expect("a URL");
    let server = TestServer::start_with(|config| config.plc_directory = plc).await;
    let account = reference.account("erin").await;
    let token = account.service_auth(&server.did, CREATE).await;
    let input = json!({ "url": "https://hooks.example/erin", "events": ["follow"] });
    let made = server
        .procedure(CREATE, Some(&token), &input)
        .await
        .output();

    let service = format!("{}#loggia", server.did);
    let (status, listed) = account.proxied(&service, LIST).await;
    assert_eq!(
        (status, listed),
        (200, json!({ "webhooks": [made["webhook"]] }))
    );
}
