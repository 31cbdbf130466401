//! Logins that must not succeed: servers that lie, answers that belong to somebody else, requests
//! that other sites make.

use serde_json::{Value, json};

use crate::support::provider::{Behaviour, read};
use crate::support::{Answer, Person, Provider, TestServer};

/// What a browser brings back from the PDS.
type Query<'a> = &'a [(&'a str, &'a str)];

/// What a server does otherwise.
type Change = fn(&mut Behaviour);

/// Nobody is logged in, and a page says why.
#[track_caller]
fn failed(person: &Person, answer: &Answer, status: u16, words: &str) {
    assert_eq!(answer.status, status, "{answer:#?}");
    let page = answer.body.as_str().expect("a page");
    assert!(page.contains(words), "{words}: {page}");
    assert!(page.starts_with("<!doctype html>"), "{page}");
    assert!(
        !person.cookies.contains_key("loggia_session"),
        "{answer:#?}"
    );
    let policy = answer.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
}

#[tokio::test]
async fn a_login_begins_as_the_profile_asks() {
    let (server, provider) = (TestServer::start().await, Provider::start().await);
    let mut person = Person::at(&server);
    let (begun, state) = person.begin(&provider.did, &provider).await;
    let site = format!("http://127.0.0.1:{}", server.port());
    let forms = provider.forms("par");
    let [form] = forms.as_slice() else {
        panic!("one request is pushed: {forms:?}");
    };
    let expected = [
        ("redirect_uri", format!("{site}/oauth/callback")),
        ("response_type", "code".to_owned()),
        ("scope", "atproto repo:place.wisp.v2.wh".to_owned()),
        ("code_challenge_method", "S256".to_owned()),
        ("login_hint", provider.did.clone()),
    ];
    for (name, value) in expected {
        assert_eq!(form[name], value, "{name}");
    }
    assert!(form["client_id"].starts_with("http://localhost?redirect_uri="));
    assert_eq!((state.len(), form["code_challenge"].len()), (43, 43));
    let location = begun.header("location");
    assert!(location.starts_with(&format!("{}/oauth/authorize?client_id=", provider.origin)));
    assert!(
        location.ends_with("&request_uri=urn%3Arequest%3A1"),
        "{location}"
    );
    assert!(
        !location.contains(&state),
        "the state is pushed and not shown"
    );
    let proofs = provider.now().proofs.clone();
    let claims: Vec<Value> = proofs
        .iter()
        .map(|proof| read(proof.split('.').nth(1).expect("claims")))
        .collect();
    assert_eq!(claims.len(), 2, "the second with a nonce: {claims:?}");
    assert_eq!(claims[1]["htu"], format!("{}/oauth/par", provider.origin));
    assert_ne!(claims[0]["jti"], claims[1]["jti"]);
}

