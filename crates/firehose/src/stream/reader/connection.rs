//! One connection, from its opening to its end.

use std::error::Error;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::timeout;
use tracing::{debug, info, warn};

use super::super::queue::Item;
use super::super::resume::Start;
use super::Reader;
use super::ahead::{Ahead, Step};
use crate::frame::Notice;
use crate::{
    ConnectError, Event, Frame, Malformed, Message, Reason, Record, Socket, SourceKind, SourceUrl,
    What,
};

/// How long the queue may stay full before the connection is closed: a host drops a reader that is too
/// slow, and keeps what it sends in its memory meanwhile.
const PATIENCE: Duration = Duration::from_secs(5);

/// After so many bad frames without a good one, a connection is given up. Twice as many after every
/// failure, so that a stretch of bad frames that comes again and again is got past.
const MOST_BAD_FRAMES: u32 = 64;
/// How often that doubles.
const DOUBLINGS: u32 = 10;

/// How much a source's clock may be ahead of ours. From a place that is later than that it would go on only
/// then, and what happens until then would be missed.
const AHEAD: SignedDuration = SignedDuration::from_mins(10);

/// What a frame takes in the queue besides its own bytes.
const OVERHEAD: usize = 256;

/// How a connection ended.
pub(super) enum End {
    /// What was read is not taken.
    Stalled,
    /// The host did not let us in.
    Refused(ConnectError),
    /// It sends a message that cannot even be passed over.
    Endless,
    /// It broke, or what it sends is of no use.
    Failed(Box<dyn Error + Send + Sync>),
}

/// Why a connection that works is closed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Useless {
    #[error("the source ended the connection")]
    Ended,
    #[error("the source says that it ends here")]
    SaidSo,
    #[error("{0} frames in a row cannot be read")]
    Garbage(u32),
}

impl Reader {
    /// Opens a connection and reads until it ends.
    pub(super) async fn connection(&mut self, url: &SourceUrl) -> End {
        let mut start = self.resume.start(url.identity());
        let asked = url.from(start.position, &self.source);
        let mut socket = match self.sockets.connect(&asked).await {
            Ok(socket) => socket,
            Err(error) => return End::Refused(error),
        };
        self.meters.connections.increment(1);
        self.meters.connected.set(1.0);
        self.pulse.change(|health| {
            health.connected = true;
            health.connections += 1;
        });
        let end = self.read(url, &mut *socket, &mut start).await;
        socket.close().await;
        end
    }

    async fn read(&mut self, url: &SourceUrl, socket: &mut dyn Socket, start: &mut Start) -> End {
        let (mut bad, most_bad) = (0, MOST_BAD_FRAMES << self.failures.min(DOUBLINGS));
        let mut ahead = Ahead::new(self.understanding.clone(), self.source.inflater());
        loop {
            let (message, frame) = match ahead.next(socket).await {
                Step::Frame(understood) => understood,
                Step::End(end) => return end,
            };
            if timeout(PATIENCE, self.queue.room()).await.is_err() {
                return End::Stalled;
            }
            bad = if frame.is_ok() { 0 } else { bad + 1 };
            self.pulse.change(|health| match &frame {
                Ok(_) => (health.understood, health.astray) = (health.understood + 1, 0),
                Err(malformed) if malformed.reason == Reason::TooLong => {}
                Err(_) => health.astray += 1,
            });
            let said_end = matches!(&frame, Ok(frame) if frame.notice == Some(Notice::End));
            self.keep(url, &message, frame, start);
            if said_end {
                return End::Failed(Useless::SaidSo.into());
            }
            if bad == most_bad {
                return End::Failed(Useless::Garbage(bad).into());
            }
        }
    }

    /// Notices where commits of an account were left out.
    fn follow(&mut self, frame: &mut Frame) {
        let Some(chain) = frame.chain.take() else {
            return;
        };
        let did = chain.did.clone();
        if self.chains.follow(*chain) {
            frame.flaws.push(Reason::Chain);
            if let Some(resync) = frame.resync(&did) {
                frame.events.push(resync);
            }
        }
    }

    /// Puts a frame into the queue.
    fn keep(
        &mut self,
        url: &SourceUrl,
        message: &Message,
        frame: Result<Frame, Malformed>,
        start: &mut Start,
    ) {
        let host = url.identity();
        let latest = (self.clock)()
            .saturating_add(AHEAD)
            .unwrap_or(Timestamp::MAX);
        let mut item = Item::default();
        match frame {
            Ok(mut frame) => {
                self.follow(&mut frame);
                if let Some(notice) = frame.notice {
                    info!(
                        stream = self.source.name,
                        host = url.host(),
                        ?notice,
                        "a source says"
                    );
                    self.resume.noticed(host, notice, start);
                }
                let position = frame.place.map(|place| place.position);
                // The second protocol begins with the event that was asked for, which is done.
                let is_known = self.source.kind == SourceKind::Jetstream2
                    && position.is_some()
                    && position == start.position;
                if let Some(place) = frame.place {
                    self.recovered();
                    item.gap = self.resume.reached(host, place, (start, latest));
                }
                if !is_known {
                    item.events = frame.events;
                }
                let flaws = frame.flaws.into_iter();
                item.malformed = flaws
                    .map(|flaw| Malformed::new(flaw, message.bytes(), position))
                    .collect();
            }
            Err(malformed) => {
                if malformed.reason == Reason::TooLong {
                    self.resume.left_out(start);
                }
                if let Some(position) = malformed.position {
                    self.resume.passed(host, position, latest);
                }
                item.malformed = vec![malformed];
            }
        }
        item.bytes = OVERHEAD + message.len().max(records(&item.events));
        item.cursor = self.resume.cursor(host).cloned();
        self.count(&item);
        self.queue.push(item);
    }

    fn count(&mut self, item: &Item) {
        self.meters.frames.increment(1);
        self.meters.bytes.increment(item.bytes as u64);
        self.meters.events.increment(item.events.len() as u64);
        if let Some(gap) = &item.gap {
            warn!(stream = self.source.name, from = %gap.from, to = %gap.to, "events were missed");
            self.meters.gaps.increment(1);
        }
        if let Some(last) = item.malformed.last() {
            self.complaint
                .hear(&self.source.name, &item.malformed, last.reason);
        }
        for malformed in &item.malformed {
            debug!(stream = self.source.name, ?malformed, "passed over a frame");
            self.meters.malformed(malformed.reason);
        }
        self.pulse.beat(item.cursor.as_ref(), item.malformed.len());
    }
}

/// How long the records of these events are together.
fn records(events: &[Event]) -> usize {
    let length = |event: &Event| match &event.what {
        What::Change(change) => change.record.as_ref().map_or(0, Record::len),
        _ => 0,
    };
    events.iter().map(length).sum()
}
