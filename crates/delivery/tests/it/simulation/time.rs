//! Time that passes only when nobody has anything left to do.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use jiff::{SignedDuration, Timestamp};

use crate::world::START;

/// True time, as no node knows it.
#[derive(Clone)]
pub struct Time(Arc<Mutex<Inner>>);

struct Inner {
    now: Timestamp,
    made: u64,
    sleepers: BTreeMap<(Timestamp, u64), Option<Waker>>,
}

impl Time {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Inner {
            now: START,
            made: 0,
            sleepers: BTreeMap::new(),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("nobody panics with the lock")
    }

    pub fn now(&self) -> Timestamp {
        self.lock().now
    }

    pub fn sleep(&self, wait: SignedDuration) -> Sleep {
        let mut inner = self.lock();
        inner.made += 1;
        let at = inner.now + wait.max(SignedDuration::ZERO);
        let key = (at, inner.made);
        inner.sleepers.insert(key, None);
        drop(inner);
        Sleep {
            time: self.clone(),
            key,
        }
    }

    /// Goes on to the next moment for which somebody waits, and wakes them.
    pub fn pass(&self) {
        let mut inner = self.lock();
        let Some((&(at, _), _)) = inner.sleepers.first_key_value() else {
            return;
        };
        inner.now = inner.now.max(at);
        let later = inner.sleepers.split_off(&(at, u64::MAX));
        let woken = std::mem::replace(&mut inner.sleepers, later);
        drop(inner);
        woken.into_values().flatten().for_each(Waker::wake);
    }
}

pub struct Sleep {
    time: Time,
    key: (Timestamp, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.time.lock();
        match inner.sleepers.get_mut(&self.key) {
            Some(waker) => {
                *waker = Some(context.waker().clone());
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.time.lock().sleepers.remove(&self.key);
    }
}
