//! From a URL to an open WebSocket.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::USER_AGENT;
use http::{HeaderValue, Request};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, protocol::WebSocketConfig};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use url::{Host, Url};

use super::skim::Skim;
use super::{Skimmed, WebSocketError, WebSocketSettings, Wire};
use crate::dns::ResolveError;
use crate::guard::UrlRefusal;
use crate::{ClientError, GuardedClient};

/// How much is read at once. Larger ones do not make a busy stream faster.
const READ_BUFFER: usize = 64 * 1024;

/// How many addresses of a host are tried.
const MOST_ADDRESSES: usize = 4;

/// Opens it; the deadline is the caller's.
pub(super) async fn open(
    client: &GuardedClient,
    url: &Url,
    settings: WebSocketSettings,
) -> Result<WebSocketStream<Skimmed>, WebSocketError> {
    let checked = as_http(url)?;
    client
        .settings()
        .guard
        .check_url(&checked)
        .map_err(ClientError::Url)?;
    let host = url.host_str().unwrap_or_default();
    let tcp = connect(client, &checked, host, settings.deadline).await?;
    let wire = match checked.scheme() {
        "https" => encrypted(client, tcp, &checked, host).await?,
        _ => Box::new(tcp),
    };
    let wire = Skimmed {
        wire,
        skim: Skim::new(settings.message, settings.passed_over),
        came: vec![0; READ_BUFFER].into(),
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(Some(settings.message))
        .max_frame_size(Some(settings.message));
    let request = request(client, url, host)?;
    match client_async_with_config(request, wire, Some(config)).await {
        Ok((stream, _)) => Ok(stream),
        Err(tungstenite::Error::Http(answer)) => Err(WebSocketError::Refused {
            host: host.to_owned(),
            status: answer.status().as_u16(),
            body: Bytes::from(answer.into_body().unwrap_or_default()),
        }),
        Err(error) => Err(WebSocketError::Broken {
            host: host.to_owned(),
            source: error.into(),
        }),
    }
}

/// The URL as the guard knows it.
fn as_http(url: &Url) -> Result<Url, ClientError> {
    let scheme = match url.scheme() {
        "wss" => "https",
        "ws" => "http",
        _ => return Err(ClientError::Url(UrlRefusal::Scheme)),
    };
    let mut url = url.clone();
    match url.set_scheme(scheme) {
        Ok(()) => Ok(url),
        Err(()) => Err(ClientError::Url(UrlRefusal::Scheme)),
    }
}

/// One address after the other, until one answers. Each has its share of the time, so that one that
/// swallows packets does not take it all.
async fn connect(
    client: &GuardedClient,
    url: &Url,
    host: &str,
    deadline: Duration,
) -> Result<TcpStream, ClientError> {
    let port = url.port_or_known_default().unwrap_or_default();
    let mut addresses = addresses(client, url, host).await?;
    addresses.truncate(MOST_ADDRESSES);
    // One share is for what follows.
    let share = deadline / (addresses.len() as u32 + 1);
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses {
        let connecting = TcpStream::connect(SocketAddr::new(address, port));
        last = match timeout(share, connecting).await {
            Ok(Ok(stream)) => match stream.set_nodelay(true) {
                Ok(()) => return Ok(stream),
                Err(error) => error,
            },
            Ok(Err(error)) => error,
            Err(_) => io::ErrorKind::TimedOut.into(),
        };
    }
    Err(unreachable(host, last))
}

fn unreachable(host: &str, source: io::Error) -> ClientError {
    ClientError::Connect {
        host: host.to_owned(),
        source: source.into(),
    }
}

/// Addresses that were checked. Of an address in the URL, the URL's check was its own.
async fn addresses(
    client: &GuardedClient,
    url: &Url,
    host: &str,
) -> Result<Vec<IpAddr>, ClientError> {
    let name = match url.host() {
        Some(Host::Ipv4(address)) => return Ok(vec![address.into()]),
        Some(Host::Ipv6(address)) => return Ok(vec![address.into()]),
        Some(Host::Domain(name)) => name,
        None => return Err(ClientError::Url(UrlRefusal::Written("it names no host"))),
    };
    let host = host.to_owned();
    let found = client.dns().addresses(name).await;
    found.map_err(|error| match error {
        ResolveError::Refused(refusal) => ClientError::Url(refusal),
        ResolveError::Blocked(source) => ClientError::Blocked { host, source },
        ResolveError::Lookup(failed) => ClientError::Dns {
            host,
            source: failed.into(),
        },
    })
}

async fn encrypted(
    client: &GuardedClient,
    tcp: TcpStream,
    url: &Url,
    host: &str,
) -> Result<Box<dyn Wire>, ClientError> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| ClientError::Tls {
        host: host.to_owned(),
        source,
    };
    let name = match url.host() {
        Some(Host::Ipv4(address)) => ServerName::from(IpAddr::from(address)),
        Some(Host::Ipv6(address)) => ServerName::from(IpAddr::from(address)),
        _ => ServerName::try_from(host.to_owned()).map_err(|error| failed(error.into()))?,
    };
    let connector = TlsConnector::from(Arc::clone(client.tls()));
    let stream = connector.connect(name, tcp).await;
    Ok(Box::new(stream.map_err(|error| failed(error.into()))?))
}

fn request(client: &GuardedClient, url: &Url, host: &str) -> Result<Request<()>, WebSocketError> {
    let broken = |source: Box<dyn std::error::Error + Send + Sync>| WebSocketError::Broken {
        host: host.to_owned(),
        source,
    };
    let mut request = url
        .as_str()
        .into_client_request()
        .map_err(|error| broken(error.into()))?;
    let agent = HeaderValue::from_str(&client.settings().user_agent);
    let agent = agent.map_err(|error| broken(error.into()))?;
    request.headers_mut().insert(USER_AGENT, agent);
    Ok(request)
}
