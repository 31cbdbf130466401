//! What happens to spaces and their members, for those who want to be told: the owner's webhooks, in the
//! envelope of Bettermode's.

mod answering;
mod challenge;
mod desk;
mod entity;
mod envelope;
mod event;
pub(crate) mod limits;
mod paging;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{
    EndpointId, Handle, NewNotification, Notification, NotificationId, Recipient,
};
use loggia_storage::{Enqueue, HostedSpace, Membership, Proposal, Storage, StorageError, Write};
use loggia_syntax::{Did, Nsid};

use crate::chance;
use crate::delivery_desk::LASTS;
pub(crate) use answering::Side;
pub use challenge::Unanswered;
pub(crate) use desk::WantedChange;
pub use desk::{CommunityDesk, DeskError};
pub(crate) use event::Event;
pub(crate) use paging::Wanted;

/// Something that happened to a space.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Happened<'a> {
    /// It was opened.
    SpaceCreated,
    /// Its rules were changed; from these.
    SpaceUpdated(&'a HostedSpace),
    /// It is being closed: its members are still there.
    SpaceDeleted,
    /// Somebody became a member.
    MemberAdded(&'a Membership),
    /// Somebody, who was this, is no member any more.
    MemberRemoved(&'a Membership),
    /// Somebody asked to become a member.
    JoinRequested(&'a Proposal),
    /// Who asked will be a member. That they are is told by itself.
    JoinAccepted(&'a Proposal),
    /// Who asked will be none.
    JoinRejected(&'a Proposal),
}

/// What was stored for webhooks in a transaction that is not committed yet.
#[derive(Debug, Default)]
#[must_use = "commit, then deliver"]
pub(crate) struct News {
    /// Events that were stored.
    events: i64,
    /// Endpoints of which the engine may hold something that nobody may be told of any more.
    ended: Vec<EndpointId>,
}

/// Why nobody could be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NewsError {
    /// The store failed.
    #[error("an event of a community could not be stored")]
    Storage(#[from] StorageError),
    /// What is to be said could not be written as JSON.
    #[error("an event of a community could not be written")]
    Body(#[from] serde_json::Error),
}

impl News {
    /// Remembers endpoints that are told nothing any more.
    pub(crate) fn end(&mut self, endpoints: Vec<EndpointId>) {
        self.ended.extend(endpoints);
    }

    /// Starts delivering, after the commit, and stops what is not to go out any more.
    pub(crate) async fn deliver(self, engine: &Handle) {
        let more = !self.ended.is_empty();
        for endpoint in self.ended {
            engine.endpoint_dropped(endpoint).await;
        }
        // What waited for an endpoint that has ended may wait for another now.
        if more || self.events > 0 {
            engine.wake();
        }
    }

    /// Tells the webhooks of a space's owner that want to be told, in the transaction in which it
    /// happens.
    ///
    /// # Errors
    /// The store failed; then the transaction cannot be committed.
    pub(crate) async fn add(
        &mut self,
        (storage, tx): (&Storage, &mut Write),
        (space, actor): (&HostedSpace, &Did),
        happened: &[Happened<'_>],
        now: Timestamp,
    ) -> Result<(), NewsError> {
        let owner = space.uri.authority();
        let webhooks = storage.community_webhooks();
        let mut known: Vec<(Event, Vec<Recipient>)> = Vec::new();
        let mut all = Vec::new();
        for one in happened {
            let event = one.event();
            let place = match known.iter().position(|(known, _)| *known == event) {
                Some(place) => place,
                None => {
                    let found = webhooks.wanting(tx, &owner, event.wire().name).await?;
                    let to = |id: EndpointId| Recipient::new(id, now + LASTS);
                    known.push((event, found.into_iter().map(to).collect()));
                    known.len() - 1
                }
            };
            if known[place].1.is_empty() {
                continue;
            }
            let members = match one.is_about_the_space() {
                true => storage.spaces().count_members(tx, &space.uri).await?,
                false => 0,
            };
            // What happens in one transaction has an order.
            let at = now + SignedDuration::from_micros(self.events);
            self.events += 1;
            let id = NotificationId::new(at, chance::bytes());
            let place_of = envelope::Place { space, members };
            let body = envelope::of(id, (place_of, actor), one, now)?;
            all.push((place, notification(id, event, space, body, now)));
        }
        let enqueue = all.into_iter().map(|(place, new)| Enqueue {
            new,
            recipients: &known[place].1,
            lease: None,
            room: 0,
        });
        storage
            .deliveries()
            .enqueue_all(tx, enqueue.collect(), now)
            .await?;
        Ok(())
    }
}

fn notification(
    id: NotificationId,
    event: Event,
    space: &HostedSpace,
    body: Vec<u8>,
    now: Timestamp,
) -> NewNotification {
    NewNotification {
        notification: Notification {
            id,
            kind: Nsid::from_static(event.wire().kind),
            subject: space.uri.to_string(),
            body: Bytes::from(body),
            created_at: now,
            deadline: now + LASTS,
        },
        source: None,
    }
}

impl Happened<'_> {
    fn event(&self) -> Event {
        match self {
            Self::SpaceCreated => Event::SpaceCreated,
            Self::SpaceUpdated(_) => Event::SpaceUpdated,
            Self::SpaceDeleted => Event::SpaceDeleted,
            Self::MemberAdded(_) => Event::MembershipCreated,
            Self::MemberRemoved(_) => Event::MembershipDeleted,
            Self::JoinRequested(_) => Event::JoinRequestCreated,
            Self::JoinAccepted(_) => Event::JoinRequestAccepted,
            Self::JoinRejected(_) => Event::JoinRequestRejected,
        }
    }

    fn is_about_the_space(&self) -> bool {
        matches!(
            self,
            Self::SpaceCreated | Self::SpaceUpdated(_) | Self::SpaceDeleted
        )
    }
}
