//! Service auth from an account whose document is in the cache.

use std::sync::Arc;

use jiff::Timestamp;
use loggia_auth::service_auth::{Audiences, Expected, Limits, Mint, mint};
use loggia_auth::{MemoryReplayStore, ServiceAuth};
use loggia_identity::{CacheSettings, CachedResolver, DidDocument, ResolveDid, ResolveError};
use loggia_syntax::{Did, Nsid};
use tokio::runtime::Runtime;

use super::bare::{Signed, k256};
use super::{Ids, NOW};

const ACCOUNT: Did = Did::from_static("did:plc:ewvi7nxzyoun6zhxrhs64oiz");
const METHOD: Nsid = Nsid::from_static("place.stream.server.createWebhook");
const AUDIENCE: &str = "did:web:api.loggia.example#loggia";

pub fn contest(runtime: &Runtime) {
    let (key, ids) = (k256(), Ids::default());
    let document = DidDocument::new(ACCOUNT)
        .with_name("at://alice.example")
        .with_key("#atproto", *key.public().multikey())
        .with_service(
            "#atproto_pds",
            "AtprotoPersonalDataServer",
            "https://pds.example",
        );
    let verifier = ServiceAuth::new(directory(document), MemoryReplayStore::default());
    let token = || {
        let new = Mint {
            issuer: &ACCOUNT,
            audience: AUDIENCE,
            method: &METHOD,
            now: NOW,
            lifetime: 60,
            id: ids.next(),
        };
        mint(&key, &new).expect("a token")
    };
    let audiences = [AUDIENCE.to_owned()];
    let expected = Expected {
        audiences: Audiences::OneOf(&audiences),
        method: &METHOD,
        now: NOW,
        limits: Limits::default(),
    };
    let bare = || vec![Signed::like(&key, &token())];
    let title = "service auth (K-256), document cached";
    super::contest(runtime, title, bare, token, async |token| {
        let caller = verifier.verify(token, &expected).await;
        assert_eq!(*caller.expect("it is genuine").issuer(), ACCOUNT);
    });
}

/// A cache of documents, around a directory of one.
pub fn directory(document: DidDocument) -> CachedResolver<One> {
    CachedResolver::new(One(Arc::new(document)), CacheSettings::default())
}

/// A directory that always answers with the same document.
#[derive(Debug)]
pub struct One(Arc<DidDocument>);

impl ResolveDid for One {
    async fn resolve(&self, _: &Did, _: Timestamp) -> Result<Arc<DidDocument>, ResolveError> {
        Ok(Arc::clone(&self.0))
    }

    async fn refresh(
        &self,
        did: &Did,
        now: Timestamp,
    ) -> Result<Option<Arc<DidDocument>>, ResolveError> {
        self.resolve(did, now).await.map(Some)
    }
}
