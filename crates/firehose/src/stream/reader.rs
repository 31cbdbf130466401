//! Keeps a connection open and reads.

mod ahead;
mod complaint;
mod connection;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tracing::{info, warn};

use super::Tools;
use super::chains::Chains;
use super::health::Pulse;
use super::meters::Meters;
use super::pause::pause;
use super::queue::Queue;
use super::resume::Resume;
use crate::{ConnectError, Cursor, SocketError, Sockets, Source, SourceKind, SourceUrl};

use ahead::Understanding;
use complaint::Complaint;
use connection::End;

/// After so many failures in a row the next host is asked: a connection that merely broke is better
/// opened again where the numbers are known. One that does not answer at all has taken its time already.
const FAILURES_OF_A_HOST: u32 = 3;
/// After so many connections in a row that end at a message too long to be passed over, what was missed is
/// left out: it would come again for ever.
const ENDLESS: u32 = 3;

pub(super) struct Reader {
    source: Source,
    sockets: Arc<dyn Sockets>,
    understanding: Understanding,
    chance: Box<dyn FnMut() -> u64 + Send>,
    clock: Box<dyn Fn() -> Timestamp + Send>,
    queue: Arc<Queue>,
    pulse: Arc<Pulse>,
    meters: Meters,
    resume: Resume,
    chains: Chains,
    complaint: Complaint,
    /// Which host is read.
    host: usize,
    /// Failures in a row, of whatever host.
    failures: u32,
    /// Failures in a row of this one.
    failures_here: u32,
    /// Connections in a row that ended at a message too long to be passed over.
    endless: u32,
}

impl Reader {
    pub(super) fn new(
        source: Source,
        from: Vec<Cursor>,
        tools: Tools,
        queue: Arc<Queue>,
        pulse: Arc<Pulse>,
    ) -> Self {
        Self {
            meters: Meters::new(&source.name),
            resume: Resume::new(source.kind, from),
            chains: Chains::default(),
            complaint: Complaint::default(),
            understanding: Understanding {
                kind: source.kind,
                wanted: Arc::new(source.wanted.clone()),
                signatures: tools.signatures,
            },
            source,
            sockets: tools.sockets,
            chance: tools.chance,
            clock: tools.clock,
            queue,
            pulse,
            host: 0,
            failures: 0,
            failures_here: 0,
            endless: 0,
        }
    }

    pub(super) async fn run(mut self) {
        while let Some(url) = self.source.hosts.get(self.host).cloned() {
            self.queue.plenty().await;
            self.pulse.change(|health| {
                health.waiting = false;
                health.host = url.host();
            });
            let end = self.connection(&url).await;
            self.meters.connected.set(0.0);
            let wait = self.after(&url, end);
            self.pulse.change(|health| {
                health.connected = false;
                health.failures = self.failures;
            });
            tokio::time::sleep(wait).await;
        }
        warn!(
            stream = self.source.name,
            "a source without hosts is not read"
        );
    }

    /// What a connection's end means: how long to wait, and which host is next.
    fn after(&mut self, url: &SourceUrl, end: End) -> Duration {
        let stream = &self.source.name;
        self.endless = match &end {
            End::Endless => self.endless + 1,
            _ => 0,
        };
        if self.endless == ENDLESS {
            self.endless = 0;
            self.resume.leave_out();
            warn!(
                stream,
                "reading goes on from now: what was before cannot be got past"
            );
        }
        let error = match &end {
            End::Stalled => {
                info!(
                    stream,
                    "closed a connection: nothing was taken from the queue"
                );
                self.pulse.change(|health| health.waiting = true);
                self.meters.stalls.increment(1);
                return Duration::ZERO;
            }
            End::Refused(refusal) => {
                if position_is_refused(refusal, self.source.kind) {
                    self.resume.refused(url.identity());
                }
                chain(refusal)
            }
            End::Endless => chain(&SocketError::Endless),
            End::Failed(error) => chain(&**error),
        };
        self.failures = self.failures.saturating_add(1);
        self.failures_here += match &end {
            End::Refused(ConnectError::Silent(_)) => FAILURES_OF_A_HOST,
            _ => 1,
        };
        let wait = pause(self.failures, (self.chance)());
        warn!(
            stream,
            host = url.host(),
            failures = self.failures,
            wait_ms = wait.as_millis() as u64,
            error,
            "the connection to a source ended"
        );
        self.pulse.change(|health| health.error = Some(error));
        if self.failures_here >= FAILURES_OF_A_HOST {
            self.failures_here = 0;
            self.host = (self.host + 1) % self.source.hosts.len();
        }
        wait
    }

    /// A frame stands somewhere: whatever went wrong before is over.
    fn recovered(&mut self) {
        if self.failures > 0 {
            (self.failures, self.failures_here) = (0, 0);
            self.pulse.change(|health| {
                health.failures = 0;
                health.error = None;
            });
        }
    }
}

/// Whether a host does not know the position that it was asked for.
///
/// The body can come after the headers and is not waited for; without one, the second protocol, which
/// can be asked by time instead, is.
fn position_is_refused(error: &ConnectError, kind: SourceKind) -> bool {
    let ConnectError::Refused { status: 400, body } = error else {
        return false;
    };
    let says = |name: &str| body.windows(name.len()).any(|part| part == name.as_bytes());
    ["CursorTooOld", "FutureCursor", "OutdatedCursor"]
        .into_iter()
        .any(says)
        || (body.is_empty() && kind == SourceKind::Jetstream2)
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
