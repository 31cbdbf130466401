//! A small world: a clock that stands, two issuers, and a directory that knows them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use loggia_auth::service_auth::{Audiences, Expected, Limits, Mint, Verified, mint};
use loggia_auth::{
    MemoryReplayStore, PublicKey, Refusal, ServiceAuth, ServiceAuthError, SigningKey,
};
use loggia_identity::{
    DidDocument, Fetch, FetchError, Fetched, ResolveDid, ResolveError, ResolveErrorKind,
};
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

/// The P-256 keys of fixed secrets, whose public halves the engine cannot compute.
fn p256(secret: u8, did_key: &str) -> SigningKey {
    let public = PublicKey::from_did_key(did_key).expect("a key");
    SigningKey::p256([secret; 32], public.multikey()).expect("a pair")
}

/// A space's authority.
pub fn authority_key() -> SigningKey {
    p256(
        0x22,
        "did:key:zDnaex62me84JZnkEzmeYRa8FCLNe7y1asoSwBMK26GBYpL7c",
    )
}

/// Whoever holds a token.
pub fn holder() -> SigningKey {
    p256(
        0x33,
        "did:key:zDnaeoA2SUkGYYDAVZBKgd4xWMGadgX2U29YPw8iEvCuELmfi",
    )
}

/// Whoever does not.
pub fn stranger() -> SigningKey {
    p256(
        0x44,
        "did:key:zDnaeWa2Nsx8xsu5Qb8K5eSBXHkBvmauc1pgwZ5mjP92wFr5J",
    )
}

/// Status and name of a refusal; 200 for none.
pub fn outcome<T>(result: &Result<T, impl Refusal>) -> (u16, &'static str) {
    match result {
        Ok(_) => (200, "accepted"),
        Err(error) => {
            assert_eq!(
                error.status() == 401,
                error.challenge().is_some(),
                "a 401 has a challenge: {error}"
            );
            (error.status(), error.name())
        }
    }
}

/// The error name alone.
pub fn name<T>(result: &Result<T, impl Refusal>) -> &'static str {
    outcome(result).1
}

/// Waits for what never sleeps.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(future)
}

/// A web of documents that can change.
#[derive(Default)]
pub struct Web {
    pages: Mutex<HashMap<String, (u16, String)>>,
    pub fetched: AtomicUsize,
}

impl Web {
    pub fn with(url: &str, body: impl Into<String>) -> Arc<Self> {
        let web = Arc::new(Self::default());
        web.put(url, 200, body);
        web
    }

    pub fn put(&self, url: &str, status: u16, body: impl Into<String>) {
        let mut pages = self.pages.lock().expect("no panic with it");
        pages.insert(url.into(), (status, body.into()));
    }

    pub fn count(&self) -> usize {
        self.fetched.load(Ordering::SeqCst)
    }
}

/// What a test gives to whoever fetches.
#[derive(Clone)]
pub struct Browser(pub Arc<Web>);

impl Fetch for Browser {
    async fn get(&self, url: &str, limit: usize) -> Result<Fetched, FetchError> {
        self.0.fetched.fetch_add(1, Ordering::SeqCst);
        // Others get a chance to ask for the same while this is under way.
        tokio::task::yield_now().await;
        let pages = self.0.pages.lock().expect("no panic with it");
        let Some((status, body)) = pages.get(url) else {
            return Err(FetchError::Failed("no such host".into()));
        };
        if body.len() > limit {
            return Err(FetchError::TooLarge { limit });
        }
        Ok(Fetched {
            status: *status,
            body: body.clone().into_bytes(),
        })
    }
}
