//! Access tokens of other issuers, which the settings name.

use loggia_auth::SigningKey;
use loggia_server::issuers::{TrustedIssuer, Way};
use serde_json::{Value, json};

use crate::support::exchange::App;
use crate::support::issuer::{Question, SUBJECT};
use crate::support::{Answer, Closed, Issuer, TestServer};
use crate::webhooks::{CREATE, LIST};

/// A server that trusts somebody, and an app that knows its nonce.
async fn server(trusted: Option<TrustedIssuer>) -> (TestServer, App) {
    let server = TestServer::start_with(|config| config.issuers.extend(trusted)).await;
    let mut app = App::new();
    app.get_nonce(&server).await;
    (server, app)
}

/// The scope for every method of the server.
fn everything(server: &TestServer) -> String {
    let did = server.did.replace('%', "%25");
    format!("atproto rpc:*?aud={did}%23loggia")
}

async fn list(app: &mut App, server: &TestServer, token: &str) -> Answer {
    app.call(server, token, (LIST, None), &[]).await
}

/// Holds that a token is refused as one, and that OAuth's challenge says so.
#[track_caller]
fn is_invalid(answer: &Answer, message: &str) {
    answer.fails(401, "invalid_token", message);
    let challenge = answer.header("www-authenticate");
    assert!(challenge.starts_with("DPoP "), "{challenge}");
    assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
}

#[tokio::test]
async fn a_token_of_a_named_issuer_acts_for_its_account() {
    let issuer = Issuer::start().await;
    let (server, mut app) = server(Some(issuer.with_keys())).await;
    let token = issuer.token(&server, &app, &everything(&server), "a-key");
    let webhook = json!({ "url": "https://feed.example.com/", "events": ["chat"], "active": true });
    let created = app
        .call(&server, &token, (CREATE, Some(&webhook)), &[])
        .await;
    assert_eq!(created.status, 200, "{created:#?}");
    // It is that account's, and no one else's.
    let listed = list(&mut app, &server, &token).await.output();
    assert_eq!(listed["webhooks"].as_array().map(Vec::len), Some(1));
    let alice = server.account("alice").query(LIST, &[]).await;
    alice.is(200, json!({ "webhooks": [] }));
    assert_eq!(SUBJECT.as_str(), "did:plc:ewvi7nxzyoun6zhxrhs64oiz");

    let narrow = issuer.token(&server, &app, "atproto", "a-key");
    let refused = list(&mut app, &server, &narrow).await;
    assert_eq!(
        (refused.status, &refused.body["error"]),
        (403, &Value::from("ScopeMissingError"))
    );
}

#[tokio::test]
async fn what_is_not_the_issuers_is_refused() {
    let mut issuer = Issuer::start().await;
    let (server, mut app) = server(Some(issuer.with_keys())).await;
    let scope = everything(&server);
    let unknown = issuer.token(&server, &app, &scope, "another-key");
    let message = "the access token's key (kid) is not one of its issuer";
    is_invalid(&list(&mut app, &server, &unknown).await, message);

    issuer.key = SigningKey::generate_p256().expect("the system has randomness");
    let forged = issuer.token(&server, &app, &scope, "a-key");
    let message = "the access token is not signed by its issuer";
    is_invalid(&list(&mut app, &server, &forged).await, message);

    let stolen = issuer.token(&server, &App::new(), &scope, "a-key");
    let stolen = list(&mut app, &server, &stolen).await;
    assert_eq!(stolen.status, 401, "{stolen:#?}");
}

#[tokio::test]
async fn an_issuer_that_nobody_named_is_refused() {
    let (named, other) = (Issuer::start().await, Issuer::start().await);
    for trusted in [None, Some(named.with_keys())] {
        let (server, mut app) = server(trusted).await;
        let token = other.token(&server, &app, &everything(&server), "a-key");
        let message = "no verifier is configured for the issuer of the access token";
        is_invalid(&list(&mut app, &server, &token).await, message);
        is_invalid(&list(&mut app, &server, "opaque").await, message);
    }
}

