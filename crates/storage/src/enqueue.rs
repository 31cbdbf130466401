//! Enqueueing: in the transaction of the cause, and idempotent.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use loggia_delivery::{
    CancelReason, DeliveryId, Due, EndpointState, Event, Lease, NewNotification, Notification,
    NotificationId, Recipient, State, Terms,
};
use loggia_syntax::Nsid;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::column::{Reading, millis};
use crate::delivery::StateColumns;
use crate::endpoint::Found;
use crate::{BadRow, Deliveries, StorageError, Write, endpoint};

/// What was enqueued.
#[derive(Clone, Debug)]
pub struct Enqueued {
    /// The notification: the one that the same source made before, if there is one.
    pub notification: NotificationId,
    /// How many deliveries are new.
    pub new: usize,
    /// Those of them that carry the given lease: offer them to the engine after the commit.
    pub due: Vec<Due>,
}

impl Deliveries {
    /// Stores a notification once and a delivery for each recipient. What the same source made
    /// before is not made again. A recipient that is disabled, or cannot be read and so becomes
    /// disabled, gets a cancelled delivery, one whose deadline has passed an expired one: rows that can be seen. Without recipients nothing is
    /// stored.
    ///
    /// With a `lease` the deliveries belong to its node, which attempts them straight from memory;
    /// without, they are due at once.
    pub async fn enqueue(
        &self,
        tx: &mut Write,
        new: NewNotification,
        recipients: &[Recipient],
        lease: Option<&Lease>,
        now: Timestamp,
    ) -> Result<Enqueued, StorageError> {
        new.notification.check().map_err(StorageError::TooLarge)?;
        if recipients.is_empty() {
            let notification = new.notification.id;
            return Ok(Enqueued {
                notification,
                new: 0,
                due: Vec::new(),
            });
        }
        let notification = Arc::new(store(tx.sql(), new).await?);
        let mut enqueued = Enqueued {
            notification: notification.id,
            new: 0,
            due: Vec::new(),
        };
        for recipient in recipients {
            let sealer = &self.storage.inner.sealer;
            let found =
                endpoint::find_or_disable(tx.sql(), sealer, recipient.endpoint, now).await?;
            let deadline = recipient.deadline.min(notification.deadline);
            let state = first_state(&found, deadline, lease, now);
            let id = DeliveryId {
                notification: notification.id,
                endpoint: recipient.endpoint,
            };
            if !insert(tx.sql(), id, &state, deadline).await? {
                continue;
            }
            enqueued.new += 1;
            if let (State::Leased { attempts, lease }, Found::Readable(endpoint)) = (state, found) {
                let (notification, endpoint) = (notification.clone(), Arc::from(endpoint));
                enqueued.due.push(Due {
                    id,
                    notification,
                    endpoint,
                    deadline,
                    attempts,
                    lease,
                });
            }
        }
        Ok(enqueued)
    }
}

fn first_state(found: &Found, deadline: Timestamp, lease: Option<&Lease>, now: Timestamp) -> State {
    let Found::Readable(endpoint) = found else {
        return State::Cancelled {
            attempts: 0,
            at: now,
            reason: CancelReason::Disabled,
        };
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
        (EndpointState::Active, Some(lease)) => Event::Lease(lease.clone()),
        (EndpointState::Active, None) => return new,
    };
    let moved = new.on(event, &terms, now);
    moved
        .expect("a new delivery is due and can be leased or cancelled")
        .0
}

/// Stores the notification, or finds the one that the same source made before.
async fn store(
    connection: &mut SqliteConnection,
    new: NewNotification,
) -> Result<Notification, StorageError> {
    let NewNotification {
        notification,
        source,
    } = new;
    let inserted = sqlx::query(
        "INSERT INTO notification (id, kind, subject, body, created_at, deadline, source)
         VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (source) DO NOTHING",
    )
    .bind(&notification.id.as_bytes()[..])
    .bind(notification.kind.as_str())
    .bind(&notification.subject)
    .bind(&notification.body[..])
    .bind(millis(notification.created_at))
    .bind(millis(notification.deadline))
    .bind(&source)
    .execute(&mut *connection)
    .await
    .map_err(StorageError::doing("store a notification"))?;
    if inserted.rows_affected() == 1 {
        return Ok(notification);
    }
    let row = sqlx::query("SELECT * FROM notification WHERE source = ?")
        .bind(&source)
        .fetch_one(connection)
        .await
        .map_err(StorageError::doing("find a notification by its source"))?;
    let id = Reading::new("notification", "(unreadable)", &row)
        .parse("id", NotificationId::from_slice)?;
    Ok(read(&row, id)?)
}

/// Inserts the delivery; whether it is new.
async fn insert(
    connection: &mut SqliteConnection,
    id: DeliveryId,
    state: &State,
    deadline: Timestamp,
) -> Result<bool, StorageError> {
    let columns = StateColumns::of(state);
    let inserted = sqlx::query(
        "INSERT INTO delivery
             (notification, endpoint, state, attempts, deadline, due, node, ended_at, reason)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (notification, endpoint) DO NOTHING",
    )
    .bind(&id.notification.as_bytes()[..])
    .bind(&id.endpoint.as_bytes()[..])
    .bind(columns.state)
    .bind(columns.attempts)
    .bind(millis(deadline))
    .bind(columns.due)
    .bind(columns.node)
    .bind(columns.ended_at)
    .bind(columns.reason)
    .execute(connection)
    .await
    .map_err(StorageError::doing("insert a delivery"))?;
    Ok(inserted.rows_affected() == 1)
}

/// Reads the columns of a notification; those of a delivery may stand beside them.
pub(crate) fn read(row: &SqliteRow, id: NotificationId) -> Result<Notification, BadRow> {
    let reading = Reading::new("notification", id, row);
    Ok(Notification {
        id,
        kind: reading.parse("kind", |text: &str| Nsid::new(text))?,
        subject: reading.get("subject")?,
        body: Bytes::from(reading.get::<Vec<u8>>("body")?),
        created_at: reading.time("created_at")?,
        deadline: reading.time("deadline")?,
    })
}
