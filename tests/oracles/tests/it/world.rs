//! Who is who, and tokens of any contents.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use loggia_auth::SigningKey;
use loggia_identity::{DidDocument, ResolveDid, ResolveError, ResolveErrorKind};
use loggia_syntax::{Did, SpaceRef};
use proptest::prelude::*;
use serde_json::Value;

pub const AUTHORITY: Did = Did::from_static("did:web:space.example");
pub const ALICE: Did = Did::from_static("did:web:alice.example");
pub const MALLORY: Did = Did::from_static("did:web:mallory.example");
pub const SPACE: SpaceRef =
    SpaceRef::from_static("at://did:web:space.example/space/app.example.group/test");

/// The time at which all tests happen.
pub fn now() -> Timestamp {
    Timestamp::from_second(1_738_368_002).expect("a time of this century")
}

/// The key of this account; a stranger has none.
pub fn key_of(did: &str) -> Option<SigningKey> {
    let secret = match did {
        it if *it == *AUTHORITY.as_str() => 1,
        it if *it == *ALICE.as_str() => 2,
        it if *it == *MALLORY.as_str() => 3,
        _ => return None,
    };
    Some(SigningKey::k256([secret; 32]).expect("a secret key"))
}

/// The documents of those accounts, with one key for everything.
#[derive(Clone, Copy, Debug)]
pub struct Directory;

impl ResolveDid for Directory {
    async fn resolve(&self, did: &Did, _: Timestamp) -> Result<Arc<DidDocument>, ResolveError> {
        let key = key_of(did.as_str()).ok_or_else(|| ResolveError {
            did: did.clone(),
            kind: ResolveErrorKind::NotFound(404),
        })?;
        let key = *key.public().multikey();
        let document = DidDocument::new(did.clone())
            .with_key("#atproto", key)
            .with_key("#atproto_space", key);
        Ok(Arc::new(document))
    }

    async fn refresh(
        &self,
        _: &Did,
        _: Timestamp,
    ) -> Result<Option<Arc<DidDocument>>, ResolveError> {
        Ok(None)
    }
}

/// A token with this header and these claims, signed as it should be.
pub fn forge(key: &SigningKey, header: &Value, claims: &Value) -> String {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let signed = format!("{}.{}", encode(header), encode(claims));
    let signature = key.sign(signed.as_bytes()).expect("a signature");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Objects of which half are good, and half have one member that is another.
pub fn changed(good: Value, changes: Vec<(&'static str, Value)>) -> impl Strategy<Value = Value> {
    let one = prop::sample::select(changes);
    prop_oneof![
        Just(good.clone()),
        one.prop_map(move |(member, value)| {
            let mut changed = good.clone();
            changed[member] = value;
            changed
        }),
    ]
}

/// The token with one of its characters changed, or as it is if it has no such place.
pub fn spoil(mut token: String, place: Option<usize>) -> String {
    if let Some(place) = place.filter(|place| *place < token.len()) {
        let other = if token.as_bytes()[place] == b'A' {
            "B"
        } else {
            "A"
        };
        token.replace_range(place..=place, other);
    }
    token
}

/// Where to spoil a token, if at all.
pub fn places() -> impl Strategy<Value = Option<usize>> {
    prop::option::weighted(0.3, 0_usize..600)
}

/// Runs what waits for nothing.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(future)
}