#[tokio::test]
async fn an_answer_that_is_not_the_one_waited_for_leads_nowhere() {
    let (server, provider) = (TestServer::start().await, Provider::start().await);
    let iss = provider.origin.clone();
    let unknown = "This login is not under way any more.";
    let issuer = "The answer came from another server than yours.";
    let cases: [(Query<'_>, u16, &str); 6] = [
        (
            &[("iss", "https://evil.example"), ("code", "c")],
            400,
            issuer,
        ),
        (&[("code", "c")], 400, issuer),
        (&[("iss", &iss), ("iss", &iss), ("code", "c")], 400, issuer),
        (
            &[("iss", &iss), ("error", "access_denied")],
            403,
            "You did not allow it.",
        ),
        (&[("iss", &iss), ("error", "<b>")], 502, "refused"),
        (&[("iss", &iss)], 502, "refused"),
    ];
    for (query, status, words) in cases {
        let mut person = Person::at(&server);
        let (_, state) = person.begin(&provider.did, &provider).await;
        let mut query = query.to_vec();
        query.push(("state", &state));
        let answer = person.come_back(&query).await;
        failed(&person, &answer, status, words);
        let good = [("iss", iss.as_str()), ("code", "c"), ("state", &state)];
        let again = person.come_back(&good).await;
        failed(&person, &again, 400, unknown);
    }
    assert!(provider.forms("token").is_empty(), "no code was ever sent");
}

#[tokio::test]
async fn a_login_ends_in_the_browser_where_it_began_and_once() {
    let (server, provider) = (TestServer::start().await, Provider::start().await);
    let mut person = Person::at(&server);
    let (_, state) = person.begin(&provider.did, &provider).await;
    let iss = provider.origin.as_str();
    let good = [("iss", iss), ("code", "c"), ("state", &state)];
    let mut other = Person::at(&server);
    lost(&mut other, &good).await;
    other.begin(&provider.did, &provider).await;
    lost(&mut other, &good).await;
    // Whoever stole the state used it up as well: nobody gets in with it.
    lost(&mut person, &good).await;
    for state in ["", "x", &"s".repeat(5000)] {
        let query = [("iss", iss), ("code", "c"), ("state", state)];
        lost(&mut person, &query).await;
    }
    assert!(provider.forms("token").is_empty());

    person.log_in(&provider).await;
    let state = provider.forms("par").last().expect("pushed")["state"].clone();
    let query = [("iss", iss), ("code", "c"), ("state", state.as_str())];
    let replayed = person.come_back(&query).await;
    assert_eq!(replayed.status, 400, "a second time");
}

/// Comes back and is told that there is no such login.
async fn lost(person: &mut Person, query: &[(&str, &str)]) {
    let answer = person.come_back(query).await;
    failed(
        person,
        &answer,
        400,
        "This login is not under way any more.",
    );
}

#[tokio::test]
async fn tokens_that_are_not_as_they_should_be_log_nobody_in() {
    let (server, provider) = (TestServer::start().await, Provider::start().await);
    let cases = [
        (json!({ "sub": null }), "lacks members that it must have"),
        (json!({ "token_type": "Bearer" }), "not bound to our key"),
        (json!({ "scope": "openid" }), "does not grant the scope"),
        (json!({ "access_token": "x".repeat(70_000) }), "is too long"),
        (json!({ "access_token": "a\nb" }), "that no header takes"),
    ];
    let refusal = json!({ "error": "invalid_grant", "error_description": "<i>no</i>" });
    let somebody = json!({ "sub": "did:web:somebody.example" });
    let good = cases.map(|(change, words)| (200, change, 502, words));
    let mut all = good.to_vec();
    all.push((400, refusal, 502, "refused: &lt;i&gt;no"));
    all.push((500, json!("broken"), 502, "refused with status 500"));
    all.push((200, somebody, 403, "as somebody else than"));
    for (status, change, expected, words) in all {
        provider.now().token = (status, change);
        let mut person = Person::at(&server);
        let (_, state) = person.begin(&provider.did, &provider).await;
        let query = [
            ("iss", provider.origin.as_str()),
            ("code", "c"),
            ("state", &state),
        ];
        let answer = person.come_back(&query).await;
        failed(&person, &answer, expected, words);
    }
    let revoked = provider.forms("revoke");
    assert_eq!(
        revoked.len(),
        1,
        "somebody else's tokens go back: {revoked:?}"
    );
}

#[tokio::test]
async fn servers_that_do_not_fit_the_profile_are_not_gone_to() {
    let (server, provider) = (TestServer::start().await, Provider::start().await);
    let described = "does not describe itself as it should";
    let bad = [
        json!({ "pushed_authorization_request_endpoint": null }),
        json!({ "authorization_response_iss_parameter_supported": false }),
        json!({ "issuer": "https://evil.example" }),
        json!({ "authorization_endpoint": "javascript:alert(1)" }),
        json!({ "authorization_endpoint": "http://evil.example/authorize" }),
        json!({ "token_endpoint": "https://169.254.169.254/token" }),
        json!({ "code_challenge_methods_supported": ["plain"] }),
        json!({ "token_endpoint_auth_methods_supported": ["client_secret_basic"] }),
        json!({ "protected_resources": ["https://other.example"] }),
    ];
    let mut person = Person::at(&server);
    for metadata in bad {
        provider.now().metadata = metadata;
        let (answer, _) = person.begin(&provider.did, &provider).await;
        failed(&person, &answer, 502, described);
        assert!(person.cookies.is_empty(), "nothing began");
    }
    assert!(provider.forms("par").is_empty());
}

#[tokio::test]
async fn a_server_that_refuses_or_is_never_content_is_told_of() {
    let (server, provider) = (TestServer::start().await, Provider::start().await);
    let mut person = Person::at(&server);
    let cases: [(Change, &str); 4] = [
        (
            |now| now.par = (400, json!({ "error": "invalid_scope" })),
            "refused with status 400",
        ),
        (
            |now| now.par = (201, json!({})),
            "lacks members that it must have",
        ),
        (|now| now.par = (302, json!({})), "refused with status 302"),
        (|now| now.never_content = true, "refused with status 400"),
    ];
    for (change, words) in cases {
        change(&mut provider.now());
        provider.now().proofs.clear();
        let (answer, _) = person.begin(&provider.did, &provider).await;
        failed(&person, &answer, 502, words);
        assert!(provider.now().proofs.len() <= 2, "asked twice at most");
    }
}

#[tokio::test]
async fn what_is_no_account_is_told_so_on_the_form() {
    let server = TestServer::start().await;
    let mut person = Person::at(&server);
    let neither = "That is neither a handle nor a DID.";
    for (typed, status, words) in [
        ("", 400, neither),
        ("\"><script>alert(1)</script>", 400, neither),
        (
            "did:web:localhost%3A1",
            502,
            "cannot be looked up right now",
        ),
        (
            "did:key:zabc",
            400,
            "There is no usable account did:key:zabc.",
        ),
        ("did:web:10.0.0.1", 400, "There is no usable account"),
    ] {
        let answer = person.post("/login", &[("identifier", typed)]).await;
        failed(&person, &answer, status, words);
        assert!(!answer.body.as_str().expect("a page").contains("<script"));
    }
}

#[tokio::test]
async fn other_sites_can_neither_log_in_nor_out() {
    let (server, provider) = (TestServer::start().await, Provider::start().await);
    let mut person = Person::at(&server);
    person.log_in(&provider).await;
    let foreign: [&[(&str, &str)]; 5] = [
        &[],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
    ];
    for from in foreign {
        for path in ["/logout", "/login"] {
            let answer = person
                .post_from(from, path, &[("identifier", &provider.did)])
                .await;
            assert_eq!(answer.status, 403, "{path} {from:?}");
        }
    }
    assert_eq!(provider.forms("par").len(), 1);
    assert_eq!(person.account().await.status, 200, "still logged in");
    let origin = format!("http://127.0.0.1:{}", server.port());
    let answer = person
        .post_from(&[("origin", &origin)], "/logout", &[])
        .await;
    assert_eq!(
        answer.status, 303,
        "a browser that only says where it comes from"
    );
}

#[tokio::test]
async fn nobody_is_sent_to_another_site_afterwards() {
    let (server, provider) = (TestServer::start().await, Provider::start().await);
    for (wanted, given) in [
        ("//evil.example", "/account"),
        ("https://evil.example", "/account"),
        ("/\\evil.example", "/account"),
        ("/console?page=2", "/console?page=2"),
    ] {
        let mut person = Person::at(&server);
        let fields = [("identifier", provider.did.as_str()), ("return_to", wanted)];
        person.post("/login", &fields).await;
        let state = provider.forms("par").last().expect("pushed")["state"].clone();
        let query = [
            ("iss", provider.origin.as_str()),
            ("code", "c"),
            ("state", &state),
        ];
        let answer = person.come_back(&query).await;
        assert_eq!(answer.header("location"), given, "{wanted}");
    }
}

#[tokio::test]
async fn one_address_begins_so_many_logins_a_minute() {
    let server = TestServer::start().await;
    let mut person = Person::at(&server);
    let mut statuses = Vec::new();
    // The window may turn over once in between.
    for _ in 0..70 {
        let answer = person.post("/login", &[("identifier", "nobody")]).await;
        statuses.push(answer.status);
    }
    let refused = statuses.iter().filter(|status| **status == 429).count();
    assert!(refused >= 10, "{statuses:?}");
    assert_eq!(person.open("/login").await.status, 200, "looking is free");
}
