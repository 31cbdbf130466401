//! Enqueueing for many callers at once, see [`Together`].
//!
//! For whoever enqueues and writes nothing else; what belongs to a cause that is written as well is
//! enqueued in that transaction, see [`Deliveries::enqueue`].

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::Timestamp;
use loggia_delivery::{Lease, NewNotification, Notification, Recipient};
use loggia_syntax::Did;

use crate::{
    Batch, Deliveries, Enqueue, Enqueued, Storage, StorageError, Together, Write, endpoint,
};

/// Takes notifications of many callers. Cheap to clone; all of a store's share their batches.
#[derive(Clone, Debug)]
pub struct Intake(Together<Enqueueing>);

/// What an [`Intake`] does for all of them.
#[derive(Debug)]
struct Enqueueing(Deliveries);

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

impl Storage {
    /// The way in for notifications that belong to no other transaction. One for a store.
    pub fn intake(&self) -> Intake {
        Intake(self.together(Enqueueing(self.deliveries())))
    }
}

impl Intake {
    /// Stores the notification and its deliveries, as [`Deliveries::enqueue`] does, and commits. When
    /// this returns, they are on the disk. If the caller goes away meanwhile, they may be all the
    /// same; deliveries that were leased for it go out when their lease has lapsed.
    pub async fn enqueue(&self, wish: Wish) -> Result<Enqueued, StorageError> {
        self.0.ask(wish).await
    }
}

impl Batch for Enqueueing {
    type Job = Wish;
    type Answer = Enqueued;
    type Written<'b> = Vec<Enqueued>;
    type Error = StorageError;

    fn storage(&self) -> Result<Storage, StorageError> {
        Ok(self.0.storage.clone())
    }

    fn bytes(wish: &Wish) -> usize {
        wish.new.notification.body.len()
    }

    fn is_conflict(error: &StorageError) -> bool {
        error.is_conflict()
    }

    async fn write(&self, tx: &mut Write, wishes: &[Wish]) -> Result<Vec<Enqueued>, StorageError> {
        let recipients = recipients(tx, wishes).await?;
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
        self.0.enqueue_all(tx, all, now).await
    }

    fn committed(&self, enqueued: Vec<Enqueued>) -> Vec<Enqueued> {
        enqueued
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
