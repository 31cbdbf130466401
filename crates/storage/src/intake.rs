//! Enqueueing for many callers at once: those who come while one batch is being written make up the
//! next, so that many share a transaction and its statements. Whoever is alone waits for nobody.
//!
//! For whoever enqueues and writes nothing else; what belongs to a cause that is written as well is
//! enqueued in that transaction, see [`Deliveries::enqueue`].

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use loggia_delivery::{Lease, NewNotification, Notification, Recipient};
use loggia_syntax::Did;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::error::Tries;
use crate::sql::Backend;
use crate::{Deliveries, Enqueue, Enqueued, Storage, StorageError, Write, endpoint};

/// Notifications in one transaction.
const MOST: usize = 128;

/// Bytes of bodies after which a transaction takes no more notifications.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// Transactions at a time: SQLite has one writer, and PostgreSQL others who want to write.
const WRITERS_SQLITE: usize = 1;
/// See [`WRITERS_SQLITE`].
const WRITERS_POSTGRES: usize = 4;

/// Takes notifications of many callers. Cheap to clone; all of a store's share their batches.
#[derive(Clone, Debug)]
pub struct Intake(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    deliveries: Deliveries,
    /// As many as there are callers who wait.
    waiting: Mutex<Vec<Waiting>>,
    writers: Arc<Semaphore>,
}

/// A notification on its way in, by itself.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The notification.
    pub new: NewNotification,
    /// Whom to tell.
    pub to: To,
    /// The lease of the node that attempts it straight from memory.
    pub lease: Option<Lease>,
    /// How many deliveries that node has room for; the rest is pending.
    pub room: usize,
    /// When it was wished for.
    pub now: Timestamp,
}

/// Whom to tell of something.
#[derive(Clone, Debug)]
pub enum To {
    /// These.
    These(Vec<Recipient>),
    /// The endpoints of an owner that want to be told of the notification's kind. What one that is
    /// disabled misses is a cancelled delivery, which can be replayed.
    Wanting(Did),
}

#[derive(Debug)]
struct Waiting {
    wish: Wish,
    tell: oneshot::Sender<Result<Enqueued, StorageError>>,
}

impl Storage {
    /// The way in for notifications that belong to no other transaction. One for a store.
    pub fn intake(&self) -> Intake {
        let writers = match self.readers().backend() {
            Backend::Sqlite => WRITERS_SQLITE,
            Backend::Postgres => WRITERS_POSTGRES,
        };
        Intake(Arc::new(Shared {
            deliveries: self.deliveries(),
            waiting: Mutex::default(),
            writers: Arc::new(Semaphore::new(writers)),
        }))
    }
}

impl Intake {
    /// Stores the notification and its deliveries, as [`Deliveries::enqueue`] does, and commits. When
    /// this returns, they are on the disk. If the caller goes away meanwhile, they may be all the
    /// same; deliveries that were leased for it go out when their lease has lapsed.
    pub async fn enqueue(&self, wish: Wish) -> Result<Enqueued, StorageError> {
        let (tell, told) = oneshot::channel();
        self.0.queue().push(Waiting { wish, tell });
        self.0.clone().start();
        told.await.unwrap_or(Err(StorageError::Sql {
            doing: "enqueue with others",
            source: sqlx::Error::WorkerCrashed,
        }))
    }
}

impl Shared {
    fn queue(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has somebody write what waits, unless as many are at it as may be: they look again before they
    /// end.
    fn start(self: Arc<Self>) {
        if let Ok(turn) = self.writers.clone().try_acquire_owned() {
            tokio::spawn(self.write_all(turn));
        }
    }

    async fn write_all(self: Arc<Self>, turn: OwnedSemaphorePermit) {
        loop {
            let batch = self.next();
            if batch.is_empty() {
                break;
            }
            self.write(batch).await;
        }
        drop(turn);
        // Who came after the last look found the turn taken.
        if !self.queue().is_empty() {
            self.start();
        }
    }

    /// Those who have waited for longest.
    fn next(&self) -> Vec<Waiting> {
        let mut waiting = self.queue();
        let mut bytes = 0;
        let fits = waiting.iter().take(MOST).take_while(|one| {
            let goes = bytes < MOST_BYTES;
            bytes += one.wish.new.notification.body.len();
            goes
        });
        let count = fits.count();
        let rest = waiting.split_off(count);
        mem::replace(&mut *waiting, rest)
    }

    /// Writes a batch; if that fails, each of it alone, so that nobody suffers for another.
    async fn write(&self, batch: Vec<Waiting>) {
        let (wishes, tell): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|one| (one.wish, one.tell)).unzip();
        match self.enqueue(&wishes).await {
            Ok(enqueued) => tell.into_iter().zip(enqueued).for_each(|(tell, enqueued)| {
                answer(tell, Ok(enqueued));
            }),
            Err(error) if wishes.len() == 1 => {
                let tell = tell.into_iter().next().expect("one for each wish");
                answer(tell, Err(error));
            }
            Err(_) => {
                for (wish, tell) in wishes.iter().zip(tell) {
                    let alone = self.enqueue(std::slice::from_ref(wish)).await;
                    answer(tell, alone.map(|mut one| one.remove(0)));
                }
            }
        }
    }

    async fn enqueue(&self, wishes: &[Wish]) -> Result<Vec<Enqueued>, StorageError> {
        let mut tries = Tries::default();
        loop {
            let enqueued = self.enqueue_once(wishes).await;
            if !tries.again(&enqueued) {
                return enqueued;
            }
        }
    }

    async fn enqueue_once(&self, wishes: &[Wish]) -> Result<Vec<Enqueued>, StorageError> {
        let mut tx = self.deliveries.storage.begin().await?;
        let recipients = recipients(&mut tx, wishes).await?;
        let all = wishes.iter().zip(&recipients);
        let all = all.map(|(wish, recipients)| Enqueue {
            new: wish.new.clone(),
            recipients,
            lease: wish.lease.as_ref(),
            room: wish.room,
        });
        let now = wishes.iter().map(|wish| wish.now).max();
        let now = now.unwrap_or(Timestamp::UNIX_EPOCH);
        let all = all.collect();
        let enqueued = self.deliveries.enqueue_all(&mut tx, all, now).await?;
        tx.commit().await?;
        Ok(enqueued)
    }
}

/// Whom to tell, for each wish.
async fn recipients<'a>(
    tx: &mut Write,
    wishes: &'a [Wish],
) -> Result<Vec<Cow<'a, [Recipient]>>, StorageError> {
    let owners: BTreeSet<&str> = wishes
        .iter()
        .filter_map(|wish| match &wish.to {
            To::Wanting(owner) => Some(owner.as_str()),
            To::These(_) => None,
        })
        .collect();
    let wanting = endpoint::wanting_of(tx.sql(), &owners, true).await?;
    let of = |wish: &'a Wish| match &wish.to {
        To::These(recipients) => Cow::Borrowed(recipients.as_slice()),
        To::Wanting(owner) => {
            let Notification { kind, deadline, .. } = &wish.new.notification;
            let known = wanting.get(owner.as_str()).into_iter().flatten();
            let told = known.filter(|(_, kinds)| kinds.contains(kind));
            told.map(|(id, _)| Recipient::new(*id, *deadline)).collect()
        }
    };
    Ok(wishes.iter().map(of).collect())
}

fn answer(
    tell: oneshot::Sender<Result<Enqueued, StorageError>>,
    result: Result<Enqueued, StorageError>,
) {
    if tell.send(result).is_err() {
        tracing::debug!("somebody who enqueued went away before it was done");
    }
}
