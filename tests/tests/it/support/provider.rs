//! A PDS with its authorization server that does what a test tells it to, wrong things included. Its
//! one account is its own `did:web`.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Form, Json};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::repository;

/// The only nonce that it takes.
const NONCE: &str = "the-nonce";

/// A form that came, by field.
pub type Fields = HashMap<String, String>;

/// The running server.
#[derive(Clone)]
pub struct Provider {
    /// Its origin, which is issuer and PDS in one.
    pub origin: String,
    /// Its account.
    pub did: String,
    state: Arc<Mutex<Behaviour>>,
}

/// What it says, and what it was told.
pub struct Behaviour {
    /// Members of the authorization server's description that are other than usual; `null` is absent.
    pub metadata: Value,
    /// What the PAR endpoint answers.
    pub par: (u16, Value),
    /// What the token endpoint answers; members other than usual if the status is 200.
    pub token: (u16, Value),
    /// Status of the revocation endpoint.
    pub revoke: u16,
    /// Whether each nonce is refused, the one just given included.
    pub never_content: bool,
    /// The webhook records of its account by key, if it keeps any.
    pub records: Option<BTreeMap<String, Value>>,
    /// Access tokens that the PDS does not take any more.
    pub spent: Vec<String>,
    /// Forms that came to `par`, `token` and `revoke`.
    pub forms: Vec<(&'static str, Fields)>,
    /// Requests of any kind that came with a proof.
    pub proofs: Vec<String>,
    given: u32,
}

impl Provider {
    /// Starts one.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let provider = Self {
            origin: format!("http://localhost:{port}"),
            did: format!("did:web:localhost%3A{port}"),
            state: Arc::new(Mutex::new(Behaviour {
                metadata: json!({}),
                par: (
                    201,
                    json!({ "request_uri": "urn:request:1", "expires_in": 60 }),
                ),
                token: (200, json!({})),
                revoke: 200,
                never_content: false,
                records: None,
                spent: Vec::new(),
                forms: Vec::new(),
                proofs: Vec::new(),
                given: 0,
            })),
        };
        let routes = Router::new()
            .route("/.well-known/did.json", get(document))
            .route("/.well-known/oauth-protected-resource", get(resource))
            .route("/.well-known/oauth-authorization-server", get(description))
            .route("/oauth/par", post(par))
            .route("/oauth/token", post(token))
            .route("/oauth/revoke", post(revoke))
            .route("/xrpc/{nsid}", get(call).post(write))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        provider
    }

    /// What it does and what it saw.
    pub fn now(&self) -> MutexGuard<'_, Behaviour> {
        self.state.lock().expect("no test panics while it holds it")
    }

    /// The forms that came to one endpoint.
    pub fn forms(&self, endpoint: &str) -> Vec<Fields> {
        let now = self.now();
        let forms = now.forms.iter().filter(|(name, _)| *name == endpoint);
        forms.map(|(_, fields)| fields.clone()).collect()
    }
}

async fn document(State(provider): State<Provider>) -> Json<Value> {
    Json(json!({
        "id": provider.did,
        "service": [{
            "id": "#atproto_pds",
            "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": provider.origin,
        }],
    }))
}

async fn resource(State(provider): State<Provider>) -> Json<Value> {
    Json(json!({
        "resource": provider.origin,
        "authorization_servers": [provider.origin],
    }))
}

async fn description(State(provider): State<Provider>) -> Json<Value> {
    let origin = &provider.origin;
    let mut description = json!({
        "issuer": origin,
        "authorization_endpoint": format!("{origin}/oauth/authorize"),
        "token_endpoint": format!("{origin}/oauth/token"),
        "pushed_authorization_request_endpoint": format!("{origin}/oauth/par"),
        "revocation_endpoint": format!("{origin}/oauth/revoke"),
        "authorization_response_iss_parameter_supported": true,
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "dpop_signing_alg_values_supported": ["ES256"],
        "scopes_supported": ["atproto"],
        "client_id_metadata_document_supported": true,
    });
    merge(&mut description, &provider.now().metadata);
    Json(description)
}

async fn par(State(provider): State<Provider>, headers: HeaderMap, form: Form<Fields>) -> Response {
    provider.asked("par", &headers, form.0, |now| now.par.clone())
}

async fn token(
    State(provider): State<Provider>,
    headers: HeaderMap,
    form: Form<Fields>,
) -> Response {
    let did = provider.did.clone();
    provider.asked("token", &headers, form.0, move |now| {
        let (status, change) = now.token.clone();
        if status != 200 {
            return (status, change);
        }
        now.given += 1;
        let mut tokens = json!({
            "access_token": format!("access-{}", now.given),
            "refresh_token": format!("refresh-{}", now.given),
            "token_type": "DPoP",
            "expires_in": 3600,
            "scope": "atproto repo:place.wisp.v2.wh",
            "sub": did,
        });
        merge(&mut tokens, &change);
        (200, tokens)
    })
}

