//! Enqueueing: in the transaction of the cause, and idempotent.

mod notification;
mod row;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use loggia_delivery::{
    CancelReason, DeliveryId, Due, EndpointId, EndpointState, Event, Lease, NewNotification,
    Notification, NotificationId, Recipient, State, Terms,
};

use crate::announcement::announce_due;
use crate::endpoint::{self, Found};
use crate::{Deliveries, StorageError, Write};
pub(crate) use notification::read;

/// Recipients that are worked on at once: what bounds the memory of a large fan-out.
const PART: usize = 1000;

/// So many deliveries of one notification are leased to the node that enqueues; more would only wait
/// in its memory. The rest is pending, for whichever node has room.
const LEASED: usize = 1000;

/// What was enqueued.
#[derive(Clone, Debug)]
pub struct Enqueued {
    /// The notification: the one that the same source made before, if there is one.
    pub notification: NotificationId,
    /// How many deliveries are new.
    pub new: usize,
    /// How many of them are pending: nobody holds them, so wake the engine after the commit.
    pub pending: usize,
    /// Those of them that carry the given lease: offer them to the engine after the commit.
    pub due: Vec<Due>,
}

/// What is to be enqueued: a notification, and whom to tell.
#[derive(Clone, Debug)]
pub struct Enqueue<'a> {
    /// The notification.
    pub new: NewNotification,
    /// Whom to tell.
    pub recipients: &'a [Recipient],
    /// The lease of the node that attempts it straight from memory.
    pub lease: Option<&'a Lease>,
    /// How many deliveries the node has room for; the rest is pending.
    pub room: usize,
}

/// A delivery on its way in.
struct New<'a> {
    /// Which of the notifications.
    place: usize,
    recipient: &'a Recipient,
    found: Found,
    state: State,
    deadline: Timestamp,
}

impl Deliveries {
    /// Stores a notification once and a delivery for each recipient. What the same source made
    /// before is not made again. A recipient that is disabled, or cannot be read and so becomes
    /// disabled, gets a cancelled delivery, and so does one who muted it; one whose deadline has passed
    /// gets an expired one: rows that can be seen. Without recipients nothing is stored.
    ///
    /// With a `lease` the deliveries belong to its node, which attempts them straight from memory;
    /// without, they are due at once. Those of endpoints that want order, and of a large fan-out all
    /// but the first thousand, are due at once in any case.
    pub async fn enqueue(
        &self,
        tx: &mut Write,
        new: NewNotification,
        recipients: &[Recipient],
        lease: Option<&Lease>,
        now: Timestamp,
    ) -> Result<Enqueued, StorageError> {
        let one = Enqueue {
            new,
            recipients,
            lease,
            room: LEASED,
        };
        let mut enqueued = self.enqueue_all(tx, vec![one], now).await?;
        Ok(enqueued.pop().expect("one for each"))
    }

    /// The same for several notifications, with as many statements as for one; what became of each,
    /// in their order. If one of them cannot be enqueued, none is.
    pub async fn enqueue_all(
        &self,
        tx: &mut Write,
        all: Vec<Enqueue<'_>>,
        now: Timestamp,
    ) -> Result<Vec<Enqueued>, StorageError> {
        let mut enqueued = Vec::with_capacity(all.len());
        let mut told = Vec::with_capacity(all.len());
        let mut new = Vec::with_capacity(all.len());
        for one in all {
            one.new
                .notification
                .check()
                .map_err(StorageError::TooLarge)?;
            enqueued.push(Enqueued {
                notification: one.new.notification.id,
                new: 0,
                pending: 0,
                due: Vec::new(),
            });
            if !one.recipients.is_empty() {
                let lease = one.lease.map(|lease| (lease, one.room.min(LEASED)));
                told.push((enqueued.len() - 1, one.recipients, lease));
                new.push(one.new);
            }
        }
        let notifications = notification::store_all(tx.sql(), new).await?;
        for ((place, ..), notification) in told.iter().zip(&notifications) {
            enqueued[*place].notification = notification.id;
        }
        let told: Vec<_> = told
            .into_iter()
            .zip(&notifications)
            .flat_map(|((place, recipients, lease), notification)| {
                let to = move |recipient| (place, notification, recipient, lease);
                recipients.iter().map(to)
            })
            .collect();
        for part in told.chunks(PART) {
            self.add(tx, part, now, &mut enqueued).await?;
        }
        if enqueued.iter().any(|enqueued| enqueued.pending > 0) {
            announce_due(tx.sql()).await?;
        }
        Ok(enqueued)
    }

