//! What was read and waits to be taken.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::{Batch, Cursor, Event, Gap, Malformed};

/// The most frames that wait.
pub(crate) const MOST_FRAMES: usize = 4096;
/// The most bytes of frames that wait; a frame that is longer waits alone.
pub(crate) const MOST_BYTES: usize = 16 * 1024 * 1024;

/// One frame, read.
#[derive(Default)]
pub(crate) struct Item {
    pub(crate) events: Vec<Event>,
    /// Where the source stands after it.
    pub(crate) cursor: Option<Cursor>,
    pub(crate) gap: Option<Gap>,
    pub(crate) malformed: Vec<Malformed>,
    /// How long it was.
    pub(crate) bytes: usize,
}

#[derive(Default)]
struct Waiting {
    items: VecDeque<Item>,
    bytes: usize,
}

/// A queue between the one that reads and the one that takes.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    came: Notify,
    taken: Notify,
}

impl Queue {
    /// Adds a frame. There is room for it, see [`room`](Self::room).
    pub(crate) fn push(&self, item: Item) {
        self.lock().push(item);
        self.came.notify_one();
    }

    /// Waits until one more frame has room.
    pub(crate) async fn room(&self) {
        self.until(|waiting| waiting.items.len() < MOST_FRAMES && waiting.bytes < MOST_BYTES)
            .await;
    }

    /// Waits until it is at most half full: what was stopped is not begun for a single frame.
    pub(crate) async fn plenty(&self) {
        self.until(|waiting| {
            waiting.items.len() <= MOST_FRAMES / 2 && waiting.bytes <= MOST_BYTES / 2
        })
        .await;
    }

    /// The next frames of one source, at least one and at most so many. Nothing is lost when this is
    /// given up.
    pub(crate) async fn take(&self, most: usize) -> Batch {
        loop {
            let came = self.came.notified();
            if let Some(batch) = self.lock().take(most.max(1)) {
                self.taken.notify_one();
                return batch;
            }
            came.await;
        }
    }

    /// How many frames wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().items.len()
    }

    async fn until(&self, enough: impl Fn(&Waiting) -> bool) {
        loop {
            let taken = self.taken.notified();
            if enough(&self.lock()) {
                return;
            }
            taken.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Whoever panicked has left the list whole: each change of it is one call.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Frames of which nothing is wanted take one place together.
    fn push(&mut self, item: Item) {
        if let Some(last) = self.items.back_mut()
            && last.is_place_only()
            && item.is_place_only()
            && last.is_of(&item)
        {
            last.cursor = item.cursor;
            return;
        }
        self.bytes += item.bytes;
        self.items.push_back(item);
    }

    fn take(&mut self, most: usize) -> Option<Batch> {
        let mut batch = Batch::default();
        while batch.frames < most {
            let next = self.items.front()?.cursor.as_ref();
            if batch.frames > 0 && is_other(batch.cursor.as_ref(), next) {
                break;
            }
            let item = self.items.pop_front()?;
            self.bytes -= item.bytes;
            batch.add(item);
            if self.items.is_empty() {
                break;
            }
        }
        Some(batch)
    }
}

impl Item {
    fn is_place_only(&self) -> bool {
        self.events.is_empty() && self.malformed.is_empty() && self.gap.is_none()
    }

    fn is_of(&self, other: &Self) -> bool {
        !is_other(self.cursor.as_ref(), other.cursor.as_ref())
    }
}

/// Whether both are known to be of different sources.
fn is_other(one: Option<&Cursor>, other: Option<&Cursor>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one.source != other.source)
}

impl Batch {
    fn add(&mut self, item: Item) {
        self.frames += 1;
        self.events.extend(item.events);
        self.malformed.extend(item.malformed);
        self.cursor = item.cursor.or(self.cursor.take());
        self.gap = match (self.gap.take(), item.gap) {
            (Some(one), Some(other)) => Some(Gap {
                from: one.from.min(other.from),
                to: one.to.max(other.to),
            }),
            (one, other) => one.or(other),
        };
    }
}
