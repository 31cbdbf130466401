//! Telling the endpoints that are registered for a space.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{
    Clock, Due, Handle, NewNotification, Notification, NotificationId, Recipient, Reservation,
    SystemClock,
};
use loggia_storage::{Caps, Enqueue, Registration, Storage, StorageError, Write};
use loggia_syntax::{Nsid, SpaceRef, SyntaxError};
use loggia_xrpc::Rejection;
use loggia_xrpc_client::AddressGuard;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::chance;

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
    /// Which endpoints may be called.
    pub guard: AddressGuard,
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
    /// Stores a notification for everybody who is registered now, and starts delivering it. When this
    /// returns, it is on the disk. `also` runs in the same transaction, after the recipients are known.
    ///
    /// # Errors
    /// The store failed; then nobody is told.
    pub async fn tell(
        &self,
        kind: Nsid,
        space: &SpaceRef,
        body: &impl Serialize,
        also: impl AsyncFnOnce(&mut Write) -> Result<(), StorageError>,
    ) -> Result<(), NotifyError> {
        let now = SystemClock.now();
        let body = Bytes::from(serde_json::to_vec(body)?);
        let mut tx = self.storage.begin().await?;
        let told = self.enqueue(&mut tx, kind, space, vec![body], now).await?;
        also(&mut tx).await?;
        tx.commit().await?;
        told.deliver();
        Ok(())
    }

    /// Stores notifications for everybody who is registered now, in somebody else's transaction.
    ///
    /// # Errors
    /// The store failed; then the transaction cannot be committed.
    pub async fn enqueue(
        &self,
        tx: &mut Write,
        kind: Nsid,
        space: &SpaceRef,
        bodies: Vec<Bytes>,
        now: Timestamp,
    ) -> Result<Told<'_>, StorageError> {
        let registrations = self.storage.registrations();
        let registered = registrations.list_active(tx, space, now).await?;
        let recipients: Vec<Recipient> = registered.iter().map(recipient).collect();
        let room = recipients.len();
        let reservation = self.engine.reserve(room * bodies.len(), now);
        let news = bodies
            .into_iter()
            .filter_map(|body| notification(&kind, space, body, &recipients, now));
        let all = news.map(|new| Enqueue {
            new,
            recipients: &recipients,
            lease: reservation.lease(),
            room,
        });
        let deliveries = self.storage.deliveries();
        let enqueued = deliveries.enqueue_all(tx, all.collect(), now).await?;
        let rest = enqueued.iter().any(|one| one.pending > 0);
        let due = enqueued.into_iter().flat_map(|one| one.due).collect();
        Ok(Told {
            engine: &self.engine,
            reservation,
            due,
            rest,
        })
    }
}

/// What was stored in a transaction that is not committed yet.
#[must_use = "commit, then deliver"]
pub struct Told<'a> {
    engine: &'a Handle,
    reservation: Reservation<'a>,
    due: Vec<Due>,
    rest: bool,
}

impl Told<'_> {
    /// Starts delivering, after the commit.
    pub fn deliver(self) {
        self.reservation.offer(self.due);
        if self.rest {
            self.engine.wake();
        }
    }
}

/// A registration is told until it expires.
fn recipient(registration: &Registration) -> Recipient {
    Recipient::new(registration.endpoint, registration.expires_at)
}

/// What to store; nothing if there is nobody to tell.
fn notification(
    kind: &Nsid,
    space: &SpaceRef,
    body: Bytes,
    recipients: &[Recipient],
    now: Timestamp,
) -> Option<NewNotification> {
    let deadline = recipients
        .iter()
        .map(|recipient| recipient.deadline)
        .max()?;
    let id = NotificationId::new(now, chance::bytes());
    let subject = space.as_str().to_owned();
    let notification = Notification {
        id,
        kind: kind.clone(),
        subject,
        body,
        created_at: now,
        deadline,
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
