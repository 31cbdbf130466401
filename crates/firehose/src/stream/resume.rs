//! Where to begin, and what was missed. Pure.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::frame::{Notice, Place};
use crate::{Cursor, Gap, SourceKind};

/// How much earlier a source is asked to begin that goes by time: what happened at once can arrive in
/// any order.
const REWIND: SignedDuration = SignedDuration::from_secs(2);

/// Sources commonly begin where they can when they are asked for more than they have, and do not say so.
/// When so much time lies between what was asked for and what came first, that is taken to be the
/// case; on a quiet source it may be a false alarm.
const SILENCE: SignedDuration = SignedDuration::from_mins(10);

/// How far one source was read, on each of its hosts.
#[derive(Debug)]
pub(crate) struct Resume {
    kind: SourceKind,
    /// By the identity of the host.
    hosts: HashMap<String, Cursor>,
    /// The host that was read last, and the time of what it said last.
    last: Option<(String, Timestamp)>,
    /// Whether the host no longer knows the number that it was asked for.
    by_time: bool,
    /// Whether what happened before now is not asked for any more.
    from_now: bool,
}

/// How one connection begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    /// What the host is asked for; none for what happens from now on.
    pub(crate) position: Option<i64>,
    watch: Watch,
}

/// What is to be told from the first event.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Watch {
    Nothing,
    /// Something was missed for certain.
    Missed {
        from: Timestamp,
    },
    /// Something was missed if the numbers have begun anew, or much time lies between.
    Perhaps {
        from: Timestamp,
    },
}

impl Resume {
    pub(crate) fn new(kind: SourceKind, from: Vec<Cursor>) -> Self {
        let last = from.iter().max_by_key(|cursor| cursor.time);
        Self {
            kind,
            last: last.map(|cursor| (cursor.source.clone(), cursor.time)),
            hosts: from
                .into_iter()
                .map(|cursor| (cursor.source.clone(), cursor))
                .collect(),
            by_time: false,
            from_now: false,
        }
    }

    /// The cursor of a host.
    pub(crate) fn cursor(&self, host: &str) -> Option<&Cursor> {
        self.hosts.get(host)
    }

    /// How to begin on this host.
    pub(crate) fn start(&self, host: &str) -> Start {
        let Some((last, time)) = &self.last else {
            return Start {
                position: None,
                watch: Watch::Nothing,
            };
        };
        if self.from_now {
            return Start {
                position: None,
                watch: Watch::Missed { from: *time },
            };
        }
        let own = self.hosts.get(host);
        let number = match self.kind {
            SourceKind::Jetstream => None,
            SourceKind::Jetstream2 => own.filter(|_| last == host && !self.by_time),
            SourceKind::Repos => own,
        };
        match (self.kind, number) {
            (_, Some(own)) => Start {
                position: Some(own.position),
                watch: watch(own.time),
            },
            (SourceKind::Repos, None) => Start {
                position: None,
                watch: Watch::Missed { from: *time },
            },
            // What is as large as a time is taken for one by the second protocol, too.
            _ => Start {
                position: Some(rewound(*time)),
                watch: watch(*time),
            },
        }
    }

    /// The host refused to begin there.
    pub(crate) fn refused(&mut self, host: &str) {
        self.by_time = true;
        if self.kind == SourceKind::Repos {
            self.hosts.remove(host);
        }
    }

    /// What comes next on any host cannot be got past: reading goes on with what happens from now on.
    pub(crate) fn leave_out(&mut self) {
        self.from_now = true;
    }

    /// A frame of this host stands here. A source's order is mostly right, and where it is not, the
    /// last frame's place is what begins anew too early rather than too late.
    ///
    /// What is dated later than `latest` does not say how far a source goes by time was read, and is no
    /// time to measure a gap from.
    pub(crate) fn reached(
        &mut self,
        host: &str,
        place: Place,
        (start, latest): (&mut Start, Timestamp),
    ) -> Option<Gap> {
        if place.time > latest && self.kind == SourceKind::Jetstream {
            return None;
        }
        let place = Place {
            time: place.time.min(latest),
            ..place
        };
        (self.by_time, self.from_now) = (false, false);
        let own = self.hosts.entry(host.to_owned()).or_insert_with(|| Cursor {
            source: host.to_owned(),
            position: place.position,
            time: place.time,
        });
        (own.position, own.time) = (place.position, place.time);
        match &mut self.last {
            Some((last, time)) if last == host => *time = place.time,
            last => *last = Some((host.to_owned(), place.time)),
        }
        start.first(self.kind, place)
    }

    /// A frame with this number was passed over: it is not to come again. For `latest` see
    /// [`Resume::reached`].
    pub(crate) fn passed(&mut self, host: &str, position: i64, latest: Timestamp) {
        let Some(own) = self.hosts.get_mut(host) else {
            return;
        };
        match (self.kind, Timestamp::from_microsecond(position)) {
            // Its number is its time.
            (SourceKind::Jetstream, Ok(time)) if time <= latest => {
                (own.position, own.time) = (position, time);
                self.last = Some((host.to_owned(), time));
            }
            (SourceKind::Jetstream, _) => {}
            _ => own.position = position,
        }
    }

    /// Nobody knows what was in a frame that could not even be read: up to the next one that stands
    /// somewhere, something was missed.
    pub(crate) fn left_out(&self, start: &mut Start) {
        if let Some((_, from)) = &self.last {
            start.watch = Watch::Missed { from: *from };
        }
    }

    /// What a host says of the position that it was asked for.
    pub(crate) fn noticed(&mut self, host: &str, notice: Notice, start: &mut Start) {
        if notice == Notice::End {
            return;
        }
        if let Some((_, from)) = &self.last
            && *from > Timestamp::UNIX_EPOCH
        {
            start.watch = Watch::Missed { from: *from };
        }
        if notice == Notice::Future {
            self.hosts.remove(host);
        }
    }
}

impl Start {
    /// What the first frame that stands somewhere tells of what was missed.
    fn first(&mut self, kind: SourceKind, place: Place) -> Option<Gap> {
        let (from, missed) = match std::mem::replace(&mut self.watch, Watch::Nothing) {
            Watch::Nothing => return None,
            Watch::Missed { from } => (from, true),
            Watch::Perhaps { from } => {
                // How many numbers after what was asked for; numbers that follow leave nothing out.
                let steps = self
                    .position
                    .map(|asked| place.position.saturating_sub(asked));
                let anew = kind == SourceKind::Repos && steps.is_some_and(|steps| steps < 0);
                let follows = steps.is_some_and(|steps| matches!(steps, 0 | 1));
                let is_late = place.time.duration_since(from) > SILENCE;
                (from, anew || is_late && !follows)
            }
        };
        missed.then(|| Gap {
            from,
            to: place.time.max(from),
        })
    }
}

/// From the very first event on there is nothing to miss.
fn watch(from: Timestamp) -> Watch {
    match from > Timestamp::UNIX_EPOCH {
        true => Watch::Perhaps { from },
        false => Watch::Nothing,
    }
}

/// A time as a position.
fn rewound(time: Timestamp) -> i64 {
    time.saturating_sub(REWIND)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .as_microsecond()
        .max(0)
}
