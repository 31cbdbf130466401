//! A server that runs: its parts side by side, and one deadline for stopping them all.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{self, JoinError, JoinSet};

use crate::ServeError;

/// How long all of stopping may take: below the 30 s after which orchestrators kill.
///
/// Calls and deliveries stop at the same time, each with a shorter limit ([`DRAIN`], [`ATTEMPTS`]), so
/// that outcomes can still be written and the database closed.
pub const STOP: Duration = Duration::from_secs(25);

/// How long calls in flight and closing event streams may take of [`STOP`].
pub const DRAIN: Duration = Duration::from_secs(20);

/// How long delivery attempts in flight may take of [`STOP`]; what is cut short goes out again after the
/// next start.
pub const ATTEMPTS: Duration = Duration::from_secs(15);

const _: () = assert!(DRAIN.as_secs() < STOP.as_secs() && ATTEMPTS.as_secs() < STOP.as_secs());

/// What a server consists of while it runs. None of them ends before it is told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Answering calls.
    Http,
    /// Delivering.
    Delivery,
    /// Sending again what was asked for.
    Replays,
    /// Listening to other nodes.
    Announcements,
    /// Forgetting what is over.
    Sweeping,
    /// Archiving and removing old deliveries.
    DailySweep,
    /// Folding events for projections.
    Folding,
    /// Publishing outcomes.
    LiveChannel,
    /// Following keys that another process has changed.
    Keys,
    /// Consuming a record stream.
    RecordStream,
    /// Reading webhooks back from where they are kept.
    WispRegistry,
    /// Finding out where hosts are that are to be told.
    SpaceCalls,
    /// Removing what is left of spaces that were closed.
    SpaceClosing,
    /// Answering probes on a port of their own.
    Probes,
    /// Telling the webhooks of streamers.
    Streamplace,
    /// Copying spaces that are hosted elsewhere.
    SpaceCopies,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "answering calls",
            Self::Delivery => "delivery",
            Self::Replays => "replaying",
            Self::Announcements => "listening to other nodes",
            Self::Sweeping => "sweeping",
            Self::DailySweep => "the daily sweep",
            Self::Folding => "folding",
            Self::LiveChannel => "the channel for live outcomes",
            Self::Keys => "following keys",
            Self::RecordStream => "consuming a record stream",
            Self::WispRegistry => "reading webhooks back",
            Self::SpaceCalls => "finding hosts of spaces",
            Self::SpaceClosing => "closing spaces",
            Self::Probes => "answering probes",
            Self::Streamplace => "telling webhooks of streamers",
            Self::SpaceCopies => "copying spaces",
        })
    }
}

/// The parts that run.
pub(crate) struct Running {
    parts: JoinSet<Result<(), ServeError>>,
    names: HashMap<task::Id, Part>,
    stop: watch::Sender<bool>,
}

impl Running {
    /// Nothing runs yet.
    pub(crate) fn new() -> Self {
        Self {
            parts: JoinSet::new(),
            names: HashMap::new(),
            stop: watch::Sender::new(false),
        }
    }

    /// Ends when the parts are to stop.
    pub(crate) fn stopping(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stopped = self.stop.subscribe();
        async move {
            // An error means that the sender is gone, which is a stop as well.
            let told = stopped.wait_for(|stopped| *stopped).await;
            told.map(drop).unwrap_or_default();
        }
    }

    /// Starts a part, which has to end soon after [`Running::stopping`] and not before.
    pub(crate) fn start(
        &mut self,
        part: Part,
        work: impl Future<Output = Result<(), ServeError>> + Send + 'static,
    ) {
        let started = self.parts.spawn(work);
        self.names.insert(started.id(), part);
    }

    /// Starts a part that cannot fail; it is given what ends when it has to stop.
    pub(crate) fn start_steady<W>(
        &mut self,
        part: Part,
        work: impl FnOnce(Pin<Box<dyn Future<Output = ()> + Send>>) -> W,
    ) where
        W: Future<Output = ()> + Send + 'static,
    {
        let working = work(Box::pin(self.stopping()));
        self.start(part, async {
            working.await;
            Ok(())
        });
    }

