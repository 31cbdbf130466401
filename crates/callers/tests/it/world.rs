//! A small world: a clock that stands, an author, and a directory that knows their key.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, Response};
use jiff::Timestamp;
use loggia_auth::access_token::{OwnAccessTokens, Terms};
use loggia_auth::dpop::PublicUrl;
use loggia_auth::service_auth::{Mint, mint};
use loggia_auth::space_credential::{NothingRevoked, Profiles};
use loggia_auth::{
    AccessTokens, DpopAccess, JwkSet, MemoryReplayStore, Nonces, SigningKey, SpaceCredentials,
};
use loggia_callers::Callers;
use loggia_identity::{DidDocument, Multikey, ResolveDid, ResolveError, ResolveErrorKind};
use loggia_syntax::{Did, Nsid};
use tower::ServiceExt as _;

pub const AUTHOR: Did = Did::from_static("did:web:author.example");
/// The authority of a space.
pub const CLUB: Did = Did::from_static("did:web:club.example");
/// Where the hub is reached, whatever the `Host` header says.
pub const URL: &str = "https://hub.example";
pub const HUB: &str = "did:web:hub.example#loggia";

/// The time at which all tests happen.
pub fn now() -> Timestamp {
    Timestamp::from_second(1_738_368_002).expect("a time of this century")
}

pub fn key() -> SigningKey {
    SigningKey::k256([7; 32]).expect("a secret key")
}

struct Directory(HashMap<Did, Arc<DidDocument>>);

impl ResolveDid for Directory {
    async fn resolve(&self, did: &Did, _: Timestamp) -> Result<Arc<DidDocument>, ResolveError> {
        self.0.get(did).cloned().ok_or_else(|| ResolveError {
            did: did.clone(),
            kind: ResolveErrorKind::NotFound(404),
        })
    }

    async fn refresh(
        &self,
        _: &Did,
        _: Timestamp,
    ) -> Result<Option<Arc<DidDocument>>, ResolveError> {
        Ok(None)
    }
}

fn directory() -> Directory {
    let key = *key().public().multikey();
    let author = DidDocument::new(AUTHOR).with_key("#atproto", key);
    let club = DidDocument::new(CLUB)
        .with_key("#atproto_space", key)
        .with_key("#atproto", key);
    Directory(HashMap::from([
        (AUTHOR, Arc::new(author)),
        (CLUB, Arc::new(club)),
    ]))
}

fn used() -> MemoryReplayStore {
    MemoryReplayStore::default()
}

/// The rules for access tokens, which the hub issues for itself.
pub fn terms() -> Terms {
    Terms::new(URL, HUB)
}

/// The key of an app, and of whoever holds a credential.
pub fn app_key() -> SigningKey {
    let secret = [0x33; 32];
    let public =
        Multikey::from_did_key("did:key:zDnaeoA2SUkGYYDAVZBKgd4xWMGadgX2U29YPw8iEvCuELmfi");
    SigningKey::p256(secret, &public.expect("a did:key")).expect("a secret key")
}

pub fn nonces() -> Nonces {
    Nonces::new(&[9; 32])
}

/// Who answers for [`HUB`], knows [`AUTHOR`] and [`CLUB`], and takes credentials of every kind.
pub fn callers() -> Callers {
    let keys = JwkSet::of([("hub".to_owned(), key().public().clone())]);
    let tokens = AccessTokens::new().with(OwnAccessTokens::new(terms(), keys));
    let access = DpopAccess::new(tokens, used(), nonces());
    let profiles = Profiles {
        october: true,
        august: true,
    };
    let credentials = SpaceCredentials::new(directory(), NothingRevoked, used(), profiles);
    let url = || PublicUrl::new(URL).expect("a URL");
    Callers::builder([HUB.to_owned()], directory(), used())
        .access_tokens(access, url())
        .space_credentials(credentials, url())
        .admins([AUTHOR])
        .clock(now)
        .build()
}

/// The same without administrators, access tokens or credentials.
pub fn without_admins() -> Callers {
    Callers::builder([HUB.to_owned()], directory(), used())
        .clock(now)
        .build()
}

/// A token of the author's. `id` makes it the only one of its kind.
pub fn token(audience: &str, method: &'static str, id: u8) -> String {
    token_of(&AUTHOR, audience, method, id)
}

/// A token of this issuer's.
pub fn token_of(issuer: &Did, audience: &str, method: &'static str, id: u8) -> String {
    let token = Mint {
        issuer,
        audience,
        method: &Nsid::from_static(method),
        now: now(),
        lifetime: 60,
        id: [id; 16],
    };
    mint(&key(), &token).expect("a token")
}

/// A procedure call.
pub fn post(method: &str, body: &str) -> Request<Body> {
    Request::post(format!("/xrpc/{method}"))
        .header("content-type", "application/json")
        .body(Body::from(body.to_owned()))
        .expect("a request")
}

/// A query.
pub fn get(path: &str) -> Request<Body> {
    Request::get(format!("/xrpc/{path}"))
        .body(Body::empty())
        .expect("a request")
}

/// The same call with this header as well.
pub fn with(mut request: Request<Body>, name: &'static str, value: &str) -> Request<Body> {
    let value = value.parse().expect("header text");
    request.headers_mut().append(name, value);
    request
}

/// The same call with this `Authorization`.
pub fn authorized(request: Request<Body>, authorization: &str) -> Request<Body> {
    with(request, "authorization", authorization)
}

/// Status, headers and body of the answer.
pub async fn answer(router: &Router, request: Request<Body>) -> (u16, HeaderMap, String) {
    let response: Response<Body> = router.clone().oneshot(request).await.expect("infallible");
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 64 * 1024).await.expect("a short body");
    let body = String::from_utf8(body.into()).expect("text");
    (parts.status.as_u16(), parts.headers, body)
}

/// Status and error name of the answer.
pub async fn refusal(router: &Router, request: Request<Body>) -> (u16, String) {
    let (status, _, body) = answer(router, request).await;
    let body: serde_json::Value = serde_json::from_str(&body).expect("an envelope");
    let error = body["error"].as_str().unwrap_or_default().to_owned();
    (status, error)
}
