//! Answers that are taken as they come in, because they are large.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use tokio::time::{Instant, timeout_at};

use crate::error::ClientError;

/// How fast an answer has to come in. A deadline for the whole would be too short for what is large, or
/// too long for who sends a byte now and then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// At least so many bytes, after decompression,
    pub bytes: usize,
    /// in each of these spans.
    pub within: Duration,
}

/// An answer that has begun.
#[derive(Debug)]
pub struct Download {
    response: Response,
    host: String,
    pace: Pace,
    limit: usize,
    taken: usize,
    /// When the span ends that was begun, and what has come in it.
    span: (Instant, usize),
}

impl Download {
    pub(crate) fn new(response: Response, host: String, pace: Pace, limit: usize) -> Self {
        Self {
            response,
            host,
            pace,
            limit,
            taken: 0,
            span: (Instant::now() + pace.within, 0),
        }
    }

    /// HTTP status.
    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// What came next; none at the end.
    ///
    /// # Errors
    /// It broke off, is too slow, or has more bytes than were allowed.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        loop {
            let (end, come) = self.span;
            match timeout_at(end, self.response.chunk()).await {
                Ok(Ok(Some(chunk))) => return self.take(chunk).map(Some),
                Ok(Ok(None)) => return Ok(None),
                Ok(Err(error)) => {
                    let deadline = self.pace.within;
                    return Err(ClientError::from_reqwest(error, &self.host, deadline));
                }
                Err(_) if come >= self.pace.bytes => {
                    self.span = (Instant::now() + self.pace.within, 0);
                }
                Err(_) => {
                    let host = self.host.clone();
                    let Pace { bytes, within } = self.pace;
                    return Err(ClientError::Slow {
                        host,
                        bytes,
                        within,
                    });
                }
            }
        }
    }

    fn take(&mut self, chunk: Bytes) -> Result<Bytes, ClientError> {
        self.span.1 += chunk.len();
        self.taken = self.taken.saturating_add(chunk.len());
        if self.taken > self.limit {
            return Err(ClientError::TooLarge {
                host: self.host.clone(),
                limit: self.limit,
            });
        }
        Ok(chunk)
    }
}
