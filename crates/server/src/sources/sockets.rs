//! The guarded client as the way to connect to sources.

use std::time::Duration;

use loggia_firehose::{ConnectError, LONGEST_MESSAGE, Message, Socket, SocketError, Sockets, Soon};
use loggia_xrpc_client::{
    ClientError, GuardedClient, Url, WebSocket, WebSocketError, WebSocketMessage, WebSocketSettings,
};

/// Connections to sources, under the guard that all requests are under.
pub struct GuardedSockets(pub GuardedClient);

/// The longest message that is passed over: some fifty times what a source may say, and read in a minute
/// over any line that a source can be followed over.
const PASSED_OVER: u64 = 256 * 1024 * 1024;

const SETTINGS: WebSocketSettings = WebSocketSettings {
    deadline: Duration::from_secs(10),
    message: LONGEST_MESSAGE,
    passed_over: PASSED_OVER,
    ping: Duration::from_secs(20),
    unanswered: 2,
};

impl Sockets for GuardedSockets {
    fn connect<'a>(&'a self, url: &'a Url) -> Soon<'a, Result<Box<dyn Socket>, ConnectError>> {
        Box::pin(async move {
            match self.0.web_socket(url, SETTINGS).await {
                Ok(socket) => Ok(Box::new(Open(socket)) as Box<dyn Socket>),
                Err(WebSocketError::Refused { status, body, .. }) => {
                    Err(ConnectError::Refused { status, body })
                }
                Err(WebSocketError::Client(error @ ClientError::Timeout { .. })) => {
                    Err(ConnectError::Silent(error.into()))
                }
                Err(error) => Err(ConnectError::Unreachable(error.into())),
            }
        })
    }
}

struct Open(WebSocket);

impl Socket for Open {
    fn next(&mut self) -> Soon<'_, Result<Option<Message>, SocketError>> {
        Box::pin(async move {
            let message = self.0.next().await;
            let message = message.map_err(|error| match error {
                WebSocketError::TooLong { .. } => SocketError::Endless,
                error => SocketError::Broken(error.into()),
            })?;
            Ok(message.map(|message| match message {
                WebSocketMessage::Text(text) => Message::Text(text),
                WebSocketMessage::Binary(bytes) => Message::Binary(bytes),
                WebSocketMessage::TooLong { bytes, sha256 } => Message::TooLong { bytes, sha256 },
            }))
        })
    }

    fn close(&mut self) -> Soon<'_, ()> {
        Box::pin(self.0.close())
    }
}
