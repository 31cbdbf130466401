//! The one HTTP client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Method};
use reqwest::{Body, Request, Response};
use rustls::crypto::ring::default_provider;
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::dns::{GuardedDns, Names};
use crate::download::{Download, Pace};
use crate::error::{BuildError, ClientError};
use crate::guard::AddressGuard;

/// Who calls, in every request that this project makes: product and version.
pub const USER_AGENT: &str = concat!("Loggia/", env!("CARGO_PKG_VERSION"));

/// How a client behaves.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// Which addresses may be reached.
    pub guard: AddressGuard,
    /// How names become addresses. As the system does it.
    pub names: Names,
    /// The `User-Agent` of requests that bring none. [`USER_AGENT`].
    pub user_agent: String,
    /// The deadline of a request that does not bring its own, from the name's resolution to the
    /// end of the body. 10 s.
    pub deadline: Duration,
    /// How many bytes of an answer to [`GuardedClient::post`] are read, after decompression. 64 KiB.
    pub answer: usize,
    /// The largest output of a typed call, in bytes after decompression. 5 MiB.
    pub output: usize,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            guard: AddressGuard::new(),
            names: Names::default(),
            user_agent: USER_AGENT.into(),
            deadline: Duration::from_secs(10),
            answer: 64 * 1024,
            output: 5 * 1024 * 1024,
        }
    }
}

/// An HTTP client that reaches allowed addresses only, follows no redirect and waits for nobody
/// longer than it should. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct GuardedClient {
    http: reqwest::Client,
    tls: Arc<rustls::ClientConfig>,
    dns: GuardedDns,
    settings: Arc<ClientSettings>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status, of whatever kind.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, decompressed; its first bytes only if it is cut.
    pub body: Bytes,
    /// Whether there was more of the body than this.
    pub cut: bool,
    /// From the start of the request to the last byte that was read.
    pub elapsed: Duration,
}

impl GuardedClient {
    /// A client with these settings. Proxies of the environment are not used: behind one, nobody
    /// would check the address.
    pub fn new(settings: ClientSettings) -> Result<Self, BuildError> {
        let tls = rustls::ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_platform_verifier())
            .map_err(|error| BuildError(Box::new(error)))?
            .with_no_client_auth();
        let dns = GuardedDns::new(Arc::new(settings.guard.clone()), settings.names.clone());
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .user_agent(settings.user_agent.clone())
            .redirect(reqwest::redirect::Policy::none())
            // Whoever calls says what is sent again, and when.
            .retry(reqwest::retry::never().max_retries_per_request(0))
            .no_proxy()
            .referer(false)
            .pool_max_idle_per_host(64)
            .tcp_nodelay(true)
            .dns_resolver(dns.clone())
            .build()
            .map_err(|error| BuildError(Box::new(error)))?;
        Ok(Self {
            http,
            tls: Arc::new(tls),
            dns,
            settings: Arc::new(settings),
        })
    }

    /// How this client behaves.
    pub fn settings(&self) -> &ClientSettings {
        &self.settings
    }

    /// How connections are encrypted that are not of HTTP.
    pub(crate) fn tls(&self) -> &Arc<rustls::ClientConfig> {
        &self.tls
    }

    /// How names become addresses.
    pub(crate) fn dns(&self) -> &GuardedDns {
        &self.dns
    }

    /// Fetches a URL, of whose answer at most `limit` bytes are taken: a longer one is an error.
    pub async fn get(&self, url: &Url, limit: usize) -> Result<Answer, ClientError> {
        let request = Request::new(Method::GET, url.clone());
        let sent = self.send(request, self.settings.deadline, limit).await;
        whole(sent, url, limit)
    }

    /// Posts a body, e.g. one attempt of a delivery. Of a long answer the beginning is returned and
    /// the connection is closed.
    ///
    /// An answer that is no success is one even if its body breaks off or the deadline passes amid it:
    /// what its head says stands. It counts as cut.
    pub async fn post(
        &self,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
        deadline: Duration,
    ) -> Result<Answer, ClientError> {
        let mut request = Request::new(Method::POST, url.clone());
        *request.headers_mut() = headers;
        *request.body_mut() = Some(Body::from(body));
        let sent = self.send(request, deadline, self.settings.answer).await;
        sent.or_else(|broken| broken.refusal())
    }

    /// Sends any request, e.g. one of OAuth; an answer of more than `limit` bytes is an error.
    pub async fn request(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
        limit: usize,
    ) -> Result<Answer, ClientError> {
        let mut request = Request::new(method, url.clone());
        *request.headers_mut() = headers;
        *request.body_mut() = (!body.is_empty()).then(|| Body::from(body));
        let sent = self.send(request, self.settings.deadline, limit).await;
        whole(sent, url, limit)
    }

    /// Sends a request of a typed call; a long answer is an error.
    pub(crate) async fn exchange(
        &self,
        request: Request,
        limit: usize,
    ) -> Result<Answer, ClientError> {
        let url = request.url().clone();
        let sent = self.send(request, self.settings.deadline, limit).await;
        whole(sent, &url, limit)
    }

    /// Sends a request and returns as soon as the answer has begun, within the deadline of all requests.
    pub(crate) async fn begin(
        &self,
        request: Request,
        pace: Pace,
        limit: usize,
    ) -> Result<Download, ClientError> {
        let guard = &self.settings.guard;
        guard.check_url(request.url()).map_err(ClientError::Url)?;
        let limits = Limits::of(&request, self.settings.deadline);
        let response = limits.hold(self.http.execute(request)).await?;
        Ok(Download::new(response, limits.host, pace, limit))
    }

    async fn send(
        &self,
        request: Request,
        deadline: Duration,
        limit: usize,
    ) -> Result<Answer, Broken> {
        let guard = &self.settings.guard;
        guard.check_url(request.url()).map_err(ClientError::Url)?;
        let limits = Limits::of(&request, deadline);
        let response = limits.hold(self.http.execute(request)).await?;
        let mut answer = Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: Bytes::new(),
            cut: true,
            elapsed: Duration::ZERO,
        };
        let mut body = BytesMut::with_capacity(announced(&response).min(limit));
        let ended = limits.hold(read(response, limit, &mut body)).await;
        answer.body = body.freeze();
        answer.elapsed = limits.started.elapsed();
        match ended {
            Ok(cut) => Ok(Answer { cut, ..answer }),
            Err(error) => Err(Broken {
                error,
                begun: Some(Box::new(answer)),
            }),
        }
    }
}

