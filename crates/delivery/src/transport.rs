//! One HTTP request out, as the engine sees it.

use std::borrow::Cow;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;

use crate::{Fault, Target};

/// Sends one request. Implemented over the guarded HTTP client, elsewhere.
pub trait Transport: Send + Sync + 'static {
    /// POSTs the request and reads the answer.
    ///
    /// Names itself as `User-Agent`, unless the request has one: only a receiver that expects a
    /// certain product is told of one by its profile.
    ///
    /// Obeys [`Request::timeout`] over the whole attempt, follows no redirect, goes only to
    /// addresses that the guard allows, and closes the connection after
    /// [`Request::MAX_ANSWER`] bytes.
    fn send(&self, request: Request) -> impl Future<Output = Result<Answer, Fault>> + Send;
}

/// A signed request. `Debug` is left out on purpose: nobody is to print it.
#[derive(Clone)]
pub struct Request {
    /// Where to.
    pub target: Target,
    /// Names in lower case, values in visible ASCII.
    pub headers: Vec<(Cow<'static, str>, String)>,
    /// The body, as it was signed.
    pub body: Bytes,
    /// One deadline from name resolution to the last byte of the answer.
    pub timeout: Duration,
}

impl Request {
    /// An answer is read up to this many bytes after decompression: enough for any that is meant
    /// to be read, no more than a hostile one may cost.
    pub const MAX_ANSWER: usize = 64 * 1024;
}

/// What the receiver said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The `Retry-After` header as it stands.
    pub retry_after: Option<String>,
    /// The body, at most [`Request::MAX_ANSWER`] bytes.
    pub body: Bytes,
}
