//! What the handlers of `dev.loggia.endpoint.*` and `dev.loggia.delivery.*` need.

use std::error::Error as _;
use std::mem;
use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{
    EndpointId, Handle, NewNotification, Notification, NotificationId, Recipient, Target,
};
use loggia_storage::{Endpoints, Enqueued, Intake, Storage, StorageError, To, Wish};
use loggia_syntax::{Did, Nsid};
use loggia_xrpc_client::AddressGuard;
use tokio::sync::Notify;

use crate::chance;
use crate::config::Config;
use crate::outcomes::Outcomes;

/// How long a notification is tried for whose sender names no end: the longest schedule takes a
/// little more than a day.
pub const LASTS: SignedDuration = SignedDuration::from_hours(3 * 24);

/// Endpoints and deliveries of accounts, and the rules for them.
#[derive(Clone)]
pub struct DeliveryDesk {
    /// Where they are kept.
    pub storage: Storage,
    /// The way in for notifications.
    pub intake: Intake,
    /// The way into the delivery engine.
    pub engine: Handle,
    /// Most endpoints of one account.
    pub most: u32,
    /// Which URLs may be called.
    pub guard: AddressGuard,
    /// Tells that there is something to replay.
    pub replays: Arc<Notify>,
    /// Tells that attempts have ended.
    pub outcomes: Outcomes,
}

/// Whom to tell.
pub enum Audience {
    /// These endpoints.
    These(Vec<EndpointId>),
    /// All of an account's that want the kind. What a disabled one misses is a cancelled delivery.
    Wanting(Did),
}

/// How many attempts of one notification, whose endpoints are not known beforehand, start straight from
/// memory; the rest follows from the store.
const ROOM: usize = 16;

/// What is to be said.
pub struct Saying {
    /// What kind of thing.
    pub kind: Nsid,
    /// What it is about.
    pub subject: String,
    /// The body, JSON.
    pub body: Bytes,
    /// The name of what caused it.
    pub source: Option<String>,
    /// Until when it is tried.
    pub deadline: Timestamp,
}

impl DeliveryDesk {
    /// The desk of a server with these settings.
    pub fn new(config: &Config, storage: &Storage, engine: Handle, outcomes: Outcomes) -> Self {
        Self {
            storage: storage.clone(),
            intake: storage.intake(),
            engine,
            most: config.endpoints_per_account,
            guard: config.guard(),
            replays: Arc::default(),
            outcomes,
        }
    }

    /// The endpoints of the store.
    pub fn endpoints(&self) -> Endpoints {
        self.storage.endpoints()
    }

    /// A URL that may be called.
    ///
    /// # Errors
    /// What is wrong with it, for its owner.
    pub fn read_target(&self, text: &str) -> Result<Target, String> {
        let url = self.guard.read_url(text).map_err(|refused| {
            let cause = refused.source().map(|cause| format!(": {cause}"));
            format!("`url`: {refused}{}", cause.unwrap_or_default())
        })?;
        Target::new(url.as_str()).map_err(|error| format!("`url`: {error}"))
    }

    /// Stores a notification with others that come at the same time, and starts delivering: what is due
    /// has left the answer for the engine.
    ///
    /// # Errors
    /// The store failed; then nobody is told.
    pub async fn tell(
        &self,
        to: Audience,
        saying: Saying,
        now: Timestamp,
    ) -> Result<Enqueued, StorageError> {
        let deadline = saying.deadline;
        let (to, room) = match to {
            Audience::Wanting(owner) => (To::Wanting(owner), ROOM),
            Audience::These(endpoints) => {
                let recipients = endpoints.iter().map(|&id| Recipient::new(id, deadline));
                (To::These(recipients.collect()), endpoints.len())
            }
        };
        let new = NewNotification {
            notification: Notification {
                id: NotificationId::new(now, chance::bytes()),
                kind: saying.kind,
                subject: saying.subject,
                body: saying.body,
                created_at: now,
                deadline,
            },
            source: saying.source,
        };
        let reservation = self.engine.reserve(room, now);
        let wish = Wish {
            new,
            to,
            lease: reservation.lease().cloned(),
            room,
            now,
        };
        let mut enqueued = self.intake.enqueue(wish).await?;
        reservation.offer(mem::take(&mut enqueued.due));
        if enqueued.pending > 0 {
            self.engine.wake();
        }
        Ok(enqueued)
    }
}
