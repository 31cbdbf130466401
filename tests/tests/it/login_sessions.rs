//! What a login is worth: the cookie, the calls in the person's name, and how both end.

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use loggia_api::com::atproto::repo::get_record::{GetRecord, Params};
use loggia_delivery::{Clock, SystemClock};
use loggia_server::login::{LoggedIn, Pds, PdsError};
use loggia_syntax::{AtIdentifier, Did, Nsid, RecordKey};
use loggia_xrpc::NoBody;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Person, Provider, TestServer, http};

/// The PDS of the provider's account, which is logged in.
async fn pds(server: &TestServer, provider: &Provider) -> Pds {
    let did: Did = provider.did.parse().expect("a DID");
    let pds = server.people.pds_of(&did, SystemClock.now()).await;
    pds.expect("the store answers").expect("logged in")
}

/// Calls it; the access token with which that succeeded.
async fn call(pds: &Pds) -> Result<String, PdsError> {
    let params = Params {
        repo: AtIdentifier::from(pds.did().clone()),
        collection: Nsid::from_static("place.wisp.v2.wh"),
        rkey: RecordKey::from_static("a"),
        cid: None,
    };
    let output = pds
        .call::<GetRecord>(&params, NoBody, SystemClock.now())
        .await?;
    let value: Value = serde_json::to_value(&output.value).expect("JSON");
    Ok(value["token"].as_str().expect("a token").to_owned())
}

#[tokio::test]
async fn a_cookie_stands_for_a_person_until_they_log_out() {
    let (server, provider) = (TestServer::start().await, Provider::start().await);
    let mut person = Person::at(&server);
    person
        .account()
        .await
        .fails(401, "AuthMissing", "log in at /login first");
    let nobody = person.open("/account").await;
    assert_eq!(nobody.header("location"), "/login?return_to=/account");

    person.log_in(&provider).await;
    assert_eq!(
        person.cookies.keys().collect::<Vec<_>>(),
        ["loggia_session"]
    );
    let account = person.account().await.output();
    assert_eq!(
        (&account["did"], &account["handle"]),
        (&json!(provider.did), &Value::Null)
    );
    let page = person.open("/account").await;
    let shown = page.body.as_str().expect("a page").contains(&provider.did);
    assert!(shown && page.status == 200, "{page:#?}");
    assert_eq!(
        call(&pds(&server, &provider).await).await.expect("called"),
        "access-1"
    );

    let kept = person.cookies.clone();
    let out = person.post("/logout", &[]).await;
    assert_eq!(out.header("location"), "/login?logged_out=1");
    assert!(person.cookies.is_empty());
    let revoked = provider.forms("revoke");
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0]["token"], "refresh-1");
    person.cookies = kept;
    assert_eq!(person.account().await.status, 401, "the old cookie");
    let again = person.post("/logout", &[]).await;
    assert_eq!(again.status, 303, "logging out twice does no harm");
    assert_eq!(provider.forms("revoke").len(), 1);
}

#[tokio::test]
async fn a_changed_cookie_stands_for_nobody() {
    let (server, provider) = (TestServer::start().await, Provider::start().await);
    let mut person = Person::at(&server);
    person.log_in(&provider).await;
    let good = person.cookies["loggia_session"].clone();
    let (id, signature) = good.split_once('.').expect("id and signature");
    for bad in [
        id.to_owned(),
        format!("{id}."),
        format!("{signature}.{id}"),
        format!("A{}", &good[1..]),
    ] {
        if bad == good {
            continue;
        }
        person
            .cookies
            .insert("loggia_session".to_owned(), bad.clone());
        assert_eq!(person.account().await.status, 401, "{bad}");
    }
}