    /// Runs until `shutdown` ends or a part does, then stops all parts and waits for `close`, at most
    /// this long. What is under way then is cut off.
    pub(crate) async fn until(
        mut self,
        shutdown: impl Future<Output = ()>,
        close: impl Future<Output = ()>,
        within: Duration,
    ) -> Result<(), ServeError> {
        let early = tokio::select! {
            () = shutdown => None,
            Some(ended) = self.next() => Some(ended),
        };
        let mut result = early.map_or(Ok(()), ended_early);
        self.stop.send_replace(true);
        let stopping = async {
            while let Some((_, ended)) = self.next().await {
                keep_first(&mut result, ended);
            }
            close.await;
        };
        if tokio::time::timeout(within, stopping).await.is_err() {
            keep_first(&mut result, Err(ServeError::StoppedLate { within }));
        }
        result
    }

    /// The next part that ends, and how.
    async fn next(&mut self) -> Option<(Part, Result<(), ServeError>)> {
        let ended = self.parts.join_next_with_id().await?;
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let part = self.names.get(&id).copied();
        let part = part.expect("every part was named when it was started");
        let ended = ended.map_or_else(
            |source| Err(ServeError::Lost { part, source }),
            |(_, ended)| ended,
        );
        Some((part, ended))
    }
}

/// A part that ends by itself ends the server: without delivery nothing may be acknowledged.
fn ended_early((part, ended): (Part, Result<(), ServeError>)) -> Result<(), ServeError> {
    tracing::error!(%part, "a part of the server has ended by itself; the server stops");
    let source = ended.err().map(Box::new);
    Err(ServeError::Ended { part, source })
}

/// The first failure is the one that is told; the others are logged.
fn keep_first(first: &mut Result<(), ServeError>, next: Result<(), ServeError>) {
    let Err(error) = next else { return };
    if first.is_ok() {
        *first = Err(error);
        return;
    }
    let error = &error as &dyn std::error::Error;
    tracing::error!(error, "a part of the server did not stop well");
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::io;
    use std::sync::Arc;

    use tokio::sync::Barrier;

    use super::*;

    /// A server whose HTTP part stops when it is told to, and is never told from outside.
    async fn with_delivery(
        delivery: impl Future<Output = Result<(), ServeError>> + Send + 'static,
    ) -> Result<(), ServeError> {
        let mut running = Running::new();
        let stopping = running.stopping();
        running.start(Part::Http, async {
            stopping.await;
            Ok(())
        });
        running.start(Part::Delivery, delivery);
        let forever = std::future::pending();
        running.until(forever, async {}, STOP).await
    }

    #[tokio::test]
    async fn a_server_stops_when_delivery_ends() {
        let error = with_delivery(async { Ok(()) }).await.expect_err("ended");
        assert!(
            error.to_string().starts_with("delivery has ended"),
            "{error}"
        );
        assert!(error.source().is_none());
    }

    #[tokio::test]
    async fn a_server_stops_when_delivery_fails() {
        let failed = async { Err(ServeError::Serve(io::Error::other("no disk"))) };
        let error = with_delivery(failed).await.expect_err("ended");
        assert!(
            error.to_string().starts_with("delivery has ended"),
            "{error}"
        );
        assert!(error.source().is_some(), "{error:?}");
    }

    #[tokio::test]
    async fn a_server_stops_when_delivery_panics() {
        let panicking = async { panic!("a broken invariant") };
        let error = with_delivery(panicking).await.expect_err("ended");
        let cause = error.source().expect("the panic").to_string();
        assert_eq!(cause, "delivery panicked");
    }

    #[tokio::test]
    async fn all_of_stopping_has_one_deadline() {
        let mut running = Running::new();
        running.start(Part::Http, std::future::pending());
        running.start(Part::Delivery, std::future::pending());
        let (close, within) = (std::future::pending(), Duration::from_millis(1));
        let error = running.until(async {}, close, within).await;
        let error = error.expect_err("nothing stops");
        assert!(matches!(error, ServeError::StoppedLate { .. }), "{error}");
    }

    #[tokio::test]
    async fn the_parts_stop_side_by_side() {
        let mut running = Running::new();
        let both = Arc::new(Barrier::new(2));
        for part in [Part::Http, Part::Delivery] {
            let (stopping, both) = (running.stopping(), Arc::clone(&both));
            running.start(part, async move {
                stopping.await;
                // Neither gets beyond this before the other was told as well.
                both.wait().await;
                Ok(())
            });
        }
        let stopped = running.until(async {}, async {}, STOP).await;
        stopped.expect("within the deadline");
    }
}
