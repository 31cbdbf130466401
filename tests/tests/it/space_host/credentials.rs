//! `getDelegationToken` and `getSpaceCredential`: who is let in, and who is told what.

use std::sync::{Arc, Mutex};

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::routing::get;
use axum::{Json, Router};
use jiff::SignedDuration;
use loggia_auth::SigningKey;
use loggia_auth::delegation::{NewDelegation, mint};
use loggia_delivery::{Clock, SystemClock};
use loggia_server::chance;
use loggia_syntax::SpaceRef;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::spaces::{
    COMMIT, CREATE_SPACE, DELEGATION, GET_SPACE, SpaceReader, UPDATE_SPACE, ask, delegation,
    exchange, forum_of_members, let_in, open_forum, rule, write_post,
};
use crate::support::{Account, Answer, TestServer};

fn key() -> SigningKey {
    SigningKey::generate_p256().expect("the system has randomness")
}

#[track_caller]
pub fn refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!(
        (answer.status, &answer.body["error"]),
        (status, &json!(error)),
        "{answer:#?}"
    );
}

#[tokio::test]
async fn members_get_a_credential_and_read_with_it() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let space = open_forum(&alice).await;
    write_post(&alice, &space, "a", "x").await;
    let (_, answer) = ask(&server, &bob, &space).await;
    refused(&answer, 400, "UserNotAuthorized");
    let_in(&alice, &space, &bob.did, (false, true)).await;
    let (_, answer) = ask(&server, &bob, &space).await;
    refused(&answer, 400, "UserNotAuthorized");
    let_in(&alice, &space, &bob.did, (true, false)).await;
    let at = [("space", space.as_str())];
    for account in [&alice, &bob] {
        let reader = SpaceReader::of(&server, account, &space).await;
        reader
            .query(&server, COMMIT, &alice.did, &at)
            .await
            .output();
        let request = reader.sign(server.call(GET_SPACE, &at, None), alice.did.as_str());
        assert_eq!(server.send(request).await.output()["uri"], json!(space));
    }
    // Everybody, where the policy is public.
    let input = json!({ "space": space, "readPolicy": rule("publicPolicy") });
    assert_eq!(alice.procedure(UPDATE_SPACE, &input).await.status, 200);
    let carol = server.account("carol");
    SpaceReader::of(&server, &carol, &space).await;
}

#[tokio::test]
async fn what_is_wrong_is_named_in_the_reference_s_order() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let space = open_forum(&alice).await;
    let never = format!("at://{}/space/com.example.forum/never", alice.did);
    let elsewhere = "at://did:web:elsewhere.example/space/com.example.forum/main";
    let ask = async |token: &str, input: &Value| {
        server.send(exchange(&server, &key(), token, input)).await
    };
    for other in [never.as_str(), elsewhere] {
        let token = delegation(&bob, other).await;
        let answer = ask(&token, &json!({ "space": space })).await;
        refused(&answer, 400, "InvalidDelegationToken");
        // It is used up all the same.
        let answer = ask(&token, &json!({ "space": other })).await;
        refused(&answer, 401, "JwtReplayed");
        let token = delegation(&bob, other).await;
        refused(
            &ask(&token, &json!({ "space": other })).await,
            400,
            "SpaceNotFound",
        );
    }
    // The attestation comes before the user.
    let token = delegation(&bob, &space).await;
    let input = json!({ "space": space, "clientAttestation": "a.b.c" });
    refused(&ask(&token, &input).await, 400, "InvalidClientAttestation");
    // And so does the rule for apps.
    let list = json!({ "$type": rule("allowList")["$type"], "allowed": ["https://a.example/c"] });
    let input = json!({ "space": space, "appAccess": list });
    assert_eq!(alice.procedure(UPDATE_SPACE, &input).await.status, 200);
    let token = delegation(&bob, &space).await;
    refused(
        &ask(&token, &json!({ "space": space })).await,
        400,
        "AppNotAuthorized",
    );
    // A body that says nothing uses no token up.
    let token = delegation(&bob, &space).await;
    refused(&ask(&token, &json!({})).await, 400, "InvalidRequest");
    refused(
        &ask(&token, &json!({ "space": space })).await,
        400,
        "AppNotAuthorized",
    );
}

#[tokio::test]
async fn a_token_that_does_not_hold_is_worth_nothing() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let space = open_forum(&alice).await;
    let input = json!({ "space": space });
    let name = SpaceRef::new(space.as_str()).expect("a space");
    let token = |signer: &SigningKey, age: i64| {
        let new = NewDelegation {
            user: &bob.did,
            space: &name,
            now: SystemClock.now() - SignedDuration::from_secs(age),
            lifetime: 60,
            id: chance::bytes(),
        };
        mint(signer, &new).expect("a token")
    };
    let service = bob.token("com.atproto.space.getSpaceCredential");
    for (token, error) in [
        (token(&alice.key, 0), "BadJwtSignature"),
        (token(&bob.key, 120), "JwtExpired"),
        (service, "BadJwtType"),
        ("x".to_owned(), "BadJwt"),
    ] {
        let answer = server.send(exchange(&server, &key(), &token, &input)).await;
        refused(&answer, 401, error);
    }
    // Without a key of one's own there is nothing to bind to, and the token is not used up.
    let good = token(&bob.key, 0);
    let call = || server.call("com.atproto.space.getSpaceCredential", &[], Some(&input));
    let answer = server.send(call().bearer_auth(&good)).await;
    refused(&answer, 401, "BadSpaceSignature");
    let answer = server.send(call()).await;
    refused(&answer, 401, "AuthMissing");
    let answer = server.send(exchange(&server, &key(), &good, &input)).await;
    refused(&answer, 400, "UserNotAuthorized");
}

