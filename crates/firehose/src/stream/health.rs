//! How a stream is doing.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::Cursor;

/// How a stream is doing. Holds no position's meaning and nothing that a stranger wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Whether a connection is open. An idle source is connected for as long as it answers pings.
    pub connected: bool,
    /// The host that is connected to, or tried next.
    pub host: String,
    /// Whether reading has stopped because what was read is not taken.
    pub waiting: bool,
    /// How long ago the last frame came; none if none came yet.
    pub silence: Option<Duration>,
    /// How many frames wait to be taken.
    pub queued: usize,
    /// How far was read.
    pub read: Option<Cursor>,
    /// How far the consumer is done.
    pub done: Option<Cursor>,
    /// Frames that were read since the stream was opened.
    pub frames: u64,
    /// Frames, or parts of them, that could not be used.
    pub malformed: u64,
    /// Frames that could be read, whatever they say.
    pub understood: u64,
    /// Frames in a row that could not be: what never says anything else is no source of this kind.
    pub astray: u64,
    /// Connections that were opened.
    pub connections: u64,
    /// Attempts in a row that came to nothing.
    pub failures: u32,
    /// Why the last connection failed or ended.
    pub error: Option<String>,
}

/// After so many frames in a row that cannot be read a source is taken for lost.
const LOST: u64 = 64;

impl Health {
    /// Whether what comes is what the source should say: nothing at all is, for an idle one.
    pub fn makes_sense(&self) -> bool {
        self.astray == 0 || (self.understood > 0 && self.astray < LOST)
    }
}

/// The health that reader and consumer both keep.
#[derive(Default)]
pub(crate) struct Pulse(Mutex<(Health, Option<Instant>)>);

impl Pulse {
    pub(crate) fn change(&self, change: impl FnOnce(&mut Health)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).0);
    }

    /// A frame came.
    pub(crate) fn beat(&self, cursor: Option<&Cursor>, malformed: usize) {
        let mut pulse = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (health, last) = &mut *pulse;
        *last = Some(Instant::now());
        health.frames += 1;
        health.malformed += malformed as u64;
        match (&mut health.read, cursor) {
            (Some(read), Some(cursor)) if read.source == cursor.source => {
                (read.position, read.time) = (cursor.position, cursor.time);
            }
            (read, Some(cursor)) => *read = Some(cursor.clone()),
            (_, None) => {}
        }
    }

    pub(crate) fn health(&self, queued: usize) -> Health {
        let pulse = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (health, last) = &*pulse;
        Health {
            silence: last.map(|last| last.elapsed()),
            queued,
            ..health.clone()
        }
    }
}
