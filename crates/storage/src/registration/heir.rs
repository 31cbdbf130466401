//! What waits for a URL whose registration ends, while somebody else has registered the same: of those only
//! one is told of each event, and so the others would never hear of what it has not heard yet.

use jiff::Timestamp;
use loggia_delivery::EndpointId;

use super::is_told;
use crate::announcement::announce_due;
use crate::column::{Reading, millis};
use crate::sql::{self, Connection, Row};
use crate::{BadRow, StorageError};

/// Deliveries that are handed on at once: what a busy space makes while a receiver is away for a few hours.
const MOST: i64 = 10_000;

/// Where a registration that has ended was told, and of what.
pub(super) struct Place<'a> {
    pub(super) endpoint: EndpointId,
    space: &'a str,
    shape: String,
    url: String,
    author: String,
}

impl<'a> Place<'a> {
    /// That of a registration in this space.
    pub(super) fn of(space: &'a str, row: &Row) -> Result<Self, BadRow> {
        let reading = Reading::new("registration", "(ended)", row);
        Ok(Self {
            endpoint: reading.parse("endpoint", EndpointId::from_slice)?,
            space,
            shape: reading.get("shape")?,
            url: reading.get("url")?,
            author: reading.get("author")?,
        })
    }

    /// Gives what is open for the endpoint to another one of the same URL, the first [`MOST`] of it.
    /// What is on its way may arrive twice.
    pub(super) async fn hand_on(
        &self,
        connection: &mut Connection,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        if self.url.is_empty() {
            return Ok(());
        }
        let Some(heir) = self.heir(connection, now).await? else {
            return Ok(());
        };
        let handed = sql::query(
            "INSERT INTO delivery
                 (notification, endpoint, state, attempts, deadline, due, topic, created_at, in_order)
             SELECT d.notification, $1, 'pending', 0, d.deadline, $2, d.topic, d.created_at, d.in_order
             FROM delivery d
             WHERE d.endpoint = $3 AND d.state IN ('pending', 'leased') AND d.deadline > $2
             ORDER BY d.notification LIMIT $4
             ON CONFLICT (notification, endpoint) DO NOTHING",
        )
        .bind(&heir.as_bytes()[..])
        .bind(millis(now))
        .bind(&self.endpoint.as_bytes()[..])
        .bind(MOST)
        .execute(&mut *connection)
        .await
        .map_err(StorageError::doing("hand on what waits for a URL"))?;
        match handed {
            0 => Ok(()),
            _ => announce_due(connection).await,
        }
    }

    /// The endpoint of whoever else has registered the URL, for no fewer authors. Others have nothing to
    /// wait for here: who asks for one author is told of them before who asks for all.
    async fn heir(
        &self,
        connection: &mut Connection,
        now: Timestamp,
    ) -> Result<Option<EndpointId>, StorageError> {
        let row = sql::query(concat!(
            "SELECT g.endpoint FROM registration g JOIN endpoint e ON e.id = g.endpoint
             LEFT JOIN space s ON s.uri = g.space
             LEFT JOIN space_member m ON m.space = g.space AND m.did = g.reader
             WHERE g.space = $1 AND g.shape = $2 AND g.url = $3 AND g.author IN ('', $4)
                 AND g.expires_at > $5 AND ",
            is_told!(),
            // As among those who are told: who asked for this author alone, and readers after the authority.
            " ORDER BY g.author = '', g.reader IS NOT NULL OR g.credential IS NOT NULL, g.id LIMIT 1"
        ))
        .bind(self.space)
        .bind(&self.shape)
        .bind(&self.url)
        .bind(&self.author)
        .bind(millis(now))
        .fetch_optional(connection)
        .await
        .map_err(StorageError::doing("find who else has registered a URL"))?;
        let read = |row: Row| {
            let reading = Reading::new("registration", "(heir)", &row);
            reading.parse("endpoint", EndpointId::from_slice)
        };
        Ok(row.map(read).transpose()?)
    }
}