#[tokio::test]
async fn an_issuer_that_is_down_is_not_the_callers_fault() {
    let issuer = Issuer::start().await;
    let down = Closed::new();
    let trusted = TrustedIssuer {
        way: Way::Keys(down.url.parse().expect("a URL")),
        ..issuer.with_keys()
    };
    let (server, mut app) = server(Some(trusted)).await;
    let token = issuer.token(&server, &app, &everything(&server), "a-key");
    let answer = list(&mut app, &server, &token).await;
    let message = "the keys of the access token's issuer are not known";
    answer.fails(502, "UpstreamFailure", message);
}

#[tokio::test]
async fn a_scope_and_an_audience_can_be_demanded() {
    let issuer = Issuer::start().await;
    let trusted = TrustedIssuer {
        scope: Some("hub".to_owned()),
        ..issuer.with_keys()
    };
    let (server, mut app) = self::server(Some(trusted)).await;
    let token = issuer.token(&server, &app, &everything(&server), "a-key");
    let message = "the access token lacks the scope that is needed for any use";
    is_invalid(&list(&mut app, &server, &token).await, message);

    let trusted = TrustedIssuer {
        audience: Some("https://hub.example".to_owned()),
        ..issuer.with_keys()
    };
    let (server, mut app) = self::server(Some(trusted)).await;
    let token = issuer.token(&server, &app, &everything(&server), "a-key");
    let message = "the access token is for another audience (aud)";
    is_invalid(&list(&mut app, &server, &token).await, message);
}

#[tokio::test]
async fn an_issuer_is_asked_about_each_token() {
    let issuer = Issuer::start().await;
    let (server, mut app) = server(Some(issuer.with_introspection())).await;
    let scope = everything(&server);
    issuer.active(&app, &scope);
    let listed = list(&mut app, &server, "an+opaque/token").await;
    listed.is(200, json!({ "webhooks": [] }));
    let question = Question {
        authorization: "Basic aHViOnMzY3JldA==".to_owned(),
        form: "token=an%2Bopaque%2Ftoken&token_type_hint=access_token".to_owned(),
    };
    assert_eq!(issuer.questions(), [question]);
    // A token that names the issuer is asked about as well.
    let token = issuer.token(&server, &app, &scope, "a-key");
    assert_eq!(list(&mut app, &server, &token).await.status, 200);

    issuer.answer(200, r#"{"active":false}"#);
    let message = "the access token is not active";
    is_invalid(&list(&mut app, &server, &token).await, message);
    assert_eq!(issuer.questions().len(), 3);
}

#[tokio::test]
async fn an_answer_is_believed_as_far_as_it_goes() {
    let issuer = Issuer::start().await;
    let (server, mut app) = server(Some(issuer.with_introspection())).await;
    let good = issuer.active(&app, &everything(&server));
    for (field, value, message) in [
        (
            "aud",
            json!("did:web:x.example"),
            "the access token is for another audience (aud)",
        ),
        (
            "iss",
            json!("https://x.example"),
            "the access token is from another issuer",
        ),
        (
            "exp",
            json!(1_700_000_000),
            "the access token has expired (exp): get a new one",
        ),
        (
            "sub",
            json!("alice"),
            "the access token's subject is not a DID",
        ),
        (
            "cnf",
            Value::Null,
            "the issuer of the access token does not tell its cnf",
        ),
    ] {
        let mut answer = good.clone();
        answer[field] = value;
        issuer.answer(200, answer.to_string());
        is_invalid(&list(&mut app, &server, "opaque").await, message);
    }
    let unreadable = "the issuer of the access token gave no readable answer";
    for (status, text) in [(200, "garbage"), (200, "{}"), (401, "{}"), (500, "")] {
        issuer.answer(status, text);
        let answer = list(&mut app, &server, "opaque").await;
        answer.fails(502, "UpstreamFailure", unreadable);
    }
    issuer.answer(200, format!("{good}{}", " ".repeat(20_000)));
    let answer = list(&mut app, &server, "opaque").await;
    let message = "the issuer of the access token could not be asked";
    answer.fails(502, "UpstreamFailure", message);
}

#[tokio::test]
async fn whose_tokens_are_taken_is_published() {
    let issuer = Issuer::start().await;
    let (server, _) = server(Some(issuer.with_keys())).await;
    let found = server.get("/.well-known/oauth-protected-resource").await;
    let ours = format!("http://localhost:{}", server.port());
    let servers = json!([ours, issuer.url]);
    assert_eq!(found.output()["authorization_servers"], servers);
}
