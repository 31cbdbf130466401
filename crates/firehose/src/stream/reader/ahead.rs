//! Frames in their order, understood ahead of the one whose turn it is: to check a signature is to wait
//! for a key, and while one is waited for, others can be.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;

use super::connection::{End, Useless};
use crate::dictionary::Inflater;
use crate::{
    Frame, Malformed, Message, Reason, Signatures, Socket, SocketError, Soon, SourceKind, Wanted,
    jetstream, repos,
};

/// The most frames that wait for keys at once.
const MOST_FRAMES: usize = 32;
/// After so many bytes that wait for keys no more are read.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// How frames are understood.
#[derive(Clone)]
pub(super) struct Understanding {
    pub(super) kind: SourceKind,
    pub(super) wanted: Arc<Wanted>,
    pub(super) signatures: Option<Arc<dyn Signatures>>,
}

/// A message, and what it says.
pub(super) type Understood = (Message, Result<Frame, Malformed>);

/// What comes next on a connection.
pub(super) enum Step {
    Frame(Understood),
    End(End),
}

/// The frames of one connection that are on their way.
pub(super) struct Ahead {
    understanding: Understanding,
    inflater: Option<Inflater>,
    waiting: FuturesOrdered<Soon<'static, Understood>>,
    bytes: usize,
    end: Option<End>,
}

impl Understanding {
    /// Understands a message, at once or when a key has come.
    fn begin(&self, message: Message) -> Result<Understood, Soon<'static, Understood>> {
        let read = match (self.kind, &message, &self.signatures) {
            (SourceKind::Jetstream, Message::Text(text), _) => jetstream::read(text, &self.wanted),
            (SourceKind::Jetstream2, Message::Text(text), _) => {
                jetstream::read2(text, &self.wanted)
            }
            (SourceKind::Repos, Message::Binary(bytes), None) => repos::read(bytes, &self.wanted),
            (SourceKind::Repos, Message::Binary(_), Some(signatures)) => {
                return Err(Box::pin(signed(
                    message,
                    self.wanted.clone(),
                    signatures.clone(),
                )));
            }
            (_, &Message::TooLong { bytes, sha256 }, _) => Err(Malformed {
                reason: Reason::TooLong,
                sha256,
                bytes,
                position: None,
            }),
            (_, message, _) => Err(Malformed::new(Reason::Syntax, message.bytes(), None)),
        };
        Ok((message, read))
    }
}

async fn signed(
    message: Message,
    wanted: Arc<Wanted>,
    signatures: Arc<dyn Signatures>,
) -> Understood {
    let read = repos::read_signed(message.bytes(), &wanted, &*signatures).await;
    (message, read)
}

impl Ahead {
    pub(super) fn new(understanding: Understanding, inflater: Option<Inflater>) -> Self {
        Self {
            understanding,
            inflater,
            waiting: FuturesOrdered::new(),
            bytes: 0,
            end: None,
        }
    }

    /// The next frame, or the end when all frames before it were given.
    pub(super) async fn next(&mut self, socket: &mut dyn Socket) -> Step {
        loop {
            if self.waiting.is_empty()
                && let Some(end) = self.end.take()
            {
                return Step::End(end);
            }
            let is_free = self.waiting.len() < MOST_FRAMES && self.bytes < MOST_BYTES;
            tokio::select! {
                biased;
                Some(understood) = self.waiting.next(), if !self.waiting.is_empty() => {
                    self.bytes -= understood.0.len();
                    return Step::Frame(understood);
                }
                came = socket.next(), if is_free && self.end.is_none() => match came {
                    Ok(Some(message)) => if let Some(understood) = self.begin(message) {
                        return Step::Frame(understood);
                    },
                    Ok(None) => self.end = Some(End::Failed(Useless::Ended.into())),
                    Err(SocketError::Endless) => self.end = Some(End::Endless),
                    Err(error) => self.end = Some(End::Failed(Box::new(error))),
                }
            }
        }
    }

    /// What a message says, if that is known at once.
    fn begin(&mut self, message: Message) -> Option<Understood> {
        let message = match (&mut self.inflater, message) {
            (Some(inflater), Message::Binary(frame)) => match inflater.inflate(&frame) {
                Some(text) => Message::Text(text),
                None => {
                    let malformed = Malformed::new(Reason::Compression, &frame, None);
                    return Some((Message::Binary(frame), Err(malformed)));
                }
            },
            (_, message) => message,
        };
        let length = message.len();
        match self.understanding.begin(message) {
            Ok(understood) => Some(understood),
            Err(later) => {
                self.bytes += length;
                self.waiting.push_back(later);
                None
            }
        }
    }
}
