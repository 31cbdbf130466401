//! A small world: a clock that stands, two issuers, and a directory that knows them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use loggia_auth::service_auth::{Audiences, Expected, Limits, Mint, Verified, mint};
use loggia_auth::{MemoryReplayStore, ServiceAuth, ServiceAuthError, SigningKey};
use loggia_identity::{DidDocument, ResolveDid, ResolveError, ResolveErrorKind};
use loggia_syntax::{Did, Nsid};
use serde_json::Value;

pub const ALICE: Did = Did::from_static("did:web:alice.example");
pub const HOST: &str = "did:web:host.example#loggia";
pub const METHOD: Nsid = Nsid::from_static("com.example.doThings");

/// The time at which all tests happen.
pub fn now() -> Timestamp {
    Timestamp::from_second(1_738_368_002).expect("a time of this century")
}

pub fn k256(seed: u8) -> SigningKey {
    SigningKey::k256([seed; 32]).expect("a secret key")
}

/// Documents by DID; what `refresh` gives may differ from what is known.
#[derive(Default)]
pub struct Directory {
    known: Mutex<HashMap<Did, Arc<DidDocument>>>,
    fresh: Mutex<HashMap<Did, Arc<DidDocument>>>,
    pub asked: AtomicUsize,
    pub refreshed: AtomicUsize,
}

impl Directory {
    pub fn of(did: &Did, key: &SigningKey) -> Arc<Self> {
        let directory = Arc::new(Self::default());
        directory
            .know(DidDocument::new(did.clone()).with_key("#atproto", *key.public().multikey()));
        directory
    }

    pub fn know(&self, document: DidDocument) {
        let did = document.id().clone();
        self.known
            .lock()
            .expect("no panic with it")
            .insert(did, Arc::new(document));
    }

    /// What the directory has now, which nobody has seen yet.
    pub fn change(&self, document: DidDocument) {
        let did = document.id().clone();
        self.fresh
            .lock()
            .expect("no panic with it")
            .insert(did, Arc::new(document));
    }

    pub fn counts(&self) -> (usize, usize) {
        (
            self.asked.load(Ordering::SeqCst),
            self.refreshed.load(Ordering::SeqCst),
        )
    }
}

impl ResolveDid for Directory {
    async fn resolve(&self, did: &Did, _: Timestamp) -> Result<Arc<DidDocument>, ResolveError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let known = self
            .known
            .lock()
            .expect("no panic with it")
            .get(did)
            .cloned();
        let kind = ResolveErrorKind::NotFound(404);
        known.ok_or(ResolveError {
            did: did.clone(),
            kind,
        })
    }

    async fn refresh(
        &self,
        did: &Did,
        _: Timestamp,
    ) -> Result<Option<Arc<DidDocument>>, ResolveError> {
        self.refreshed.fetch_add(1, Ordering::SeqCst);
        Ok(self
            .fresh
            .lock()
            .expect("no panic with it")
            .get(did)
            .cloned())
    }
}

pub fn verifier(directory: &Arc<Directory>) -> ServiceAuth<Arc<Directory>, MemoryReplayStore> {
    ServiceAuth::new(Arc::clone(directory), MemoryReplayStore::default())
}

/// A token as it should be, from Alice to the host.
pub fn token(key: &SigningKey) -> String {
    let (issuer, method) = (ALICE, METHOD);
    let wanted = Mint {
        issuer: &issuer,
        audience: HOST,
        method: &method,
        now: now(),
        lifetime: 60,
        id: [7; 16],
    };
    mint(key, &wanted).expect("a token")
}

pub async fn verify(
    verifier: &ServiceAuth<Arc<Directory>, MemoryReplayStore>,
    token: &str,
) -> Result<Verified, ServiceAuthError> {
    verify_at(verifier, token, now()).await
}

pub async fn verify_at(
    verifier: &ServiceAuth<Arc<Directory>, MemoryReplayStore>,
    token: &str,
    now: Timestamp,
) -> Result<Verified, ServiceAuthError> {
    let audiences = [HOST.to_owned()];
    let method = METHOD;
    let expected = Expected {
        audiences: Audiences::OneOf(&audiences),
        method: &method,
        now,
        limits: Limits::default(),
    };
    verifier.verify(token, &expected).await
}

/// A token with any header and claims, signed properly.
pub fn forge(key: &SigningKey, header: &str, claims: &str) -> String {
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let signature = key.sign(signed.as_bytes()).expect("a signature");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The claims of [`token`], to be changed.
pub fn claims() -> Value {
    let now = now().as_second();
    serde_json::json!({
        "iss": ALICE, "aud": HOST, "lxm": METHOD, "iat": now, "exp": now + 60, "jti": "one",
    })
}