/// How long an exchange may take, all in all, and with whom it is.
struct Limits {
    host: String,
    deadline: Duration,
    started: Instant,
}

impl Limits {
    fn of(request: &Request, deadline: Duration) -> Self {
        Self {
            host: host(request.url()),
            deadline,
            started: Instant::now(),
        }
    }

    /// A part of the exchange.
    async fn hold<T>(
        &self,
        part: impl Future<Output = Result<T, reqwest::Error>>,
    ) -> Result<T, ClientError> {
        match timeout_at(self.started + self.deadline, part).await {
            Ok(done) => {
                done.map_err(|error| ClientError::from_reqwest(error, &self.host, self.deadline))
            }
            Err(_) => Err(ClientError::Timeout {
                host: self.host.clone(),
                deadline: self.deadline,
            }),
        }
    }
}

/// Why there is no whole answer, and what there is of it.
struct Broken {
    error: ClientError,
    /// Its head, and as much of its body as came.
    begun: Option<Box<Answer>>,
}

impl Broken {
    /// What came, if its head says all that matters.
    fn refusal(self) -> Result<Answer, ClientError> {
        match self.begun {
            Some(answer) if !(200..300).contains(&answer.status) => Ok(*answer),
            _ => Err(self.error),
        }
    }
}

impl From<ClientError> for Broken {
    fn from(error: ClientError) -> Self {
        Self { error, begun: None }
    }
}

impl fmt::Debug for GuardedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GuardedClient")
            .field(&self.settings)
            .finish()
    }
}

/// Reads at most `limit` bytes; says whether there was more.
async fn read(
    mut response: Response,
    limit: usize,
    body: &mut BytesMut,
) -> Result<bool, reqwest::Error> {
    while let Some(chunk) = response.chunk().await? {
        let room = limit - body.len();
        if chunk.len() > room {
            body.extend_from_slice(&chunk[..room]);
            return Ok(true);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(false)
}

/// The announced length, which may be a lie, and is gone if the body is compressed.
fn announced(response: &Response) -> usize {
    let length = response
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    length
        .and_then(|length| length.parse().ok())
        .unwrap_or(0)
        .min(64 * 1024)
}

fn whole(sent: Result<Answer, Broken>, url: &Url, limit: usize) -> Result<Answer, ClientError> {
    let answer = sent.map_err(|broken| broken.error)?;
    if answer.cut {
        return Err(ClientError::TooLarge {
            host: host(url),
            limit,
        });
    }
    Ok(answer)
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}
