//! Telling the endpoints that are registered for a space.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{
    Due, EndpointId, Handle, NewNotification, Notification, NotificationId, Recipient, Reservation,
};
use loggia_storage::{Caps, Enqueue, Storage, StorageError, Write};
use loggia_syntax::{Did, Nsid, SpaceRef, SyntaxError};
use loggia_xrpc::Rejection;
use loggia_xrpc_client::AddressGuard;
use sha2::{Digest, Sha256};

use crate::chance;
use crate::space_hub::{Audience, Consent};
use crate::wisp_registry::Bell;

/// How long a registration lasts unless it is renewed (the permissioned-data proposal's 24 hours).
pub const REGISTRATION_LASTS: SignedDuration = SignedDuration::from_hours(24);

/// What the handlers of `com.atproto.space.*` need.
#[derive(Clone)]
pub struct SpaceNotices {
    /// Registrations and deliveries.
    pub storage: Storage,
    /// The way into the delivery engine.
    pub engine: Handle,
    /// How many registrations there may be.
    pub caps: Caps,
    /// What it takes to register a service.
    pub consent: Consent,
    /// Whether drafts of the protocol are taken.
    pub drafts: bool,
    /// Who may tell of writes in every space.
    pub admins: Arc<[Did]>,
    /// Which endpoints may be called.
    pub guard: AddressGuard,
    /// Calls whoever makes the calls for which somebody has to be looked up first.
    pub(crate) bell: Bell,
}

/// Why nobody could be told.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The store failed.
    #[error("the notification could not be stored")]
    Storage(#[from] StorageError),
    /// What is to be said could not be written as JSON.
    #[error("the notification could not be written")]
    Body(#[from] serde_json::Error),
}

/// Something that is said to some.
#[derive(Clone, Debug)]
pub struct Saying {
    /// What: JSON.
    pub body: Bytes,
    /// To whom.
    pub recipients: Vec<Recipient>,
    /// Its time among other notifications, where that is not now: whoever is told in order is told in
    /// the order of these.
    pub order: Option<Timestamp>,
}

/// Reads a space in the protocol's spelling (`at://did/space/type/skey`) or the older `ats://`.
///
/// # Errors
/// 400 with what is wrong.
pub fn read_space(text: &str) -> Result<SpaceRef, Rejection> {
    let wrong = |error: SyntaxError| Rejection::invalid_request(format!("`space`: {error}"));
    SpaceRef::from_any_spelling(text).map_err(wrong)
}

/// The opaque id under which receivers know a space: the first 16 bytes of the SHA-256 of its URI, in
/// hex. The same on every node and after every restart.
pub fn space_id(space: &SpaceRef) -> String {
    let digest = Sha256::digest(space.as_str().as_bytes());
    digest[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

impl SpaceNotices {
    /// Whether somebody may tell of writes in every space.
    pub fn is_admin(&self, caller: &Did) -> bool {
        self.admins.contains(caller)
    }

    /// Endpoints are told nothing any more, after the commit that ended them; what waited for one may wait
    /// for another now.
    pub(crate) async fn ended(&self, endpoints: Vec<EndpointId>) {
        if endpoints.is_empty() {
            return;
        }
        for endpoint in endpoints {
            self.engine.endpoint_dropped(endpoint).await;
        }
        self.engine.wake();
    }

    /// Everybody who is registered for a space now and may still read it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn audience(
        &self,
        tx: &mut Write,
        space: &SpaceRef,
        now: Timestamp,
    ) -> Result<Audience, StorageError> {
        let registrations = self.storage.registrations();
        Ok(Audience(registrations.list_active(tx, space, now).await?))
    }

    /// The same for each of these spaces.
    ///
    /// # Errors
    /// The store failed.
    pub async fn audiences(
        &self,
        tx: &mut Write,
        spaces: &[&SpaceRef],
        now: Timestamp,
    ) -> Result<HashMap<String, Audience>, StorageError> {
        let registrations = self.storage.registrations();
        let listed = registrations.list_active_of(tx, spaces, now).await?;
        let audience = |(space, registered)| (space, Audience(registered));
        Ok(listed.into_iter().map(audience).collect())
    }

    /// Stores notifications in somebody's transaction. What is said to nobody is not stored.
    ///
    /// # Errors
    /// The store failed; then the transaction cannot be committed.
    pub async fn say(
        &self,
        tx: &mut Write,
        kind: Nsid,
        space: &SpaceRef,
        sayings: Vec<Saying>,
        now: Timestamp,
    ) -> Result<Told<'_>, StorageError> {
        self.say_all(tx, kind, vec![(space, sayings)], now).await
    }

    /// The same for several spaces, with as many statements as for one.
    ///
    /// # Errors
    /// The store failed; then the transaction cannot be committed.
    pub async fn say_all(
        &self,
        tx: &mut Write,
        kind: Nsid,
        sayings: Vec<(&SpaceRef, Vec<Saying>)>,
        now: Timestamp,
    ) -> Result<Told<'_>, StorageError> {
        let (mut reservations, mut new) = (Vec::new(), Vec::new());
        for (space, saying) in sayings
            .iter()
            .flat_map(|(space, sayings)| sayings.iter().map(move |saying| (space, saying)))
        {
            if let Some(notification) = notification(&kind, space, saying, now) {
                new.push((notification, saying));
                // Each asks by itself: of many at once some may find room.
                reservations.push(self.engine.reserve(saying.recipients.len(), now));
            }
        }
        let all = new.into_iter().zip(&reservations);
        let all = all.map(|((new, saying), reservation)| Enqueue {
            new,
            recipients: &saying.recipients,
            lease: reservation.lease(),
            room: saying.recipients.len(),
        });
        let deliveries = self.storage.deliveries();
        let enqueued = deliveries.enqueue_all(tx, all.collect(), now).await?;
        let rest = enqueued.iter().any(|one| one.pending > 0);
        let due = enqueued.into_iter().map(|one| one.due);
        Ok(Told {
            engine: &self.engine,
            bell: &self.bell,
            calls: false,
            due: reservations.into_iter().zip(due).collect(),
            rest,
        })
    }
}

