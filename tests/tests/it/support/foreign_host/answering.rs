//! What the host answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{Path, Query, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use loggia_auth::space_credential::{KeyBinding, NewCredential, mint};
use loggia_auth::{PublicKey, SigningKey};
use loggia_delivery::{Clock, SystemClock};
use loggia_identity::DidDocument;
use loggia_server::chance;
use loggia_space::SignedCommit;
use loggia_syntax::{Did, SpaceRef};
use serde_json::{Value, json};

use super::{Lie, State};

/// Operations of a page, whatever is asked for.
const PAGE: usize = 2;

#[derive(Clone)]
pub struct Served {
    pub space: SpaceRef,
    pub authority: Did,
    pub key: Arc<SigningKey>,
    pub port: u16,
    pub state: Arc<Mutex<State>>,
}

type Params = Query<BTreeMap<String, String>>;

pub fn router(served: Served) -> Router {
    Router::new()
        .route("/.well-known/did.json", get(document))
        .route("/xrpc/{method}", get(query).post(procedure))
        .with_state(served)
}

async fn document(Shared(served): Shared<Served>, headers: HeaderMap) -> Response {
    let host = headers["host"].to_str().expect("text");
    let did = format!("did:web:{}", host.replace(':', "%3A"));
    let did = Did::new(did).expect("a DID");
    let state = served.state.lock().expect("nobody panics here");
    let key = match state.authors.get(did.as_str()) {
        Some(author) => *author.key.public().multikey(),
        None if did == served.authority => *served.key.public().multikey(),
        None => return StatusCode::NOT_FOUND.into_response(),
    };
    let here = || format!("http://localhost:{}", served.port);
    let is_author = state.authors.contains_key(did.as_str());
    let authors_at = state.authors_at.clone().filter(|_| is_author);
    let url = authors_at.or(state.moved_to.clone()).unwrap_or_else(here);
    let document = DidDocument::new(did)
        .with_key("#atproto", key)
        .with_service("#atproto_pds", "AtprotoPersonalDataServer", url);
    Json(document.to_json()).into_response()
}

async fn procedure(
    Shared(served): Shared<Served>,
    Path(method): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let input: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(input["space"], served.space.as_str());
    let mut state = served.state.lock().expect("nobody panics here");
    state.calls.push(method.clone());
    let name = method
        .strip_prefix("com.atproto.space.")
        .expect("of spaces");
    if name == "getSpaceCredential" {
        return match state.refuses {
            Some(error) => refusal(400, error),
            None => {
                let credential = served.credential(&headers);
                state.given.push(credential.clone());
                Json(json!({ "credential": credential })).into_response()
            }
        };
    }
    if let Some(refused) = served.refuses(&state, &headers, served.authority.as_str()) {
        return refused;
    }
    let service = input["service"].as_str().expect("a service").to_owned();
    match name {
        "registerNotify" => {
            state.registered.insert(service);
            Json(json!({ "expiresAt": "2099-01-01T00:00:00Z" })).into_response()
        }
        "unregisterNotify" => {
            state.registered.remove(&service);
            StatusCode::OK.into_response()
        }
        other => panic!("{other} is called"),
    }
}

async fn query(
    Shared(served): Shared<Served>,
    Path(method): Path<String>,
    Query(params): Params,
    headers: HeaderMap,
) -> Response {
    assert_eq!(params["space"], served.space.as_str());
    let mut state = served.state.lock().expect("nobody panics here");
    let name = method
        .strip_prefix("com.atproto.space.")
        .expect("of spaces");
    let audience = params
        .get("repo")
        .map_or(served.authority.as_str(), |repo| repo);
    state.calls.push(format!("{name} {audience}"));
    if let Some(refused) = served.refuses(&state, &headers, audience) {
        return refused;
    }
    match name {
        "listRepos" => {
            let after = params.get("cursor").cloned().unwrap_or_default();
            let repos = state.list.iter();
            let repos = repos.filter(|one| one["spaceRev"].as_str() > Some(after.as_str()));
            let repos: Vec<_> = repos.take(PAGE).cloned().collect();
            let cursor = repos.last().map(|last| last["spaceRev"].clone());
            let mut output = json!({ "repos": repos });
            if let Some(cursor) = cursor {
                output["cursor"] = cursor;
            }
            Json(output).into_response()
        }
        "listRepoOps" => Json(operations(&state, &params)).into_response(),
        "getRepo" => {
            assert_eq!(params["excludeValues"], "true");
            let file = state.authors[&params["repo"]].file();
            ([("content-type", "application/vnd.ipld.car")], file).into_response()
        }
        other => panic!("{other} is called"),
    }
}

fn operations(state: &State, params: &BTreeMap<String, String>) -> Value {
    assert_eq!(params["excludeValues"], "true");
    let author = &state.authors[&params["repo"]];
    let all = author.operations(params.get("since").map(String::as_str));
    let from = params
        .get("cursor")
        .map_or(0, |cursor| cursor.parse().expect("a number"));
    if author.lie == Some(Lie::Endless) && !all.is_empty() {
        return json!({ "ops": &all[..1], "cursor": "0" });
    }
    let end = all.len().min(from + PAGE);
    let mut output = json!({ "ops": &all[from..end] });
    match end == all.len() {
        true => output["commit"] = shown(&author.commit()),
        false => output["cursor"] = json!(end.to_string()),
    }
    output
}

impl Served {
    /// A credential for whoever holds the key that the signature names.
    fn credential(&self, headers: &HeaderMap) -> String {
        let authorization = headers["authorization"].to_str().expect("text");
        assert!(authorization.starts_with("Bearer "), "{authorization}");
        let input = headers["signature-input"].to_str().expect("text");
        let key = input.split('"').find(|part| part.starts_with("did:key:"));
        let key = PublicKey::from_did_key(key.expect("a key")).expect("a key");
        let new = NewCredential {
            space: &self.space,
            binding: &KeyBinding::HttpSignature(key),
            fragment: "#atproto",
            now: SystemClock.now(),
            lifetime: 600,
            id: chance::bytes(),
        };
        mint(&self.key, &new).expect("a credential")
    }

    /// Why the request is not answered, if it is not.
    fn refuses(&self, state: &State, headers: &HeaderMap, audience: &str) -> Option<Response> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let credential =
            header("authorization").and_then(|text| text.strip_prefix("Atproto-Space "));
        let credential = credential.expect("a credential");
        assert_eq!(header("atproto-space-audience"), Some(audience));
        assert!(header("signature").is_some());
        state
            .revoked
            .contains(credential)
            .then(|| refusal(401, "CredentialRevoked"))
    }
}

fn refusal(status: u16, error: &str) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    (status, Json(json!({ "error": error, "message": "no" }))).into_response()
}

fn shown(commit: &SignedCommit) -> Value {
    let bytes = |bytes: &[u8]| {
        let bytes = loggia_syntax::data::Bytes::from(bytes);
        json!({ "$bytes": bytes.to_base64() })
    };
    json!({
        "ver": 1,
        "hash": bytes(&commit.hash),
        "ikm": bytes(&commit.ikm),
        "mac": bytes(&commit.mac),
        "sig": bytes(&commit.sig),
        "rev": commit.rev,
    })
}