/// Where logs go.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panics in it").write(text)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn nothing_secret_is_logged() {
    let lines = Lines::default();
    let writer = lines.clone();
    let logs = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone());
    // Everything of this test runs on this thread.
    let _logging = tracing::subscriber::set_default(logs.finish());
    let (server, provider) = (TestServer::start().await, Provider::start().await);
    let mut person = Person::at(&server);
    person.log_in(&provider).await;
    let cookie = person.cookies["loggia_session"].clone();
    let pds = pds(&server, &provider).await;
    provider.now().spent.push("access-1".to_owned());
    assert!(call(&pds).await.is_ok());
    provider.now().revoke = 500;
    person.post("/logout", &[]).await;
    provider.now().token = (400, json!({ "error": "invalid_grant" }));
    let (_, state) = person.begin(&provider.did, &provider).await;
    let iss = provider.origin.as_str();
    person
        .come_back(&[("state", &state), ("iss", iss), ("code", "secret-code")])
        .await;

    let mut secrets = provider.now().proofs.clone();
    secrets.extend(
        provider
            .forms("token")
            .iter()
            .flat_map(|form| form.get("code_verifier").cloned()),
    );
    secrets.extend(
        [
            "access-1",
            "access-2",
            "refresh-1",
            "refresh-2",
            "secret-code",
        ]
        .map(str::to_owned),
    );
    secrets.extend(cookie.split('.').map(str::to_owned));
    secrets.push(state);
    let text = String::from_utf8(lines.0.lock().expect("nobody panics in it").clone());
    let text = text.expect("text");
    for expected in [
        "a person logged in",
        "a person logged out",
        "tokens could not be revoked",
        "a login failed",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    for secret in secrets {
        let line = text.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret}");
    }
}

#[tokio::test]
async fn a_handler_sees_who_is_logged_in() {
    let (server, provider) = (TestServer::start().await, Provider::start().await);
    let mut person = Person::at(&server);
    person.log_in(&provider).await;
    let cookie = format!("loggia_session={}", person.cookies["loggia_session"]);
    let who = |who: LoggedIn| async move { who.did.to_string() };
    let routes = Router::new().route("/who", get(who).post(who));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/who", listener.local_addr().expect("an address"));
    let routes = routes.with_state(server.people.clone());
    tokio::spawn(async move { axum::serve(listener, routes).await });

    let client = http();
    let answer = server
        .send(client.get(&url).header("cookie", &cookie))
        .await;
    answer.is(200, json!(provider.did));
    let answer = server.send(client.get(&url)).await;
    answer.fails(401, "AuthMissing", "log in at /login first");
    let challenge = r#"Cookie form-action="/login", cookie-name="loggia_session""#;
    assert_eq!(answer.header("www-authenticate"), challenge);
    let post = |site| {
        client
            .post(&url)
            .header("cookie", &cookie)
            .header("sec-fetch-site", site)
    };
    let message = "this request was not made by a page of this site";
    for site in ["cross-site", "same-site", "none"] {
        server
            .send(post(site))
            .await
            .fails(403, "Forbidden", message);
    }
    server
        .send(post("same-origin"))
        .await
        .is(200, json!(provider.did));
}

#[tokio::test]
async fn logging_out_ends_the_session_here_even_if_the_pds_does_not_listen() {
    let (server, provider) = (TestServer::start().await, Provider::start().await);
    let mut person = Person::at(&server);
    person.log_in(&provider).await;
    provider.now().revoke = 500;
    let kept = person.cookies.clone();
    assert_eq!(person.post("/logout", &[]).await.status, 303);
    person.cookies = kept;
    assert_eq!(person.account().await.status, 401);
}

#[tokio::test]
async fn logging_in_again_ends_the_session_before() {
    let (server, provider) = (TestServer::start().await, Provider::start().await);
    let mut person = Person::at(&server);
    person.log_in(&provider).await;
    let first = person.cookies["loggia_session"].clone();
    person.log_in(&provider).await;
    assert_eq!(provider.forms("revoke")[0]["token"], "refresh-1");
    assert_eq!(person.account().await.status, 200);
    person.cookies.insert("loggia_session".to_owned(), first);
    assert_eq!(person.account().await.status, 401);
}

#[tokio::test]
async fn a_restart_logs_nobody_out() {
    let provider = Provider::start().await;
    let server = TestServer::start().await;
    let port = server.port();
    let mut person = Person::at(&server);
    person.log_in(&provider).await;
    let folder = server.stop().await;
    let server = TestServer::start_in(folder, |config| config.bind.set_port(port)).await;
    let account = person.account().await.output();
    assert_eq!(account["did"], provider.did);
    assert_eq!(
        call(&pds(&server, &provider).await).await.expect("called"),
        "access-1"
    );
}

