//! Somebody else's authorization server, as far as whoever takes its tokens sees it.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use loggia_auth::access_token::{NewAccessToken, OwnAccessTokens, Terms};
use loggia_auth::{Jwk, JwkSet, SigningKey};
use loggia_delivery::{Clock, SystemClock};
use loggia_server::chance;
use loggia_server::issuers::{TrustedIssuer, Way};
use loggia_server::login::secret_text::SecretText;
use loggia_syntax::Did;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::TestServer;
use super::exchange::App;

/// The account that it speaks for.
pub const SUBJECT: Did = Did::from_static("did:plc:ewvi7nxzyoun6zhxrhs64oiz");

/// An issuer on a port of its own.
pub struct Issuer {
    pub url: String,
    /// Signs its tokens, as `a-key`.
    pub key: SigningKey,
    state: Arc<Mutex<Asked>>,
}

#[derive(Default)]
struct Asked {
    keys: Value,
    /// Status and text of the answers about tokens.
    answer: (u16, String),
    questions: Vec<Question>,
}

/// A question about a token, as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub authorization: String,
    pub form: String,
}

impl Issuer {
    /// An issuer with a key, to which no token is known.
    pub async fn start() -> Self {
        let key = SigningKey::generate_p256().expect("the system has randomness");
        let keys = JwkSet::of([("a-key".to_owned(), key.public().clone())]);
        let state = Arc::new(Mutex::new(Asked {
            keys: json!(keys),
            answer: (200, r#"{"active":false}"#.to_owned()),
            questions: Vec::new(),
        }));
        let router = Router::new()
            .route("/jwks", get(published))
            .route("/introspect", post(introspect))
            .with_state(Arc::clone(&state));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            url: format!("http://{address}"),
            key,
            state,
        }
    }

    /// How a server takes its tokens by its keys.
    pub fn with_keys(&self) -> TrustedIssuer {
        self.trusted(Way::Keys(self.at("jwks")))
    }

    /// How a server takes its tokens by asking.
    pub fn with_introspection(&self) -> TrustedIssuer {
        self.trusted(Way::Introspection {
            url: self.at("introspect"),
            client: "hub".to_owned(),
            variable: "HUB_SECRET".to_owned(),
            secret: SecretText::new("s3cret".to_owned()),
        })
    }

    fn trusted(&self, way: Way) -> TrustedIssuer {
        TrustedIssuer {
            issuer: self.url.clone(),
            way,
            audience: None,
            scope: None,
        }
    }

    fn at(&self, path: &str) -> url::Url {
        format!("{}/{path}", self.url).parse().expect("a URL")
    }

    /// A token for this server and app, by the key of this name.
    pub fn token(&self, server: &TestServer, app: &App, scope: &str, kid: &str) -> String {
        let token = NewAccessToken {
            subject: &SUBJECT,
            client: "https://app.example/client.json",
            scope,
            thumbprint: &thumbprint(app),
            now: SystemClock.now(),
            lifetime: 300,
            id: chance::bytes(),
        };
        let terms = Terms::new(&self.url, &server.did);
        OwnAccessTokens::mint(&self.key, kid, &terms, &token).expect("a token")
    }

    /// From now on it says this of every token.
    pub fn answer(&self, status: u16, text: impl Into<String>) {
        self.lock().answer = (status, text.into());
    }

    /// It says that every token is an active one of this app.
    pub fn active(&self, app: &App, scope: &str) -> Value {
        let answer = json!({
            "active": true,
            "sub": SUBJECT.as_str(),
            "scope": scope,
            "exp": SystemClock.now().as_second() + 300,
            "cnf": { "jkt": thumbprint(app) },
        });
        self.answer(200, answer.to_string());
        answer
    }

    /// What it was asked.
    pub fn questions(&self) -> Vec<Question> {
        self.lock().questions.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Asked> {
        self.state.lock().expect("nobody panics while it is held")
    }
}

fn thumbprint(app: &App) -> String {
    Jwk::new(*app.key.public().multikey()).thumbprint()
}

async fn published(State(state): State<Arc<Mutex<Asked>>>) -> Json<Value> {
    Json(state.lock().expect("nobody panics here").keys.clone())
}

async fn introspect(
    State(state): State<Arc<Mutex<Asked>>>,
    headers: HeaderMap,
    form: String,
) -> (StatusCode, String) {
    let mut state = state.lock().expect("nobody panics here");
    let authorization = headers["authorization"].to_str().expect("text").to_owned();
    state.questions.push(Question {
        authorization,
        form,
    });
    let (status, text) = &state.answer;
    let status = StatusCode::from_u16(*status).expect("a status");
    (status, text.clone())
}
