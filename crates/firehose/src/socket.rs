//! The connection to a source, as the stream sees it. It is made elsewhere.

use std::error::Error;
use std::pin::Pin;

use bytes::Bytes;
use url::Url;

/// Something, some time from now.
pub type Soon<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Makes connections.
pub trait Sockets: Send + Sync + 'static {
    /// Opens a WebSocket to a `ws` or `wss` URL, within a deadline of its own and only to an address
    /// that may be reached.
    fn connect<'a>(&'a self, url: &'a Url) -> Soon<'a, Result<Box<dyn Socket>, ConnectError>>;
}

/// One connection.
///
/// It answers pings and sends its own: an idle source is healthy for as long as it answers them, and
/// one that does not is an error.
pub trait Socket: Send {
    /// The next message, at most [`LONGEST_MESSAGE`] long, or that a longer one was passed over; none when
    /// the other side has ended the connection properly.
    fn next(&mut self) -> Soon<'_, Result<Option<Message>, SocketError>>;

    /// Says goodbye, and waits for no answer.
    fn close(&mut self) -> Soon<'_, ()>;
}

/// The longest message in bytes. A commit's blocks are at most 2 MB (event stream specification), and
/// the frame has its operations beside them.
pub const LONGEST_MESSAGE: usize = 5 * 1024 * 1024;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text, which is UTF-8.
    Text(Bytes),
    /// Bytes.
    Binary(Bytes),
    /// There was one that is longer than it may be, and nobody has kept it.
    TooLong {
        /// How long it was.
        bytes: u64,
        /// The SHA-256 of what it held.
        sha256: [u8; 32],
    },
}

impl Message {
    /// What it holds; nothing of one that nobody has kept.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(bytes) | Self::Binary(bytes) => bytes,
            Self::TooLong { .. } => &[],
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes().len()
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The source answered with something else than a connection.
    #[error("the source refused with status {status}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The beginning of the answer's body.
        body: Bytes,
    },
    /// It did not answer in time.
    #[error("the source does not answer")]
    Silent(#[source] Box<dyn Error + Send + Sync>),
    /// It could not be reached.
    #[error("the source cannot be reached")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
}

/// Why a connection is of no more use.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// It broke.
    #[error("the connection broke")]
    Broken(#[source] Box<dyn Error + Send + Sync>),
    /// A message came that is longer than anybody passes over.
    #[error("a message is too long to be passed over")]
    Endless,
}
