//! What a method is: one type that ties its NSID to params, input, output and declared errors.

use crate::{Body, DeclaredError, Params};

/// Which of the three kinds a method is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Called with GET (and HEAD).
    Query,
    /// Called with POST.
    Procedure,
    /// An event stream over WebSocket.
    Subscription,
}

/// A query or a procedure. Generated: one marker type per lexicon.
pub trait Method: Sized + Send + Sync + 'static {
    /// The NSID, as in the path and in `lxm`.
    const NSID: &'static str;
    /// Query or procedure.
    const KIND: Kind;
    /// URL parameters; `()` if the lexicon declares none.
    type Params: Params;
    /// The request body; [`NoBody`](crate::NoBody) if there is none.
    type Input: Body;
    /// The response body; [`NoBody`](crate::NoBody) if there is none.
    type Output: Body;
    /// The declared errors; [`NoError`](crate::NoError) if there are none.
    type Error: DeclaredError;
    /// Which decoded arguments a handler of this method takes: one of [`shape`].
    type Shape;
}

/// Which decoded arguments end a handler's argument list.
pub mod shape {
    /// Neither params nor input.
    #[derive(Debug)]
    pub enum Nothing {}
    /// `params: Params`
    #[derive(Debug)]
    pub enum ParamsOnly {}
    /// `input: Input`
    #[derive(Debug)]
    pub enum InputOnly {}
    /// `params: Params, input: Input`
    #[derive(Debug)]
    pub enum ParamsAndInput {}
}

/// An event stream. Generated: one marker type per lexicon.
pub trait Subscription: Sized + Send + Sync + 'static {
    /// The NSID, as in the path.
    const NSID: &'static str;
    /// URL parameters; `()` if the lexicon declares none.
    type Params: Params;
    /// What a frame carries: a union whose variants name their frame type.
    type Message: Message;
    /// The declared errors; [`NoError`](crate::NoError) if there are none.
    type Error: DeclaredError;
    /// [`shape::Nothing`] or [`shape::ParamsOnly`].
    type Shape;
}

/// What one frame of an event stream carries.
pub trait Message: serde::Serialize + Send + 'static {
    /// The frame's `t`: `#name` for a definition of the same lexicon, else the full reference.
    ///
    /// The payload is written without `$type` (event stream specification).
    fn frame_type(&self) -> &str;
}

/// A message that clients can read. Generated, as [`Message`] is.
pub trait ReadMessage: Message + Sized {
    /// Reads the payload of a frame of this type, as [`frame_type`](Message::frame_type) has it.
    ///
    /// `None`, with nothing read, if the lexicon has no such message: it may be newer than ours.
    fn read<'de, D: serde::Deserializer<'de>>(
        frame_type: &str,
        payload: D,
    ) -> Result<Option<Self>, D::Error>;
}
