//! From a DID to its document: `did:plc` from a directory, `did:web` from its own host.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use loggia_syntax::Did;

use crate::{DidDocument, DocumentError, Fetch, FetchError, Fetched};

/// The largest document that is read. Real ones have about 1 KB, the longest operation that the PLC
/// directory takes has 7.5 KB, and a full cache of the largest must still fit in memory.
const LARGEST: usize = 16 * 1024;

/// How long a document may take to arrive. 4 s: real hosts take a tenth of that, and while one is
/// waited for, so are the caller and a place among those that are.
const DEADLINE: Duration = Duration::from_secs(4);

/// Whoever can say what stands behind a DID at a time.
pub trait ResolveDid: Send + Sync + 'static {
    /// The document of `did`, as fresh as this resolver keeps them.
    fn resolve(
        &self,
        did: &Did,
        now: Timestamp,
    ) -> impl Future<Output = Result<Arc<DidDocument>, ResolveError>> + Send;

    /// The document fetched anew, because a signature did not fit the known one; `None` if it was
    /// fetched so recently that asking again is not worth the directory's time.
    fn refresh(
        &self,
        did: &Did,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Arc<DidDocument>>, ResolveError>> + Send;
}

impl<R: ResolveDid> ResolveDid for Arc<R> {
    async fn resolve(&self, did: &Did, now: Timestamp) -> Result<Arc<DidDocument>, ResolveError> {
        R::resolve(self, did, now).await
    }

    async fn refresh(
        &self,
        did: &Did,
        now: Timestamp,
    ) -> Result<Option<Arc<DidDocument>>, ResolveError> {
        R::refresh(self, did, now).await
    }
}

/// Why a DID has no document for us.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot resolve {did}{}", whereabouts(did))]
pub struct ResolveError {
    /// Which DID.
    pub did: Did,
    /// Why not.
    #[source]
    pub kind: ResolveErrorKind,
}