/// What was stored in a transaction that is not committed yet.
#[must_use = "commit, then deliver"]
pub struct Told<'a> {
    engine: &'a Handle,
    bell: &'a Bell,
    calls: bool,
    due: Vec<(Reservation<'a>, Vec<Due>)>,
    rest: bool,
}

impl Told<'_> {
    /// Somebody is to be told besides who has to be looked up first.
    pub(crate) fn and_call(mut self) -> Self {
        self.calls = true;
        self
    }

    /// Starts delivering, after the commit.
    pub fn deliver(self) {
        for (reservation, due) in self.due {
            reservation.offer(due);
        }
        if self.rest {
            self.engine.wake();
        }
        if self.calls {
            self.bell.ring();
        }
    }
}

/// What to store; nothing if there is nobody to tell.
fn notification(
    kind: &Nsid,
    space: &SpaceRef,
    saying: &Saying,
    now: Timestamp,
) -> Option<NewNotification> {
    let deadlines = saying.recipients.iter().map(|recipient| recipient.deadline);
    let notification = Notification {
        id: NotificationId::new(saying.order.unwrap_or(now), chance::bytes()),
        kind: kind.clone(),
        subject: space.as_str().to_owned(),
        body: saying.body.clone(),
        created_at: now,
        deadline: deadlines.max()?,
    };
    Some(NewNotification {
        notification,
        source: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_a_space_have_one_id() {
        let new = read_space("at://did:plc:abc123/space/com.example.forum/main").expect("a space");
        let old = read_space("ats://did:plc:abc123/com.example.forum/main").expect("a space");
        assert_eq!(space_id(&new), space_id(&old));
        assert_eq!(space_id(&new).len(), 32);
    }

    #[test]
    fn what_is_no_space_is_refused_with_a_reason() {
        let refusal = read_space("https://example.com").expect_err("not a space");
        assert_eq!((refusal.status, refusal.error), (400, "InvalidRequest"));
        assert!(refusal.message.contains("space"), "{}", refusal.message);
    }
}
