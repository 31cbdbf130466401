//! Reading a request body: within its limit, within its time, decoded.

use std::io;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

use axum::body::{Body, HttpBody as _};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use http::request::Parts;
use http::{StatusCode, header};
use http_body_util::BodyExt;
use loggia_xrpc::{Chunks, Rejection};

use crate::coding::{ACCEPTED, Coding};
use crate::{status, stop};

/// Why a body could not be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// It is longer than this allows, decoded or as sent.
    TooLarge,
    /// The connection broke, or its coding is wrong.
    Broken,
    /// It took too long.
    TooSlow,
}

impl Stopped {
    /// The answer.
    pub fn reject(self, limit: usize) -> Rejection {
        let (code, message) = match self {
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("the body is longer than {limit} bytes"),
            ),
            Self::Broken => (
                StatusCode::BAD_REQUEST,
                "the body could not be read to its end: it broke off, or is not of its Content-Encoding"
                    .to_owned(),
            ),
            Self::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                "the body took too long to arrive".to_owned(),
            ),
        };
        // What is left of the body is not read: the connection is of no more use.
        Rejection::new(code.as_u16(), status::name_of(code), message).header("connection", "close")
    }
}

/// What went wrong with a body that a handler reads by itself, if anything.
///
/// The handler only sees an [`io::Error`] and cannot know that it is the caller's fault. Most calls
/// have no such body, and then there is nothing to share.
#[derive(Debug, Default)]
pub(crate) struct Fault(OnceLock<Arc<AtomicU8>>);

impl Fault {
    fn note(&self, stopped: Stopped) -> io::Error {
        let noted = self.0.get_or_init(Arc::default);
        noted.store(stopped as u8 + 1, Ordering::Relaxed);
        io::Error::other(match stopped {
            Stopped::TooLarge => "the body is longer than its limit",
            Stopped::Broken => "the body could not be read to its end",
            Stopped::TooSlow => "the body took too long to arrive",
        })
    }

    /// Another hand on the same note.
    fn share(&self) -> Self {
        let noted = Arc::clone(self.0.get_or_init(Arc::default));
        Self(OnceLock::from(noted))
    }

    /// What went wrong.
    pub fn found(&self) -> Option<Stopped> {
        match self.0.get()?.load(Ordering::Relaxed) {
            1 => Some(Stopped::TooLarge),
            2 => Some(Stopped::Broken),
            3 => Some(Stopped::TooSlow),
            _ => None,
        }
    }
}

/// The coding of the body; 415 if it is not one of ours.
pub(super) fn coding(parts: &Parts) -> Result<Option<Coding>, Rejection> {
    let Some(value) = parts.headers.get(header::CONTENT_ENCODING) else {
        return Ok(None);
    };
    let several = parts
        .headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .count()
        > 1;
    value
        .to_str()
        .ok()
        .filter(|_| !several)
        .ok_or(())
        .and_then(Coding::of_content)
        .map_err(|()| {
            let code = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            let message = stop::shorten(
                format!("Content-Encoding {value:?} is not understood; send one of {ACCEPTED}"),
                200,
            );
            Rejection::new(code.as_u16(), status::name_of(code), message)
                .header("accept-encoding", ACCEPTED)
        })
}

/// Reads the whole body. A body that came in one piece is not copied.
pub(super) async fn whole(
    body: Body,
    coding: Option<Coding>,
    limit: usize,
    coded_limit: usize,
) -> Result<Bytes, Stopped> {
    if coding.is_some() {
        let fault = Fault::default();
        let mut chunks = chunks(body, coding, limit, coded_limit, &fault);
        let mut all = BytesMut::new();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| fault.found().unwrap_or(Stopped::Broken))?;
            all.extend_from_slice(&chunk);
        }
        return Ok(all.freeze());
    }
    if body.size_hint().lower() > limit as u64 {
        return Err(Stopped::TooLarge);
    }
    plain(body, limit).await
}

async fn plain(mut body: Body, limit: usize) -> Result<Bytes, Stopped> {
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Stopped::Broken)?.into_data() else {
            continue;
        };
        if first.len() + all.len() + data.len() > limit {
            return Err(Stopped::TooLarge);
        }
        if first.is_empty() && all.is_empty() {
            first = data;
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&data);
        }
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

/// The body as it comes, decoded. What stops it is noted in `fault`.
pub(super) fn chunks(
    body: Body,
    coding: Option<Coding>,
    limit: usize,
    coded_limit: usize,
    fault: &Fault,
) -> Chunks {
    let sent = body
        .into_data_stream()
        .map(|chunk| chunk.map_err(io::Error::other));
    let (decoded, limit) = match coding {
        None => (sent.boxed(), limit),
        Some(coding) => (
            coding.decode(within(sent, coded_limit, fault.share()).boxed()),
            limit,
        ),
    };
    within(decoded, limit, fault.share()).boxed()
}

/// A stream that ends with an error once it is longer than the limit.
fn within(
    chunks: impl Stream<Item = io::Result<Bytes>> + Send + Unpin,
    limit: usize,
    fault: Fault,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::try_unfold(
        (chunks, limit, fault),
        |(mut chunks, left, fault)| async move {
            match chunks.next().await {
                None => Ok(None),
                Some(Ok(chunk)) => match left.checked_sub(chunk.len()) {
                    Some(left) => Ok(Some((chunk, (chunks, left, fault)))),
                    None => Err(fault.note(Stopped::TooLarge)),
                },
                Some(Err(error)) => match fault.found() {
                    // Noted further in already, e.g. before decoding.
                    Some(_) => Err(error),
                    None => Err(fault.note(Stopped::Broken)),
                },
            }
        },
    )
}

/// Whether the request has a body, by its headers.
pub(super) fn is_absent(body: &Body) -> bool {
    body.is_end_stream()
}
