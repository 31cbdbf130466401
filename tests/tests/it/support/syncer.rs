//! A service that is told of spaces by the protocol's methods: it has a DID, a document that says where
//! it is, and checks every token that it gets without any code of the server's but the curve.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use loggia_auth::PublicKey;
use loggia_auth::key::LowS;
use loggia_delivery::{Clock as _, SystemClock};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::{Account, Arrival};

/// Longer than the longest gap before a second retry, so that only what never comes fails.
const PATIENCE: Duration = Duration::from_secs(75);

/// The service.
pub struct Syncer {
    /// `did:web:localhost%3APORT`
    pub did: String,
    /// Its name with the entry of its document.
    pub service: String,
    arrived: mpsc::UnboundedReceiver<Arrival>,
    shared: Shared,
}

#[derive(Clone)]
struct Shared {
    document: Arc<Value>,
    statuses: Arc<Mutex<VecDeque<u16>>>,
    sender: mpsc::UnboundedSender<Arrival>,
}

impl Syncer {
    /// Answers 200 to everything.
    pub async fn start() -> Self {
        Self::answering(&[]).await
    }

    /// Answers these statuses first.
    pub async fn answering(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let did = format!("did:web:localhost%3A{port}");
        let url = format!("http://localhost:{port}");
        let entry =
            |id: &str, kind: &str| json!({ "id": id, "type": kind, "serviceEndpoint": url });
        let document = json!({
            "id": did,
            "service": [
                entry("#atproto_pds", "AtprotoPersonalDataServer"),
                entry("#atproto_space_syncer", "AtprotoSpaceSyncer"),
            ],
        });
        let (sender, arrived) = mpsc::unbounded_channel();
        let shared = Shared {
            document: Arc::new(document),
            statuses: Arc::new(Mutex::new(statuses.iter().copied().collect())),
            sender,
        };
        let router = Router::new().fallback(take).with_state(shared.clone());
        tokio::spawn(async { axum::serve(listener, router).await.expect("it serves") });
        Self {
            service: format!("{did}#atproto_space_syncer"),
            did,
            arrived,
            shared,
        }
    }

    /// Answers these statuses next.
    pub fn answer(&self, statuses: &[u16]) {
        let mut next = self.shared.statuses.lock().expect("nobody panics here");
        next.extend(statuses);
    }

    /// The next call, waited for.
    pub async fn next(&mut self) -> Arrival {
        let arrival = tokio::time::timeout(PATIENCE, self.arrived.recv()).await;
        arrival.expect("a call comes in time").expect("it serves")
    }

    /// The input of the next call, which must be of this method, by this account, and for this service.
    pub async fn told(&mut self, method: &str, issuer: &Account<'_>, audience: &str) -> Value {
        let arrival = self.next().await;
        is_called(&arrival, method, issuer, audience);
        serde_json::from_slice(&arrival.body).expect("JSON")
    }

    /// Holds that nothing arrived which was not looked at.
    #[track_caller]
    pub fn has_no_more(&mut self) {
        let more = self.arrived.try_recv().ok();
        assert!(more.is_none(), "one call too many: {more:?}");
    }
}

async fn take(
    State(shared): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if uri.path() == "/.well-known/did.json" {
        return axum::Json(&*shared.document).into_response();
    }
    let status = shared
        .statuses
        .lock()
        .expect("nobody panics here")
        .pop_front()
        .unwrap_or(200);
    let arrival = Arrival {
        method,
        path: uri.path().to_owned(),
        headers,
        body,
    };
    // The test may have ended, which is no concern of the sender's.
    shared.sender.send(arrival).unwrap_or_default();
    StatusCode::from_u16(status)
        .expect("a status")
        .into_response()
}

/// Holds that this is a call of a method, in the name of an account and for a service.
#[track_caller]
pub fn is_called(arrival: &Arrival, method: &str, issuer: &Account<'_>, audience: &str) {
    assert_eq!(arrival.method, Method::POST);
    assert_eq!(arrival.path, format!("/xrpc/{method}"));
    assert_eq!(arrival.header("content-type"), "application/json");
    let token = arrival.header("authorization").strip_prefix("Bearer ");
    let claims = claims_of(token.expect("a bearer"), issuer.key.public());
    assert_eq!(claims["iss"], issuer.did.as_str());
    assert_eq!(claims["aud"], audience);
    assert_eq!(claims["lxm"], method);
    let (issued, expires) = (claims["iat"].as_i64(), claims["exp"].as_i64());
    let (issued, expires) = (issued.expect("a time"), expires.expect("a time"));
    let now = SystemClock.now().as_second();
    assert!((1..=60).contains(&(expires - issued)), "{claims}");
    assert!((now - 60..=now + 1).contains(&issued), "{claims}");
    assert!(
        claims["jti"].as_str().is_some_and(|id| id.len() >= 16),
        "{claims}"
    );
}

/// The claims of a token that this key has signed.
#[track_caller]
fn claims_of(token: &str, key: &PublicKey) -> Value {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        panic!("not three parts: {token}");
    };
    let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url");
    let read = |part: &str| -> Value { serde_json::from_slice(&decode(part)).expect("JSON") };
    let header = read(header);
    assert_eq!(
        (&header["alg"], &header["typ"]),
        (&json!("ES256K"), &json!("JWT"))
    );
    let signed = token.rsplit_once('.').expect("three parts").0;
    let verified = key.verify(signed.as_bytes(), &decode(signature), LowS::Required);
    verified.expect("the account has signed");
    read(claims)
}