/// What went wrong while resolving.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ResolveErrorKind {
    /// Neither `did:plc` nor `did:web`.
    #[error("DIDs of this method are not supported; use did:plc or did:web")]
    Method,
    /// The DID is of a known method but not of a form that may be resolved.
    #[error("{0}")]
    Form(&'static str),
    /// There is no such DID, or not any more.
    #[error("there is no such DID (HTTP status {0}); its document must be published there")]
    NotFound(u16),
    /// The directory or host answered with an error.
    #[error("the answer had HTTP status {0}; a document is served with 200, without redirects")]
    Status(u16),
    /// There was no answer.
    #[error("the document could not be fetched; see whether its host answers over HTTPS")]
    Fetch(#[source] Arc<FetchError>),
    /// The answer is no DID document.
    #[error("the answer is not a DID document; it must be a JSON object with an `id`")]
    Document(#[source] Arc<DocumentError>),
    /// The document is somebody else's.
    #[error("the document there is that of {0}; its `id` must be the DID that it is published for")]
    OtherId(Did),
    /// Too many resolutions are under way.
    #[error("too many DIDs are being resolved; try again in a few seconds")]
    Busy,
    /// The task that resolved it ended without an answer.
    #[error("the resolution was interrupted; try again")]
    Interrupted,
    /// It was given up.
    #[error("the resolution took longer than {} ms", .0.as_millis())]
    Late(Duration),
}

/// Where the document of a DID is looked for, as far as its owner can do something about it.
fn whereabouts(did: &Did) -> &'static str {
    match did.method() {
        "plc" => " in the PLC directory",
        "web" => " at its host's /.well-known/did.json",
        _ => "",
    }
}

impl ResolveError {
    pub(crate) fn new(did: &Did, kind: ResolveErrorKind) -> Self {
        Self {
            did: did.clone(),
            kind,
        }
    }

    /// Whether trying again later may help: the fault is on the way, not in the DID.
    pub fn is_transient(&self) -> bool {
        match &self.kind {
            ResolveErrorKind::Status(status) => matches!(status, 408 | 425 | 429 | 500..),
            ResolveErrorKind::Busy | ResolveErrorKind::Interrupted | ResolveErrorKind::Late(_) => {
                true
            }
            ResolveErrorKind::Fetch(error) => matches!(**error, FetchError::Failed(_)),
            _ => false,
        }
    }
}

/// Resolves over the network, every time; needs a Tokio runtime.
/// [`CachedResolver`](crate::CachedResolver) goes around it.
#[derive(Clone, Debug)]
pub struct Resolver<F> {
    fetch: F,
    directory: String,
    development: bool,
    deadline: Duration,
}

impl<F: Fetch> Resolver<F> {
    /// The public directory of `did:plc`.
    pub const PLC_DIRECTORY: &'static str = "https://plc.directory";

    /// A resolver that asks this directory for `did:plc`; `directory` is a URL without a query.
    pub fn new(fetch: F, directory: impl Into<String>) -> Self {
        let mut directory = directory.into();
        directory.truncate(directory.trim_end_matches('/').len());
        Self {
            fetch,
            directory,
            development: false,
            deadline: DEADLINE,
        }
    }

    /// Allows `did:web` of loopback hosts, over plain HTTP.
    #[must_use]
    pub fn development(mut self, allowed: bool) -> Self {
        self.development = allowed;
        self
    }

    /// How long a document may take to arrive, whatever the transport allows. 4 s.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Where the document of `did` is.
    pub fn url(&self, did: &Did) -> Result<String, ResolveErrorKind> {
        let text = did.as_str();
        if let Some(id) = text.strip_prefix("did:plc:") {
            return plc_url(&self.directory, id);
        }
        if let Some(id) = text.strip_prefix("did:web:") {
            return web_url(id, self.development);
        }
        Err(ResolveErrorKind::Method)
    }

    async fn fetch(&self, did: &Did) -> Result<DidDocument, ResolveErrorKind> {
        let url = self.url(did)?;
        let answer = tokio::time::timeout(self.deadline, self.fetch.get(&url, LARGEST));
        let answer = answer
            .await
            .map_err(|_elapsed| ResolveErrorKind::Late(self.deadline))?
            .map_err(|error| ResolveErrorKind::Fetch(Arc::new(error)))?;
        read(did, answer)
    }
}

impl<F: Fetch> ResolveDid for Resolver<F> {
    async fn resolve(&self, did: &Did, _: Timestamp) -> Result<Arc<DidDocument>, ResolveError> {
        match self.fetch(did).await {
            Ok(document) => Ok(Arc::new(document)),
            Err(kind) => Err(ResolveError::new(did, kind)),
        }
    }

    async fn refresh(
        &self,
        did: &Did,
        now: Timestamp,
    ) -> Result<Option<Arc<DidDocument>>, ResolveError> {
        self.resolve(did, now).await.map(Some)
    }
}

fn read(did: &Did, answer: Fetched) -> Result<DidDocument, ResolveErrorKind> {
    match answer.status {
        200..=299 => {}
        status @ (404 | 410) => return Err(ResolveErrorKind::NotFound(status)),
        status => return Err(ResolveErrorKind::Status(status)),
    }
    let document = DidDocument::parse(&answer.body)
        .map_err(|error| ResolveErrorKind::Document(Arc::new(error)))?;
    if document.id() != did {
        return Err(ResolveErrorKind::OtherId(document.id().clone()));
    }
    Ok(document)
}

fn plc_url(directory: &str, id: &str) -> Result<String, ResolveErrorKind> {
    let is_base32 = |byte: u8| matches!(byte, b'a'..=b'z' | b'2'..=b'7');
    if id.len() != 24 || !id.bytes().all(is_base32) {
        return Err(ResolveErrorKind::Form(
            "a did:plc has 24 characters of base32",
        ));
    }
    Ok(format!("{directory}/did:plc:{id}"))
}

/// The protocol knows only the form without a path: the document of the host itself.
fn web_url(id: &str, development: bool) -> Result<String, ResolveErrorKind> {
    if id.contains(':') {
        return Err(ResolveErrorKind::Form(
            "a did:web with a path is not supported",
        ));
    }
    let (host, port) = match id.split_once("%3A").or_else(|| id.split_once("%3a")) {
        Some((host, port)) => (host, Some(port)),
        None => (id, None),
    };
    let host = host.to_ascii_lowercase();
    if port.is_some_and(|port| port.parse::<u16>().is_err() || port.starts_with('+')) {
        return Err(ResolveErrorKind::Form(
            "the port of the did:web is not a number",
        ));
    }
    if host.len() > 253 || !host.split('.').all(is_label) {
        return Err(ResolveErrorKind::Form("the did:web names no host"));
    }
    let loopback = host == "localhost" || host.ends_with(".localhost") || host == "127.0.0.1";
    let scheme = match (loopback, development) {
        (true, true) => "http",
        (true, false) => {
            return Err(ResolveErrorKind::Form(
                "a did:web of this machine is for development",
            ));
        }
        (false, _) if is_domain(&host) => "https",
        (false, _) => return Err(ResolveErrorKind::Form("the did:web names no domain")),
    };
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    Ok(format!("{scheme}://{host}{port}/.well-known/did.json"))
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// At least two labels, the last not numeric: no single name and no IP address.
fn is_domain(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    host.contains('.') && last.starts_with(|c: char| c.is_ascii_alphabetic())
}
