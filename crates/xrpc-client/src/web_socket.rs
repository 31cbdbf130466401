//! WebSockets out, under the same guard as requests.

mod connect;
mod skim;

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message};
use url::Url;

use crate::{ClientError, GuardedClient};

use skim::{Skim, Skipped};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What a WebSocket may cost.
#[derive(Clone, Copy, Debug)]
pub struct WebSocketSettings {
    /// The deadline of the connection: name, TCP, TLS and the WebSocket's own handshake. 10 s.
    pub deadline: Duration,
    /// The longest message in bytes; a longer one ends the connection before it is read. 1 MiB.
    pub message: usize,
    /// The longest message in bytes that does not end the connection but is passed over, without being
    /// kept. None.
    pub passed_over: u64,
    /// After so much silence the other side is pinged. 20 s.
    pub ping: Duration,
    /// After so many pings without a sign of life the connection is dead. 2.
    pub unanswered: u32,
}

/// A connection that says only what the other side says. Pings of both sides are dealt with in here.
pub struct WebSocket {
    stream: WebSocketStream<Skimmed>,
    settings: WebSocketSettings,
    host: String,
    /// Pings since the last sign of life.
    unanswered: u32,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebSocketMessage {
    /// Text, which is UTF-8.
    Text(Bytes),
    /// Bytes.
    Binary(Bytes),
    /// In its place a message was passed over, for it was longer than the limit.
    TooLong {
        /// How long it was.
        bytes: u64,
        /// The SHA-256 of what it held.
        sha256: [u8; 32],
    },
}

/// Why there is no connection, or no longer. No message holds a query or anything that was sent.
#[derive(Debug, thiserror::Error)]
pub enum WebSocketError {
    /// The other side cannot be reached, or may not be.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The other side answered with something else than a WebSocket; a redirect is not followed.
    #[error("`{host}` answered with status {status} instead of a WebSocket")]
    Refused {
        /// The URL's host.
        host: String,
        /// HTTP status.
        status: u16,
        /// What came of the body together with the headers, which is all of a short one.
        body: Bytes,
    },
    /// A message is longer than the limit.
    #[error("a message of `{host}` is longer than {limit} bytes")]
    TooLong {
        /// The URL's host.
        host: String,
        /// The limit.
        limit: usize,
    },
    /// No sign of life, not even an answer to pings.
    #[error("`{host}` answers no pings")]
    Silent {
        /// The URL's host.
        host: String,
    },
    /// The connection broke off, or the other side does not keep to the protocol.
    #[error("the WebSocket to `{host}` broke")]
    Broken {
        /// The URL's host.
        host: String,
        /// What happened.
        #[source]
        source: Source,
    },
}

/// What bytes go over.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// The wire with what is too long left out.
struct Skimmed {
    wire: Box<dyn Wire>,
    skim: Skim,
    /// What was read last.
    came: Box<[u8]>,
}

impl AsyncRead for Skimmed {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { wire, skim, came } = self.get_mut();
        // To give nothing would be to say that this is the end.
        while !skim.give(to) {
            let mut read = ReadBuf::new(came);
            ready!(Pin::new(&mut *wire).poll_read(cx, &mut read))?;
            if read.filled().is_empty() {
                break;
            }
            skim.take(read.filled());
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Skimmed {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().wire).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().wire).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().wire).poll_shutdown(cx)
    }
}

impl Default for WebSocketSettings {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(10),
            message: 1024 * 1024,
            passed_over: 0,
            ping: Duration::from_secs(20),
            unanswered: 2,
        }
    }
}

impl GuardedClient {
    /// Opens a WebSocket to a `wss` URL, and in development to a `ws` URL of this machine.
    ///
    /// The address that was checked is the one that is connected to.
    ///
    /// # Errors
    /// If the address may not be reached, or within the deadline there is no WebSocket there.
    pub async fn web_socket(
        &self,
        url: &Url,
        settings: WebSocketSettings,
    ) -> Result<WebSocket, WebSocketError> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let opening = connect::open(self, url, settings);
        match timeout(settings.deadline, opening).await {
            Ok(Ok(stream)) => Ok(WebSocket {
                stream,
                settings,
                host,
                unanswered: 0,
            }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(WebSocketError::Client(ClientError::Timeout {
                host,
                deadline: settings.deadline,
            })),
        }
    }
}

impl WebSocket {
    /// The next message; none when the other side has said goodbye. Nothing is lost when the future is
    /// dropped.
    ///
    /// # Errors
    /// If the connection is of no more use.
    pub async fn next(&mut self) -> Result<Option<WebSocketMessage>, WebSocketError> {
        loop {
            let Ok(next) = timeout(self.settings.ping, self.stream.next()).await else {
                self.ping().await?;
                continue;
            };
            self.unanswered = 0;
            match next {
                Some(Ok(Message::Text(text))) => {
                    return Ok(Some(WebSocketMessage::Text(text.into())));
                }
                Some(Ok(Message::Binary(bytes))) => {
                    return Ok(Some(WebSocketMessage::Binary(bytes)));
                }
                Some(Ok(Message::Pong(said))) => {
                    if let Some(Skipped { bytes, sha256 }) = Skipped::read(&said) {
                        return Ok(Some(WebSocketMessage::TooLong { bytes, sha256 }));
                    }
                }
                // Pings are answered by the library with the next read.
                Some(Ok(Message::Ping(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(_))) | None => return Ok(None),
                Some(Err(error)) => return Err(self.error(error)),
            }
        }
    }

    /// Says goodbye, and waits for no answer. What cannot be said is not said.
    pub async fn close(&mut self) {
        let goodbye = timeout(self.settings.ping, self.stream.close(None));
        // There is nobody left to tell.
        drop(goodbye.await);
    }

    async fn ping(&mut self) -> Result<(), WebSocketError> {
        let silent = || WebSocketError::Silent {
            host: self.host.clone(),
        };
        if self.unanswered >= self.settings.unanswered {
            return Err(silent());
        }
        self.unanswered += 1;
        let ping = self.stream.send(Message::Ping(Bytes::new()));
        match timeout(self.settings.ping, ping).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.error(error)),
            Err(_) => Err(silent()),
        }
    }

    fn error(&self, error: tungstenite::Error) -> WebSocketError {
        let host = self.host.clone();
        match error {
            tungstenite::Error::Capacity(_) => WebSocketError::TooLong {
                host,
                limit: self.settings.message,
            },
            error => WebSocketError::Broken {
                host,
                source: error.into(),
            },
        }
    }
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("host", &self.host)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
