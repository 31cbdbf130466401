//! Notifications as rows: stored once, however many endpoints get them.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use loggia_delivery::{NewNotification, Notification, NotificationId};
use loggia_syntax::Nsid;

use crate::column::{Reading, millis};
use crate::sql::{self, Backend, Columns, Connection, Kind, Row, Rows};
use crate::{BadRow, StorageError};

/// How often it is looked again for a notification of a source that was there and is gone.
const LOOKS: u32 = 3;

const NOTIFICATIONS: Columns = &[
    ("id", Kind::Blob),
    ("kind", Kind::Text),
    ("subject", Kind::Text),
    ("body", Kind::Blob),
    ("created_at", Kind::Integer),
    ("deadline", Kind::Integer),
    ("source", Kind::Text),
];

/// Stores the notifications, or finds those that the same sources made before; in their order.
pub(super) async fn store_all(
    connection: &mut Connection,
    new: Vec<NewNotification>,
) -> Result<Vec<Arc<Notification>>, StorageError> {
    let mut inserted = insert(connection, &new).await?;
    let mut stored = Vec::with_capacity(new.len());
    for new in new {
        stored.push(Arc::new(if inserted.remove(&new.notification.id) {
            new.notification
        } else {
            find_or_insert(connection, new).await?
        }));
    }
    Ok(stored)
}

/// The notification that the same source made before. If a sweep of another node has removed it in
/// between, it is made anew.
async fn find_or_insert(
    connection: &mut Connection,
    new: NewNotification,
) -> Result<Notification, StorageError> {
    for _ in 0..LOOKS {
        let source = new.source.as_deref().unwrap_or_default();
        if let Some(before) = find(connection, source).await? {
            return Ok(before);
        }
        if !insert(connection, std::slice::from_ref(&new))
            .await?
            .is_empty()
        {
            return Ok(new.notification);
        }
    }
    Err(StorageError::Sql {
        doing: "store a notification",
        source: sqlx::Error::RowNotFound,
    })
}

/// Inserts what no source has made before; which those are. In the order of the sources, so that no
/// two who insert the same ones wait for each other.
async fn insert(
    connection: &mut Connection,
    new: &[NewNotification],
) -> Result<HashSet<NotificationId>, StorageError> {
    let mut sorted: Vec<_> = new.iter().collect();
    sorted.sort_by(|one, other| one.source.cmp(&other.source));
    let mut rows = Rows::new(NOTIFICATIONS);
    for NewNotification {
        notification,
        source,
    } in sorted
    {
        rows.push([
            notification.id.as_bytes()[..].into(),
            notification.kind.as_str().into(),
            (&notification.subject).into(),
            notification.body[..].into(),
            millis(notification.created_at).into(),
            millis(notification.deadline).into(),
            source.into(),
        ]);
    }
    let inserted = rows
        .fetch_all(
            connection,
            "INSERT INTO notification (id, kind, subject, body, created_at, deadline, source)
             SELECT r.id, r.kind, r.subject, r.body, r.created_at, r.deadline, r.source
             FROM r WHERE true
             ON CONFLICT (source) DO NOTHING RETURNING id",
        )
        .await
        .map_err(StorageError::doing("store notifications"))?;
    let read = |row| {
        let reading = Reading::new("notification", "(new)", row);
        Ok(reading.parse("id", NotificationId::from_slice)?)
    };
    inserted.iter().map(read).collect()
}

/// The notification of this source, which is not swept before the transaction ends.
async fn find(
    connection: &mut Connection,
    source: &str,
) -> Result<Option<Notification>, StorageError> {
    let text = match connection.backend() {
        Backend::Sqlite => "SELECT * FROM notification WHERE source = $1",
        Backend::Postgres => "SELECT * FROM notification WHERE source = $1 FOR KEY SHARE",
    };
    let row = sql::query(text)
        .bind(source)
        .fetch_optional(connection)
        .await
        .map_err(StorageError::doing("find a notification by its source"))?;
    let Some(row) = row else { return Ok(None) };
    let id = Reading::new("notification", "(unreadable)", &row)
        .parse("id", NotificationId::from_slice)?;
    Ok(Some(read(&row, id)?))
}

/// Reads the columns of a notification; those of a delivery may stand beside them.
pub(crate) fn read(row: &Row, id: NotificationId) -> Result<Notification, BadRow> {
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