async fn revoke(
    State(provider): State<Provider>,
    headers: HeaderMap,
    form: Form<Fields>,
) -> Response {
    provider.asked("revoke", &headers, form.0, |now| (now.revoke, json!({})))
}

/// Any query of the PDS: tells the token that it was called with. If it keeps records, it shows them to
/// anybody.
async fn call(
    State(provider): State<Provider>,
    Path(nsid): Path<String>,
    Query(params): Query<Fields>,
    headers: HeaderMap,
) -> Response {
    if let Some(records) = &provider.now().records {
        return repository::read(&provider.did, records, &nsid, &params);
    }
    match provider.called_with(&headers) {
        Ok(token) => {
            let uri = format!("at://{}/place.wisp.v2.wh/{token}", provider.did);
            Json(json!({ "uri": uri, "value": { "token": token } })).into_response()
        }
        Err(refusal) => *refusal,
    }
}

/// A procedure of the PDS: changes the records that it keeps.
async fn write(
    State(provider): State<Provider>,
    Path(nsid): Path<String>,
    headers: HeaderMap,
    Json(input): Json<Value>,
) -> Response {
    if let Err(refusal) = provider.called_with(&headers) {
        return *refusal;
    }
    let mut now = provider.now();
    let records = now.records.get_or_insert_default();
    repository::write(&provider.did, records, &nsid, &input)
}

impl Provider {
    fn asked(
        &self,
        endpoint: &'static str,
        headers: &HeaderMap,
        fields: Fields,
        answer: impl FnOnce(&mut Behaviour) -> (u16, Value),
    ) -> Response {
        if let Some(refusal) = self.wants_nonce(headers, 400) {
            return refusal;
        }
        let mut now = self.now();
        now.forms.push((endpoint, fields));
        let (status, body) = answer(&mut now);
        let status = StatusCode::from_u16(status).expect("a status");
        (status, Json(body)).into_response()
    }

    /// The access token of a call, or what to say to it.
    fn called_with(&self, headers: &HeaderMap) -> Result<String, Box<Response>> {
        if let Some(refusal) = self.wants_nonce(headers, 401) {
            return Err(Box::new(refusal));
        }
        let authorization = headers
            .get("authorization")
            .and_then(|value| value.to_str().ok());
        let token = authorization.and_then(|text| text.strip_prefix("DPoP "));
        let token = token.map(str::to_owned);
        token
            .filter(|token| !self.now().spent.contains(token))
            .ok_or_else(|| {
                let challenge = [("www-authenticate", r#"DPoP error="invalid_token""#)];
                Box::new((StatusCode::UNAUTHORIZED, challenge, "{}").into_response())
            })
    }

    /// Refuses a proof that does not hold the nonce.
    fn wants_nonce(&self, headers: &HeaderMap, status: u16) -> Option<Response> {
        let proof = headers.get("dpop").and_then(|value| value.to_str().ok());
        let proof = proof.unwrap_or_default().to_owned();
        let claims = proof.split('.').nth(1).unwrap_or_default();
        let mut now = self.now();
        now.proofs.push(proof.clone());
        if read(claims)["nonce"] == NONCE && !now.never_content {
            return None;
        }
        let nonce = match now.never_content {
            true => format!("nonce-{}", now.proofs.len()),
            false => NONCE.to_owned(),
        };
        let status = StatusCode::from_u16(status).expect("a status");
        let challenge = [
            ("dpop-nonce", nonce),
            (
                "www-authenticate",
                r#"DPoP error="use_dpop_nonce""#.to_owned(),
            ),
        ];
        let body = json!({ "error": "use_dpop_nonce" });
        Some((status, challenge, Json(body)).into_response())
    }
}

/// A segment of a token, or null.
pub fn read(segment: &str) -> Value {
    use base64::Engine as _;
    let bytes = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(segment);
    serde_json::from_slice(&bytes.unwrap_or_default()).unwrap_or_default()
}

/// Puts the members of `change` over those of `usual`; `null` removes one.
fn merge(usual: &mut Value, change: &Value) {
    let usual = usual.as_object_mut().expect("an object");
    for (name, value) in change.as_object().expect("an object") {
        match value {
            Value::Null => usual.remove(name),
            value => usual.insert(name.clone(), value.clone()),
        };
    }
}
