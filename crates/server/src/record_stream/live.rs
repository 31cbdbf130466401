//! How the streams are doing, for whoever asks about the server's health.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use loggia_firehose::{Health, Stream};
use serde_json::{Value, json};

/// A stream that is not connected counts as live for so long after its last frame: connections end and
/// are made anew all the time.
const PATIENCE: Duration = Duration::from_secs(60);

/// How each stream of this node is doing. Cheap to clone.
#[derive(Clone, Default)]
pub struct LiveStreams(Arc<Mutex<BTreeMap<String, Known>>>);

/// What this node does with a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamLife {
    /// It has not found out yet whether it consumes it.
    Starting,
    /// Another node consumes it.
    Elsewhere,
    /// This node consumes it.
    Here,
    /// This node consumes it, and cannot write what it says: the source waits.
    Stuck,
}

#[derive(Clone)]
struct Known {
    life: StreamLife,
    stream: Option<Arc<Stream>>,
    gaps: u64,
    quarantined: u64,
}

impl LiveStreams {
    /// The streams of these names, about to start.
    pub fn starting<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let all = Self::default();
        for name in names {
            all.change(name, |known| known.life = StreamLife::Starting);
        }
        all
    }

    pub(super) fn is(&self, name: &str, life: StreamLife) {
        self.change(name, |known| known.life = life);
    }

    /// The stream is read here, or no longer.
    pub(super) fn reads(&self, name: &str, stream: Option<Arc<Stream>>) {
        self.change(name, |known| known.stream = stream);
    }

    pub(super) fn saw_gap(&self, name: &str) {
        self.change(name, |known| known.gaps += 1);
    }

    pub(super) fn quarantined(&self, name: &str, frames: u64) {
        self.change(name, |known| known.quarantined += frames);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Whether every stream is consumed, here or elsewhere.
    pub fn are_live(&self) -> bool {
        self.lock().values().all(Known::is_live)
    }

    /// Each stream by name: counts and truths, nothing that anybody else wrote.
    pub fn shown(&self) -> Value {
        let all = self.lock();
        all.iter()
            .map(|(name, known)| (name.clone(), known.shown()))
            .collect()
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Known)) {
        let mut all = self.lock();
        change(all.entry(name.to_owned()).or_insert_with(|| Known {
            life: StreamLife::Starting,
            stream: None,
            gaps: 0,
            quarantined: 0,
        }));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn is_live(&self) -> bool {
        match self.life {
            StreamLife::Starting | StreamLife::Stuck => false,
            StreamLife::Elsewhere => true,
            StreamLife::Here => self.stream.as_ref().is_some_and(|stream| {
                let health = stream.health();
                let recent = health.silence.is_some_and(|silence| silence < PATIENCE);
                (health.connected || recent) && health.makes_sense()
            }),
        }
    }

    fn shown(&self) -> Value {
        let health = self.stream.as_ref().map(|stream| stream.health());
        let Health {
            connected,
            waiting,
            silence,
            queued,
            frames,
            malformed,
            connections,
            failures,
            ..
        } = health.unwrap_or_default();
        json!({
            "live": self.is_live(),
            "consumer": match self.life {
                StreamLife::Starting => "starting",
                StreamLife::Elsewhere => "elsewhere",
                StreamLife::Here => "here",
                StreamLife::Stuck => "stuck",
            },
            "connected": connected,
            "waiting": waiting,
            "silentSeconds": silence.map(|silence| silence.as_secs()),
            "queuedFrames": queued,
            "frames": frames,
            "malformedFrames": malformed,
            "quarantined": self.quarantined,
            "connections": connections,
            "failures": failures,
            "gaps": self.gaps,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_without_streams_is_live_and_one_that_starts_is_not() {
        assert!(LiveStreams::starting([]).are_live());
        let streams = LiveStreams::starting(["network", "own"]);
        assert!(!streams.are_live());
        streams.is("network", StreamLife::Elsewhere);
        streams.is("own", StreamLife::Here);
        assert!(!streams.are_live(), "nothing is connected");
        streams.is("own", StreamLife::Elsewhere);
        assert!(streams.are_live());
        let shown = streams.shown();
        assert_eq!(shown["own"]["consumer"], "elsewhere");
        assert_eq!(shown["network"]["silentSeconds"], Value::Null);
    }
}
