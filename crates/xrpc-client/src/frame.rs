//! The frames of an event stream, as a client reads them.

use loggia_xrpc::{ReadMessage, Subscription};
use serde::Deserialize;
use serde_ipld_dagcbor::de::Deserializer;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What one frame of an event stream says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame<M> {
    /// Something happened.
    Message(M),
    /// Something that the lexicon does not know; to be passed over, as the specification says.
    Unknown {
        /// What the frame calls it, if anything.
        frame_type: Option<String>,
    },
    /// The stream ends.
    Error {
        /// Its name: one that the lexicon declares, or a general one such as `ConsumerTooSlow`.
        error: String,
        /// What the server has to say to people.
        message: Option<String>,
    },
}

/// Why a frame cannot be read. The server does not keep to the protocol, so the connection is of no
/// more use.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// It does not begin with a header.
    #[error("the frame has no header")]
    Header(#[source] Source),
    /// It is a message and does not say of what type.
    #[error("the frame is a message without a type")]
    NoType,
    /// The payload is not what its type says.
    #[error("the payload of a frame of type {frame_type:?} does not fit")]
    Payload {
        /// The frame's `t`, or `error`.
        frame_type: String,
        /// Where it does not.
        #[source]
        source: Source,
    },
}

#[derive(Deserialize)]
struct Header {
    op: i64,
    t: Option<String>,
}

#[derive(Deserialize)]
struct ErrorPayload {
    error: String,
    message: Option<String>,
}

const MESSAGE: i64 = 1;
const ERROR: i64 = -1;

/// Reads one binary WebSocket message: a header and a payload, both DAG-CBOR.
///
/// How long a frame may be is for the WebSocket client to limit.
///
/// # Errors
/// If the frame is not made as the event stream specification says, or its payload is not what the
/// lexicon says of its type.
pub fn read_frame<S>(frame: &[u8]) -> Result<Frame<S::Message>, FrameError>
where
    S: Subscription,
    S::Message: ReadMessage,
{
    let mut from = Deserializer::from_slice(frame);
    let header =
        Header::deserialize(&mut from).map_err(|error| FrameError::Header(error.into()))?;
    let frame_type = match (header.op, header.t) {
        (MESSAGE, Some(frame_type)) => frame_type,
        (MESSAGE, None) => return Err(FrameError::NoType),
        (ERROR, _) => "error".to_owned(),
        (_, frame_type) => return Ok(Frame::Unknown { frame_type }),
    };
    let misfit = |source: Source| FrameError::Payload {
        frame_type: frame_type.clone(),
        source,
    };
    let read = if header.op == ERROR {
        let ErrorPayload { error, message } =
            ErrorPayload::deserialize(&mut from).map_err(|error| misfit(error.into()))?;
        Frame::Error { error, message }
    } else {
        let name = relative(&frame_type, S::NSID);
        match S::Message::read(name, &mut from).map_err(|error| misfit(error.into()))? {
            Some(message) => Frame::Message(message),
            None => {
                let frame_type = Some(frame_type);
                return Ok(Frame::Unknown { frame_type });
            }
        }
    };
    from.end().map_err(|error| misfit(error.into()))?;
    Ok(read)
}

/// A definition of the stream's own lexicon without its NSID, as frames should name it.
fn relative<'a>(frame_type: &'a str, nsid: &str) -> &'a str {
    frame_type
        .strip_prefix(nsid)
        .filter(|name| name.starts_with('#'))
        .unwrap_or(frame_type)
}
