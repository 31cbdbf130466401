//! The history of events: what accounts and clients append, and projections fold.
//!
//! Each owner has a line of their own, whose positions are given without gaps and which is read in
//! order: whoever appends holds the line until the transaction ends, so that nothing appears before the
//! end of what was read. What came from a source goes again with the time, and leaves gaps.

mod append;
mod sweep;

use jiff::Timestamp;
use loggia_delivery::sortable_id;
use loggia_syntax::Did;

use crate::column::Reading;
use crate::sql::{self, Connection, Row};
use crate::{BadRow, Storage, StorageError};

sortable_id! {
    /// Which event.
    EventId
}

/// An event on its way in.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Its id.
    pub id: EventId,
    /// What it happened to.
    pub aggregate: String,
    /// What kind of thing that is.
    pub aggregate_type: String,
    /// What happened.
    pub kind: String,
    /// The rest of what happened, JSON.
    pub data: String,
    /// What else is to be kept, JSON.
    pub metadata: Option<String>,
    /// What it belongs to.
    pub correlation: Option<String>,
    /// What caused it.
    pub causation: Option<String>,
    /// What it was made of, if that has a name: the same never makes a second event.
    pub source: Option<String>,
    /// Where it is from, if it is not from the API: the name under which projections read it.
    pub origin: Option<String>,
    /// The version that its aggregate must have before.
    pub expected: Option<i64>,
}

/// An event of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// The place in its owner's history, from 1.
    pub position: i64,
    /// Which event.
    pub id: EventId,
    /// What it happened to.
    pub aggregate: String,
    /// What kind of thing that is.
    pub aggregate_type: String,
    /// The place among the events of its aggregate, from 1.
    pub version: i64,
    /// What happened.
    pub kind: String,
    /// The rest of what happened, JSON.
    pub data: String,
    /// What else is to be kept, JSON.
    pub metadata: Option<String>,
    /// What it belongs to.
    pub correlation: Option<String>,
    /// What caused it.
    pub causation: Option<String>,
    /// Where it is from, if it is not from the API.
    pub origin: Option<String>,
    /// When it was appended.
    pub created_at: Timestamp,
}

/// What became of appending.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Appended {
    /// All are there; those that a source has made before are left out.
    Done(Vec<StoredEvent>),
    /// Nothing was appended: an aggregate has another version than the one that was expected.
    Conflict {
        /// Which of the events, from 0.
        place: usize,
        /// The version that its aggregate would have before it.
        version: i64,
    },
}

/// The events of a store.
#[derive(Clone, Debug)]
pub struct Events {
    pub(crate) storage: Storage,
}

impl Events {
    /// At most `limit` events of one aggregate, oldest first, after the version.
    pub async fn list(
        &self,
        owner: &Did,
        aggregate: &str,
        after: i64,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StorageError> {
        let rows = sql::query(
            "SELECT * FROM event WHERE owner = $1 AND aggregate = $2 AND version > $3
             ORDER BY version LIMIT $4",
        )
        .bind(owner.as_str())
        .bind(aggregate)
        .bind(after)
        .bind(limit)
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("list events"))?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// At most `limit` events of an owner, oldest first, after the position.
    pub async fn after(
        &self,
        owner: &Did,
        position: i64,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StorageError> {
        let rows = sql::query(
            "SELECT * FROM event WHERE owner = $1 AND position > $2 ORDER BY position LIMIT $3",
        )
        .bind(owner.as_str())
        .bind(position)
        .bind(limit)
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("read a history"))?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }
}

/// Makes sure that there is an owner; the position of their last event.
pub(crate) async fn begin(connection: &mut Connection, owner: &Did) -> Result<i64, StorageError> {
    sql::query(
        "INSERT INTO projection_tenant (owner, last_event) VALUES ($1, 0)
         ON CONFLICT (owner) DO NOTHING",
    )
    .bind(owner.as_str())
    .execute(&mut *connection)
    .await
    .map_err(StorageError::doing("begin a history"))?;
    sql::query_scalar("SELECT last_event FROM projection_tenant WHERE owner = $1")
        .bind(owner.as_str())
        .fetch_one(connection)
        .await
        .map_err(StorageError::doing("find the end of a history"))
}

fn read(row: &Row) -> Result<StoredEvent, BadRow> {
    let id = Reading::new("event", "(unreadable)", row).parse("id", EventId::from_slice)?;
    let reading = Reading::new("event", id, row);
    Ok(StoredEvent {
        position: reading.get("position")?,
        id,
        aggregate: reading.get("aggregate")?,
        aggregate_type: reading.get("aggregate_type")?,
        version: reading.get("version")?,
        kind: reading.get("kind")?,
        data: reading.get("data")?,
        metadata: reading.get("metadata")?,
        correlation: reading.get("correlation")?,
        causation: reading.get("causation")?,
        origin: reading.get("origin")?,
        created_at: reading.time("created_at")?,
    })
}