#[tokio::test]
async fn only_accounts_that_are_hosted_here_delegate_and_open_spaces() {
    let server = TestServer::start().await;
    let stranger = server.account("stranger");
    // Somebody whose document is found, and whose key is not here.
    let other = TestServer::start().await;
    let guest = other.account("guest");
    let at = [(
        "space",
        "at://did:web:x.example/space/com.example.forum/main",
    )];
    let token = guest.token_for(&server.did, DELEGATION, SystemClock.now());
    let request = server.call(DELEGATION, &at, None).bearer_auth(token);
    refused(&server.send(request).await, 400, "AccountNotFound");
    let token = guest.token_for(&server.did, CREATE_SPACE, SystemClock.now());
    let request = server.call(CREATE_SPACE, &[], Some(&forum_of_members()));
    refused(
        &server.send(request.bearer_auth(token)).await,
        400,
        "AccountNotFound",
    );
    stranger.query(DELEGATION, &at).await.output();
}

/// An app that decides who is let in.
struct App {
    url: String,
    asked: Arc<Mutex<Asked>>,
}

#[derive(Default)]
struct Asked {
    answer: Value,
    questions: Vec<(Value, String)>,
}

impl App {
    async fn start() -> Self {
        let asked = Arc::new(Mutex::new(Asked::default()));
        let router = Router::new()
            .route("/.well-known/did.json", get(document))
            .route("/xrpc/com.atproto.simplespace.checkUserAccess", get(check))
            .with_state(Arc::clone(&asked));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            url: format!("localhost%3A{port}"),
            asked,
        }
    }

    fn name(&self) -> String {
        format!("did:web:{}#access", self.url)
    }

    fn answer(&self, answer: Value) {
        self.asked.lock().expect("nobody panics").answer = answer;
    }

    fn questions(&self) -> Vec<(Value, String)> {
        std::mem::take(&mut self.asked.lock().expect("nobody panics").questions)
    }
}

pub async fn document(headers: HeaderMap) -> Json<Value> {
    let host = headers["host"].to_str().expect("text").to_owned();
    let did = format!("did:web:{}", host.replace(':', "%3A"));
    Json(json!({
        "id": did,
        "service": [{
            "id": "#access",
            "type": "SpaceAccess",
            "serviceEndpoint": format!("http://{host}"),
        }],
    }))
}

async fn check(
    State(asked): State<Arc<Mutex<Asked>>>,
    Query(params): Query<Value>,
    headers: HeaderMap,
) -> Json<Value> {
    let mut asked = asked.lock().expect("nobody panics");
    let token = headers["authorization"].to_str().expect("text").to_owned();
    asked.questions.push((params, token));
    Json(asked.answer.clone())
}

fn managed(app: &App) -> Value {
    json!({
        "$type": "com.atproto.simplespace.defs#managingAppPolicy",
        "managingApp": app.name(),
    })
}

/// Opens a forum that an app decides about.
async fn open_managed(authority: &Account<'_>, app: &App) -> String {
    let mut input = forum_of_members();
    input["readPolicy"] = managed(app);
    input["writePolicy"] = managed(app);
    let opened = authority.procedure(CREATE_SPACE, &input).await.output();
    opened["uri"].as_str().expect("a name").to_owned()
}

#[tokio::test]
async fn a_managing_app_decides_and_no_answer_is_a_no() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let app = App::start().await;
    let space = open_managed(&alice, &app).await;
    app.answer(json!({ "authorized": true }));
    SpaceReader::of(&server, &bob, &space).await;
    let questions = app.questions();
    let expected = json!({ "space": space, "user": bob.did, "access": "read" });
    assert_eq!(questions[0].0, expected);
    let token = questions[0]
        .1
        .strip_prefix("Bearer ")
        .expect("service auth");
    let claims = loggia_auth::jws::Compact::parse(token).expect("a JWT");
    let claims: Value = claims.claims().expect("JSON");
    assert_eq!(claims["iss"], json!(alice.did));
    assert_eq!(claims["aud"], json!(app.name()));
    assert_eq!(claims["lxm"], "com.atproto.simplespace.checkUserAccess");

    for answer in [json!({ "authorized": false }), json!({}), json!("yes")] {
        app.answer(answer);
        let (_, answer) = ask(&server, &bob, &space).await;
        refused(&answer, 400, "UserNotAuthorized");
    }
    app.questions();
    // The owner is let in without a question; a writer is asked about, and writes all the same.
    SpaceReader::of(&server, &alice, &space).await;
    assert!(app.questions().is_empty());
    write_post(&bob, &space, "a", "x").await;
    assert_eq!(app.questions()[0].0["access"], "write");
    let gone = json!({
        "$type": "com.atproto.simplespace.defs#managingAppPolicy",
        "managingApp": "did:web:localhost%3A1#access",
    });
    let input = json!({ "space": space, "readPolicy": gone });
    assert_eq!(alice.procedure(UPDATE_SPACE, &input).await.status, 200);
    let (_, answer) = ask(&server, &bob, &space).await;
    refused(&answer, 400, "UserNotAuthorized");
}
