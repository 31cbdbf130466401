//! Serving a router: a bounded number of connections, and an orderly end.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use futures_util::future::{Either, ready};
use http::{Request, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::timeout;
use tower::Service;

use crate::{envelope, status};

/// How connections are served, and how long an orderly end may take.
#[derive(Clone, Debug)]
pub struct ServeSettings {
    /// How long calls in flight and closing event streams may take after the shutdown began. 25 s:
    /// below the 30 s after which orchestrators kill.
    pub drain: Duration,
    /// How long the head of a request may take, and how long a connection may be idle. 30 s.
    pub header_timeout: Duration,
    /// Bytes of a request's head. 32 KiB: several tokens and proofs. More is answered with 431; a head
    /// of more than twice as many, or of more than a hundred fields, is not read to its end, and ends the
    /// connection with a 431 that has no body.
    pub header_limit: usize,
    /// Open connections; more wait in the listener's backlog. 10,000.
    pub most_connections: usize,
}

impl Default for ServeSettings {
    fn default() -> Self {
        Self {
            drain: Duration::from_secs(25),
            header_timeout: Duration::from_secs(30),
            header_limit: 32 << 10,
            most_connections: 10_000,
        }
    }
}

/// Tells what outlives a request that the service shuts down, and waits for it. A request that asks
/// for an upgrade has one in its extensions, as an `Arc`.
#[derive(Debug)]
pub struct Farewell {
    closing: watch::Receiver<bool>,
    /// Held by whatever is still open; never sent on.
    _open: mpsc::Sender<Infallible>,
}

impl Farewell {
    /// Waits until the service shuts down; forever without a farewell.
    pub async fn said(farewell: Option<&Self>) {
        match farewell {
            // An error means that the server itself is gone, which is the same news.
            Some(farewell) => match farewell.closing.clone().wait_for(|closing| *closing).await {
                Ok(_) | Err(_) => {}
            },
            None => std::future::pending().await,
        }
    }
}

/// Serves HTTP/1.1 until `shutdown` completes, then accepts nothing more, lets calls in flight end
/// and closes WebSockets with 1001, all within [`ServeSettings::drain`].
///
/// Handlers and rate limits find the peer in `ConnectInfo<SocketAddr>`. Meant to run behind a
/// reverse proxy that does TLS and HTTP/2.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    settings: ServeSettings,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let (close, closing) = watch::channel(false);
    let (open, mut all_closed) = mpsc::channel(1);
    let farewell = Arc::new(Farewell {
        closing,
        _open: open,
    });
    let connections = Arc::new(Semaphore::new(settings.most_connections));
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            (stream, peer, permit) = accept(&listener, &connections) => {
                let served = connection(
                    stream, peer, router.clone(), settings.clone(), Arc::clone(&farewell), permit,
                );
                tokio::spawn(served);
            }
        }
    }
    drop((listener, farewell));
    close.send_replace(true);
    // Nothing is ever sent: this ends when the last holder lets go.
    match timeout(settings.drain, all_closed.recv()).await {
        Ok(None) => {}
        Ok(Some(never)) => match never {},
        Err(_elapsed) => tracing::warn!(
            drain_ms = u64::try_from(settings.drain.as_millis()).unwrap_or(u64::MAX),
            "connections are still open after the shutdown's time"
        ),
    }
    Ok(())
}

/// The next connection for which there is room.
async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let permit = Arc::clone(connections)
        .acquire_owned()
        .await
        .expect("the semaphore lives as long as the loop and is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, permit),
            Err(error) if is_of_one_connection(&error) => {
                tracing::debug!(%error, "a connection ended before it was accepted");
            }
            Err(error) => {
                // Out of file descriptors or memory: others have to let go first.
                tracing::error!(%error, "cannot accept connections, waiting a second");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// Bytes of a request's head, but for its first line's verb and version.
fn head_length<B>(request: &Request<B>) -> usize {
    let target = request.uri().path_and_query();
    let fields = request.headers().iter();
    let fields = fields.map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    target.map_or(0, |target| target.as_str().len()) + fields.sum::<usize>()
}

/// What a head that is too long, but was read, is told.
fn too_long(limit: usize) -> Response {
    let code = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    let message = format!("the request's head is longer than {limit} bytes");
    envelope::respond(code, status::name_of(code), Some(&message))
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    settings: ServeSettings,
    farewell: Arc<Farewell>,
    permit: OwnedSemaphorePermit,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot turn off delaying on a connection");
    }
    let service = service_fn(|mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        if request.headers().contains_key(header::UPGRADE) {
            request.extensions_mut().insert(Arc::clone(&farewell));
        }
        if head_length(&request) > settings.header_limit {
            return Either::Left(ready(Ok(too_long(settings.header_limit))));
        }
        Either::Right(router.clone().call(request.map(Body::new)))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.header_timeout)
        .max_buf_size(settings.header_limit.saturating_mul(2))
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = Farewell::said(Some(&farewell)) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%peer, error = %crate::stop::Chain(&error), "connection ended with an error");
    }
    drop(permit);
}
