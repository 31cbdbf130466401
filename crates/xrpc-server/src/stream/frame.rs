//! How a message becomes a WebSocket frame.

use bytes::Bytes;
use loggia_xrpc::Message;
use serde::Serialize;

/// How messages become WebSocket frames.
pub trait FrameProtocol: Send + Sync + 'static {
    /// What is agreed on in `Sec-WebSocket-Protocol`; `None` where nothing is asked for.
    const SUBPROTOCOL: Option<&'static str>;
    /// The frame of a message.
    fn message<M: Message>(message: &M) -> Result<Frame, FrameError>;
    /// The frame after which the connection ends.
    fn error(error: &str, message: Option<&str>) -> Result<Frame, FrameError>;
}

/// One WebSocket message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A binary message.
    Binary(Bytes),
    /// A text message.
    Text(String),
}

/// A message that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write a frame of type {frame_type}")]
pub struct FrameError {
    /// The frame's `t`, or `error`.
    pub frame_type: String,
    /// Why not.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// The frames of the event stream specification: two DAG-CBOR objects one after the other, a header
/// and a payload without `$type`.
#[derive(Clone, Copy, Debug, Default)]
pub struct CborV0;

#[derive(Serialize)]
struct Header<'a> {
    op: i8,
    #[serde(skip_serializing_if = "Option::is_none")]
    t: Option<&'a str>,
}

#[derive(Serialize)]
struct ErrorPayload<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

impl FrameProtocol for CborV0 {
    const SUBPROTOCOL: Option<&'static str> = None;

    fn message<M: Message>(message: &M) -> Result<Frame, FrameError> {
        let frame_type = message.frame_type();
        two(
            &Header {
                op: 1,
                t: Some(frame_type),
            },
            message,
        )
        .map_err(|source| FrameError {
            frame_type: frame_type.to_owned(),
            source,
        })
    }

    fn error(error: &str, message: Option<&str>) -> Result<Frame, FrameError> {
        two(
            &Header { op: -1, t: None },
            &ErrorPayload { error, message },
        )
        .map_err(|source| FrameError {
            frame_type: "error".to_owned(),
            source,
        })
    }
}

fn two(
    header: &Header<'_>,
    payload: &impl Serialize,
) -> Result<Frame, Box<dyn std::error::Error + Send + Sync>> {
    let mut frame = serde_ipld_dagcbor::to_vec(header)?;
    serde_ipld_dagcbor::to_writer(&mut frame, payload)?;
    Ok(Frame::Binary(frame.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_frame_byte_by_byte() {
        let frame = CborV0::error("FutureCursor", Some("hi")).expect("two strings");
        let expected = [
            &b"\xa1\x62op\x20"[..],
            b"\xa2\x65error\x6cFutureCursor\x67message\x62hi",
        ]
        .concat();
        assert_eq!(frame, Frame::Binary(expected.into()));
    }
}
