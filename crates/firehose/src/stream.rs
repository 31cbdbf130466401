//! One source, read without end.
//!
//! A task of its own keeps a connection open, reads frames and puts what they say into a bounded queue;
//! the consumer takes from there at its own pace. When the queue stays full, the connection is closed,
//! and opened again from where the queue ends once there is room.

mod chains;
mod health;
mod meters;
mod pause;
mod queue;
mod reader;
mod resume;

use std::sync::Arc;

use jiff::Timestamp;

use tokio::task::AbortHandle;

use crate::{Batch, Cursor, Signatures, Sockets, Source};

pub use health::Health;

use health::Pulse;
use queue::Queue;
use reader::Reader;

/// What a stream cannot do by itself.
pub struct Tools {
    /// Makes connections.
    pub sockets: Arc<dyn Sockets>,
    /// Checks signatures: with it every commit of a [`Repos`](crate::SourceKind::Repos) source is
    /// verified. Jetstream has nothing to verify.
    pub signatures: Option<Arc<dyn Signatures>>,
    /// Makes random numbers, for pauses.
    pub chance: Box<dyn FnMut() -> u64 + Send>,
    /// Tells the time, to know what is dated in the future.
    pub clock: Box<dyn Fn() -> Timestamp + Send>,
}

/// One source, being read. Reading ends when this is dropped.
pub struct Stream {
    queue: Arc<Queue>,
    pulse: Arc<Pulse>,
    task: AbortHandle,
}

impl Stream {
    /// Begins to read, from where these cursors of the source's hosts stand; with none, from now on.
    /// A cursor of position 0 and time 0 asks for everything that a host still has.
    ///
    /// Runs within tokio. A source without hosts is never connected.
    pub fn open(source: Source, from: Vec<Cursor>, tools: Tools) -> Self {
        let (queue, pulse) = (Arc::new(Queue::default()), Arc::new(Pulse::default()));
        let reader = Reader::new(source, from, tools, queue.clone(), pulse.clone());
        let task = tokio::spawn(reader.run()).abort_handle();
        Self { queue, pulse, task }
    }

    /// What came next: waits for at least one frame, and takes at most so many.
    ///
    /// Nothing is lost when the future is dropped; what it has returned is not returned again.
    pub async fn next(&self, most: usize) -> Batch {
        self.queue.take(most).await
    }

    /// The consumer is done with everything up to here, for good.
    pub fn done(&self, cursor: &Cursor) {
        self.pulse
            .change(|health| health.done = Some(cursor.clone()));
    }

    /// How the stream is doing.
    pub fn health(&self) -> Health {
        self.pulse.health(self.queue.len())
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.task.abort();
    }
}