    async fn add(
        &self,
        tx: &mut Write,
        told: &[Told<'_>],
        now: Timestamp,
        enqueued: &mut [Enqueued],
    ) -> Result<(), StorageError> {
        let ids: HashSet<_> = told.iter().map(|(_, _, to, _)| to.endpoint).collect();
        let ids: Vec<_> = ids.into_iter().collect();
        let sealer = &self.storage.inner.sealer;
        let found = endpoint::find_or_disable(tx.sql(), sealer, &ids, now).await?;
        let new = first_states(told, &found, enqueued, now)?;
        let ids: Vec<_> = told.iter().map(|(_, told, ..)| told.id).collect();
        let mut inserted = row::insert(tx.sql(), &ids, &new, now).await?;
        let new: Vec<_> = new
            .into_iter()
            .zip(told)
            .map(|(new, (_, notification, ..))| (*notification, new))
            .filter(|(notification, new)| {
                inserted.remove(&(notification.id, new.recipient.endpoint))
            })
            .collect();
        row::supersede(tx.sql(), &new, now).await?;
        for (notification, new) in new {
            let enqueued = &mut enqueued[new.place];
            enqueued.new += 1;
            match new.state {
                State::Pending { .. } => enqueued.pending += 1,
                State::Leased { .. } => enqueued.due.extend(new.due(notification, now)),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Which of the notifications, that notification, whom to tell of it, and whose it is: a lease for so
/// many deliveries of the notification.
type Told<'a> = (
    usize,
    &'a Arc<Notification>,
    &'a Recipient,
    Option<(&'a Lease, usize)>,
);

impl New<'_> {
    /// With all that an attempt needs, if it is leased.
    fn due(self, notification: &Arc<Notification>, now: Timestamp) -> Option<Due> {
        let (State::Leased { attempts, lease }, Found::Readable(endpoint)) =
            (self.state, self.found)
        else {
            return None;
        };
        Some(Due {
            id: DeliveryId {
                notification: notification.id,
                endpoint: endpoint.id,
            },
            notification: notification.clone(),
            endpoint,
            deadline: self.deadline,
            attempts,
            earlier: 0,
            key: self.recipient.key.clone(),
            since: now,
            lease,
        })
    }
}

/// The state in which each delivery begins; so many of each notification leased at most.
fn first_states<'a>(
    told: &[Told<'a>],
    found: &HashMap<EndpointId, Found>,
    enqueued: &[Enqueued],
    now: Timestamp,
) -> Result<Vec<New<'a>>, StorageError> {
    let mut leased: HashMap<usize, usize> = HashMap::new();
    let mut new = Vec::with_capacity(told.len());
    for &(place, notification, recipient, lease) in told {
        let id = recipient.endpoint;
        let found = found.get(&id).ok_or(StorageError::NoEndpoint(id))?.clone();
        let deadline = recipient.deadline.min(notification.deadline);
        let leased = leased.entry(place).or_insert(enqueued[place].due.len());
        let lease = lease.filter(|(_, room)| *leased < *room);
        let lease = lease.map(|(lease, _)| lease);
        let state = match recipient.muted {
            true => cancelled(CancelReason::Muted, now),
            false => first_state(&found, deadline, lease, now),
        };
        *leased += usize::from(matches!(state, State::Leased { .. }));
        new.push(New {
            place,
            recipient,
            found,
            state,
            deadline,
        });
    }
    Ok(new)
}

fn cancelled(reason: CancelReason, at: Timestamp) -> State {
    State::Cancelled {
        attempts: 0,
        at,
        reason,
    }
}

fn first_state(found: &Found, deadline: Timestamp, lease: Option<&Lease>, now: Timestamp) -> State {
    let Found::Readable(endpoint) = found else {
        return cancelled(CancelReason::Disabled, now);
    };
    let terms = Terms {
        schedule: &endpoint.profile.wire().schedule,
        deadline,
    };
    let new = State::new(now);
    let event = match (&endpoint.state, lease) {
        (EndpointState::Disabled { .. }, _) => Event::Cancel(CancelReason::Disabled),
        (EndpointState::Active, _) if deadline <= now => {
            return State::Expired {
                attempts: 0,
                at: now,
            };
        }
        // Whether it is the first in line is known when it is leased, under a lock.
        (EndpointState::Active, Some(lease)) if !endpoint.in_order => Event::Lease(lease.clone()),
        (EndpointState::Active, _) => return new,
    };
    let moved = new.on(event, &terms, now);
    moved
        .expect("a new delivery is due and can be leased or cancelled")
        .0
}
