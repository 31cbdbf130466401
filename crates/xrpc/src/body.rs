//! What a request or response body is, apart from how it is sent.

use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use futures_core::Stream;
use loggia_syntax::check::{At, Report};
use serde::{Serialize, de::DeserializeOwned};

use crate::Validate;

/// The body of a request or a response.
pub trait Body: Sized + Send + 'static {
    /// The lexicon's `encoding`: a MIME type or a pattern such as `image/*`; empty for [`NoBody`].
    const ENCODING: &'static str;
    /// Which kind of [`Payload`] it is made of.
    const KIND: BodyKind;
    /// Makes the body out of a payload of its own kind; checks types, not yet constraints.
    fn decode(payload: Payload) -> Result<Self, BodyError>;
    /// Turns the body into a payload of its own kind.
    fn encode(self) -> Result<Payload, BodyError>;
    /// Checks what types cannot hold.
    fn check(&self, report: &mut Report);
}

/// Which kind of payload a body is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// No body at all.
    Nothing,
    /// JSON with a schema.
    Json,
    /// Anything else: bytes with a MIME type.
    Raw,
}

/// A body on its way in or out.
#[derive(Debug)]
pub enum Payload {
    /// No body at all.
    Nothing,
    /// JSON text.
    Json(Bytes),
    /// Bytes with a MIME type.
    Raw(Binary),
}

/// Why a body could not be made or written.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The text is not JSON, or not of the type's shape.
    #[error("the body does not fit")]
    Json(#[source] serde_json::Error),
    /// The caller handed over another kind of payload.
    #[error("expected a body of kind {expected:?}, got {got:?}")]
    Kind {
        /// What the body type is made of.
        expected: BodyKind,
        /// What was handed over.
        got: BodyKind,
    },
}

impl Payload {
    /// Which kind this is.
    pub fn kind(&self) -> BodyKind {
        match self {
            Self::Nothing => BodyKind::Nothing,
            Self::Json(_) => BodyKind::Json,
            Self::Raw(_) => BodyKind::Raw,
        }
    }

    /// Decodes a JSON payload. Generated [`Body`] impls call this.
    pub fn into_json<B: DeserializeOwned>(self) -> Result<B, BodyError> {
        match self {
            Self::Json(text) => from_json(&text).map_err(BodyError::Json),
            other => Err(BodyError::Kind {
                expected: BodyKind::Json,
                got: other.kind(),
            }),
        }
    }

    /// Takes the bytes of a raw payload. Generated [`Body`] impls call this.
    pub fn into_raw(self) -> Result<Binary, BodyError> {
        match self {
            Self::Raw(binary) => Ok(binary),
            other => Err(BodyError::Kind {
                expected: BodyKind::Raw,
                got: other.kind(),
            }),
        }
    }

    /// Encodes a JSON payload. Generated [`Body`] impls call this.
    pub fn json(body: &impl Serialize) -> Result<Self, BodyError> {
        serde_json::to_vec(body)
            .map(|text| Self::Json(text.into()))
            .map_err(BodyError::Json)
    }
}

/// Reads JSON text. Looks once through all of it for broken UTF-8, which costs less than once for
/// each string.
///
/// # Errors
/// If the text is not JSON, or not of the type's shape.
pub fn from_json<T: DeserializeOwned>(text: &[u8]) -> serde_json::Result<T> {
    match std::str::from_utf8(text) {
        Ok(text) => serde_json::from_str(text),
        // Says where in the JSON it goes wrong.
        Err(_) => serde_json::from_slice(text),
    }
}

/// A value that is a JSON body by itself: what [`object!`](crate::object) and its kin make.
pub trait JsonBody: Serialize + DeserializeOwned + Validate + Send + 'static {}

impl JsonBody for loggia_syntax::data::Data {}

impl<B: JsonBody> Body for B {
    const ENCODING: &'static str = "application/json";
    const KIND: BodyKind = BodyKind::Json;

    fn decode(payload: Payload) -> Result<Self, BodyError> {
        payload.into_json()
    }

    fn encode(self) -> Result<Payload, BodyError> {
        Payload::json(&self)
    }

    fn check(&self, report: &mut Report) {
        Validate::check(self, &At::ROOT, report);
    }
}

/// No body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoBody;

impl Body for NoBody {
    const ENCODING: &'static str = "";
    const KIND: BodyKind = BodyKind::Nothing;

    fn decode(_: Payload) -> Result<Self, BodyError> {
        Ok(Self)
    }

    fn encode(self) -> Result<Payload, BodyError> {
        Ok(Payload::Nothing)
    }

    fn check(&self, _: &mut Report) {}
}

impl Validate for NoBody {
    fn check(&self, _: &At<'_>, _: &mut Report) {}
}

/// A stream of chunks, each a piece of a body.
pub type Chunks = Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send>>;

/// Bytes with a MIME type, whole or as a stream.
pub struct Binary {
    /// The `Content-Type`, without which a receiver has to guess.
    pub content_type: String,
    /// The bytes.
    pub content: Content,
}

/// The bytes of a [`Binary`].
pub enum Content {
    /// All of them.
    Whole(Bytes),
    /// As they come, within the server's limit.
    Stream(Chunks),
}

impl fmt::Debug for Binary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = match &self.content {
            Content::Whole(bytes) => Some(bytes.len()),
            Content::Stream(_) => None,
        };
        f.debug_struct("Binary")
            .field("content_type", &self.content_type)
            .field("length", &length)
            .finish()
    }
}
