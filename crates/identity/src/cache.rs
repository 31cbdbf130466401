//! Bounded caches of DID documents and of what names stand for.
//!
//! What is known is used at once; when it has got old it is asked for anew in the background while
//! the old answer goes on being used. Failures are remembered too, for a short time. However many
//! callers want the same at once, it is asked for once.

mod flights;
mod shared;
mod store;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use loggia_syntax::Did;

use crate::{
    DidDocument, Name, NameError, NameErrorKind, ResolveDid, ResolveError, ResolveErrorKind,
    ResolveName,
};
pub use flights::Key as CacheKey;
pub use shared::{Cache, Failure as CacheFailure};

use CacheFailure as Failure;
use CacheKey as Key;

/// How long answers are kept, and how many.
#[derive(Clone, Debug)]
pub struct CacheSettings {
    /// The most DIDs or names remembered; the least recently used half goes first. 10,000 (about
    /// 20 MB of documents, 4 MB of names).
    pub entries: usize,
    /// The most resolutions under way at once; more answer
    /// [`Busy`](ResolveErrorKind::Busy). A quarter is kept for what is not `did:web`, so that silent
    /// hosts cannot keep the directory from being asked. 128.
    pub flights: usize,
    /// The most resolutions of `did:web` at once that one host has to answer, whatever its port. The
    /// last two labels of its name count, because whoever has a name can make any number below it; so
    /// strangers under one public suffix such as `co.uk` share this. Names are not counted by host. 8.
    pub flights_of_a_host: usize,
    /// A resolution that takes longer is given up, so that a transport without a deadline of its own
    /// cannot use up the flights. 30 s.
    pub patience: Duration,
    /// An answer is asked for anew in the background when it is older. 1 h.
    pub fresh: Duration,
    /// An answer is not used any more when it is older. 24 h.
    pub usable: Duration,
    /// What does not exist or is malformed is not asked for again so soon. 60 s.
    pub remember_absence: Duration,
    /// A directory or host that failed is not asked for the same again so soon. 5 s.
    pub remember_failure: Duration,
    /// A document is not [refreshed](ResolveDid::refresh) again so soon. 30 s.
    pub between_refreshes: Duration,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self {
            entries: 10_000,
            flights: 128,
            flights_of_a_host: 8,
            patience: Duration::from_secs(30),
            fresh: Duration::from_secs(60 * 60),
            usable: Duration::from_secs(24 * 60 * 60),
            remember_absence: Duration::from_secs(60),
            remember_failure: Duration::from_secs(5),
            between_refreshes: Duration::from_secs(30),
        }
    }
}

/// A cache of documents around another resolver. Cheap to clone; clones share what they know.
///
/// Fetches run as tasks of the current Tokio runtime, so that a caller who goes away does not take
/// the answer from those who wait for the same DID.
#[derive(Debug)]
pub struct CachedResolver<R> {
    resolver: Arc<R>,
    cache: Cache<Did, Arc<DidDocument>, ResolveError>,
}

/// A cache of names around another resolver; otherwise like [`CachedResolver`].
#[derive(Debug)]
pub struct CachedNames<R> {
    resolver: Arc<R>,
    cache: Cache<Name, Did, NameError>,
}

impl<R> Clone for CachedResolver<R> {
    fn clone(&self) -> Self {
        Self {
            resolver: Arc::clone(&self.resolver),
            cache: self.cache.clone(),
        }
    }
}

impl<R> Clone for CachedNames<R> {
    fn clone(&self) -> Self {
        Self {
            resolver: Arc::clone(&self.resolver),
            cache: self.cache.clone(),
        }
    }
}

impl<R: ResolveDid> CachedResolver<R> {
    /// A cache around `resolver`, empty.
    pub fn new(resolver: R, settings: CacheSettings) -> Self {
        Self {
            resolver: Arc::new(resolver),
            cache: Cache::new(settings),
        }
    }

    fn ask(
        &self,
        did: &Did,
        now: Timestamp,
    ) -> impl Future<Output = Result<Arc<DidDocument>, ResolveError>> + Send + use<R> {
        let (resolver, did) = (Arc::clone(&self.resolver), did.clone());
        async move { resolver.resolve(&did, now).await }
    }
}

impl<R: ResolveName> CachedNames<R> {
    /// A cache around `resolver`, empty.
    pub fn new(resolver: R, settings: CacheSettings) -> Self {
        Self {
            resolver: Arc::new(resolver),
            cache: Cache::new(settings),
        }
    }
}

impl<R: ResolveDid> ResolveDid for CachedResolver<R> {
    async fn resolve(&self, did: &Did, now: Timestamp) -> Result<Arc<DidDocument>, ResolveError> {
        self.cache.get(did, now, || self.ask(did, now)).await
    }

    async fn refresh(
        &self,
        did: &Did,
        now: Timestamp,
    ) -> Result<Option<Arc<DidDocument>>, ResolveError> {
        self.cache.refresh(did, now, || self.ask(did, now)).await
    }
}

impl<R: ResolveName> ResolveName for CachedNames<R> {
    async fn resolve_name(&self, name: &Name, now: Timestamp) -> Result<Did, NameError> {
        let ask = || {
            let (resolver, name) = (Arc::clone(&self.resolver), name.clone());
            async move { resolver.resolve_name(&name, now).await }
        };
        self.cache.get(name, now, ask).await
    }
}

impl Key for Did {
    /// Of `did:web` the last two labels of the name, without the port: anybody can listen on many.
    fn host(&self) -> Option<String> {
        if self.method() != "web" {
            return None;
        }
        let host = self.identifier().split(['%', ':']).next()?;
        let labels = host.rmatch_indices('.').nth(1);
        let last = labels.map_or(host, |(dot, _)| &host[dot + 1..]);
        Some(last.to_ascii_lowercase())
    }
}

impl Key for Name {
    /// None: what handles of one domain wait for is mostly one large host that answers well.
    fn host(&self) -> Option<String> {
        None
    }
}

impl Failure<Did> for ResolveError {
    fn is_transient(&self) -> bool {
        Self::is_transient(self)
    }

    fn busy(did: &Did) -> Self {
        Self::new(did, ResolveErrorKind::Busy)
    }

    fn interrupted(did: &Did) -> Self {
        Self::new(did, ResolveErrorKind::Interrupted)
    }

    fn late(did: &Did, patience: Duration) -> Self {
        Self::new(did, ResolveErrorKind::Late(patience))
    }
}

impl Failure<Name> for NameError {
    fn is_transient(&self) -> bool {
        Self::is_transient(self)
    }

    fn busy(name: &Name) -> Self {
        Self::new(name, NameErrorKind::Busy)
    }

    fn interrupted(name: &Name) -> Self {
        Self::new(name, NameErrorKind::Interrupted)
    }

    fn late(name: &Name, patience: Duration) -> Self {
        Self::new(name, NameErrorKind::Late(patience))
    }
}