#[tokio::test]
async fn a_token_that_is_over_is_refreshed_once_for_all() {
    let (server, provider) = (TestServer::start().await, Provider::start().await);
    let mut person = Person::at(&server);
    provider.now().token = (200, json!({ "expires_in": 0 }));
    person.log_in(&provider).await;
    provider.now().token = (200, json!({}));
    let pds = pds(&server, &provider).await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let pds = pds.clone();
        calls.spawn(async move { call(&pds).await.expect("called") });
    }
    assert_eq!(calls.join_all().await, vec!["access-2"; 10]);
    let forms = provider.forms("token");
    assert_eq!(forms.len(), 2, "one login, one refresh");
    assert_eq!(forms[1]["refresh_token"], "refresh-1");
}

#[tokio::test]
async fn a_token_that_the_pds_does_not_take_is_refreshed_and_used() {
    let (server, provider) = (TestServer::start().await, Provider::start().await);
    Person::at(&server).log_in(&provider).await;
    let pds = pds(&server, &provider).await;
    provider.now().spent.push("access-1".to_owned());
    assert_eq!(call(&pds).await.expect("called"), "access-2");
    // A PDS that takes none is asked twice and believed.
    provider.now().spent = vec!["access-2".to_owned(), "access-3".to_owned()];
    let refused = call(&pds).await;
    assert!(matches!(refused, Err(PdsError::Exchange(_))), "{refused:?}");
    assert_eq!(provider.forms("token").len(), 3);
}

#[tokio::test]
async fn a_session_that_ended_at_the_pds_ends_here() {
    let (server, provider) = (TestServer::start().await, Provider::start().await);
    let mut person = Person::at(&server);
    for answer in [
        (400, json!({ "error": "invalid_grant" })),
        (200, json!({ "sub": "did:web:somebody.example" })),
    ] {
        provider.now().token = (200, json!({ "expires_in": 0 }));
        person.log_in(&provider).await;
        let pds = pds(&server, &provider).await;
        provider.now().token = answer;
        assert!(matches!(call(&pds).await, Err(PdsError::LoggedOut)));
        assert_eq!(person.account().await.status, 401);
    }
    // A server that only fails now may do better later.
    provider.now().token = (200, json!({ "expires_in": 0 }));
    person.log_in(&provider).await;
    let pds = pds(&server, &provider).await;
    provider.now().token = (503, json!({}));
    assert!(matches!(call(&pds).await, Err(PdsError::Exchange(_))));
    provider.now().token = (200, json!({}));
    assert!(call(&pds).await.is_ok());
}

#[tokio::test]
async fn only_a_published_server_is_a_client_with_a_document() {
    let server = TestServer::start().await;
    for path in ["/oauth/client-metadata.json", "/oauth/jwks.json"] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
    let folder = server.stop().await;
    let published = |config: &mut loggia_server::config::Config| {
        config.public_url = Some("https://hub.example".parse().expect("a URL"));
    };
    let server = TestServer::start_in(folder, published).await;
    let metadata = server.get("/oauth/client-metadata.json").await.output();
    let expected = json!({
        "client_id": "https://hub.example/oauth/client-metadata.json",
        "client_name": "Loggia at hub.example",
        "client_uri": "https://hub.example",
        "application_type": "web",
        "redirect_uris": ["https://hub.example/oauth/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": "atproto repo:place.wisp.v2.wh",
        "dpop_bound_access_tokens": true,
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "jwks_uri": "https://hub.example/oauth/jwks.json",
    });
    assert_eq!(metadata, expected);
    let jwks = server.get("/oauth/jwks.json").await.output();
    assert!(jwks["keys"][0].get("d").is_none() && jwks["keys"][0]["kid"].is_string());
    let page = server.get("/login").await;
    assert_eq!(page.header("strict-transport-security"), "max-age=31536000");
    assert!(
        page.header("content-security-policy")
            .contains("form-action 'self' https:;")
    );
    let folder = server.stop().await;
    let server = TestServer::start_in(folder, published).await;
    let again = server.get("/oauth/jwks.json").await.output();
    assert_eq!(again, jwks, "the key outlives the server");
}
