//! What is to be said, and to whom.

use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;
use loggia_syntax::Nsid;

use crate::{EndpointId, NotificationId};

/// What is to be said. Immutable; stored once however many endpoints get it, signed as stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Notification {
    /// Which notification; the `webhook-id` of all its attempts.
    pub id: NotificationId,
    /// What kind of thing happened: a method or a record type.
    pub kind: Nsid,
    /// What it happened to, for people who read the log: a space, a record, an account.
    pub subject: String,
    /// The exact bytes that are signed and sent: JSON.
    pub body: Bytes,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// After this it interests nobody any more.
    pub deadline: Timestamp,
}

/// A notification on its way in.
#[derive(Clone, Debug)]
pub struct NewNotification {
    /// The notification.
    pub notification: Notification,
    /// What caused it, if the cause has a name: the same source never makes a second notification,
    /// and an endpoint never gets it twice.
    pub source: Option<String>,
}

/// A body is over [`Notification::MAX_BODY`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a notification of {size} bytes is over the limit of 524288")]
pub struct BodyTooLarge {
    /// Its size in bytes.
    pub size: usize,
}

impl Notification {
    /// 512 KiB: more than any system that it serves sends, and small enough to keep a queue of in memory.
    pub const MAX_BODY: usize = 512 * 1024;

    /// Checks the size of the body.
    pub fn check(&self) -> Result<(), BodyTooLarge> {
        let size = self.body.len();
        if size > Self::MAX_BODY {
            Err(BodyTooLarge { size })
        } else {
            Ok(())
        }
    }
}

impl fmt::Debug for Notification {
    /// Everything but the body, which is none of a log's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notification")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Whom to tell, and until when it interests them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// The end of its own interest, e.g. of its registration; the notification's deadline if sooner.
    pub deadline: Timestamp,
    /// What its wire profile names the delivery by, if it does: Hapnd's `{projection}-{sequence}`,
    /// Wisp's `Idempotency-Key`. Visible ASCII; the notification's id where there is none.
    pub key: Option<String>,
    /// What this is the newest state of, if anything: older deliveries of the same topic to the same
    /// endpoint that are pending are superseded.
    pub topic: Option<String>,
    /// Whether its owner does not want to hear this: what it gets is a delivery that is cancelled from
    /// the start, which can be seen and replayed, and says nothing of the endpoint's health.
    pub muted: bool,
}

impl Recipient {
    /// An endpoint without a key or topic.
    pub fn new(endpoint: EndpointId, deadline: Timestamp) -> Self {
        Self {
            endpoint,
            deadline,
            key: None,
            topic: None,
            muted: false,
        }
    }
}

/// Which delivery: one notification to one endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId {
    /// What is said.
    pub notification: NotificationId,
    /// To whom.
    pub endpoint: EndpointId,
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.notification, self.endpoint)
    }
}
