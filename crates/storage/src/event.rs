//! The history of events: what accounts and clients append, and projections fold.
//!
//! Each owner has a line of their own, whose positions have no gaps and which is read in order:
//! whoever appends holds the line until the transaction ends, so that nothing appears before the end
//! of what was read.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::Timestamp;
use loggia_delivery::sortable_id;
use loggia_syntax::Did;

use crate::column::{Reading, millis};
use crate::sql::{self, Columns, Connection, Kind, Row, Rows};
use crate::{BadRow, Storage, StorageError, Write};

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

const EVENTS: Columns = &[
    ("owner", Kind::Text),
    ("position", Kind::Integer),
    ("id", Kind::Blob),
    ("aggregate", Kind::Text),
    ("aggregate_type", Kind::Text),
    ("version", Kind::Integer),
    ("kind", Kind::Text),
    ("data", Kind::Text),
    ("metadata", Kind::Text),
    ("correlation", Kind::Text),
    ("causation", Kind::Text),
    ("source", Kind::Text),
    ("origin", Kind::Text),
    ("created_at", Kind::Integer),
];

impl Events {
    /// Appends all or none of them, in their order.
    pub async fn append(
        &self,
        tx: &mut Write,
        owner: &Did,
        events: Vec<NewEvent>,
        now: Timestamp,
    ) -> Result<Appended, StorageError> {
        let connection = tx.sql();
        connection.hold(&format!("events of {owner}")).await?;
        let mut position = begin(connection, owner).await?;
        let before = known_sources(connection, owner, &events).await?;
        let mut versions = versions(connection, owner, &events).await?;
        let mut stored = Vec::with_capacity(events.len());
        let mut rows = Rows::new(EVENTS);
        let mut seen = before;
        for (place, event) in events.into_iter().enumerate() {
            if let Some(source) = &event.source
                && !seen.insert(source.clone())
            {
                continue;
            }
            let version = versions.entry(event.aggregate.clone()).or_default();
            if event.expected.is_some_and(|expected| expected != *version) {
                let version = *version;
                return Ok(Appended::Conflict { place, version });
            }
            *version += 1;
            position += 1;
            rows.push([
                owner.as_str().into(),
                position.into(),
                event.id.as_bytes().to_vec().into(),
                event.aggregate.clone().into(),
                event.aggregate_type.clone().into(),
                (*version).into(),
                event.kind.clone().into(),
                event.data.clone().into(),
                event.metadata.clone().into(),
                event.correlation.clone().into(),
                event.causation.clone().into(),
                event.source.clone().into(),
                event.origin.clone().into(),
                millis(now).into(),
            ]);
            stored.push(of_new(event, position, *version, now));
        }
        rows.execute(
            connection,
            "INSERT INTO event (owner, position, id, aggregate, aggregate_type, version, kind, data,
                 metadata, correlation, causation, source, origin, created_at)
             SELECT r.owner, r.position, r.id, r.aggregate, r.aggregate_type, r.version, r.kind,
                 r.data, r.metadata, r.correlation, r.causation, r.source, r.origin, r.created_at
             FROM r WHERE true",
        )
        .await
        .map_err(StorageError::doing("append events"))?;
        sql::query("UPDATE projection_tenant SET last_event = $1 WHERE owner = $2")
            .bind(position)
            .bind(owner.as_str())
            .execute(connection)
            .await
            .map_err(StorageError::doing("move the end of a history"))?;
        Ok(Appended::Done(stored))
    }

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

const WANTED: Columns = &[("owner", Kind::Text), ("name", Kind::Text)];

/// Those of the sources that have made an event before.
async fn known_sources(
    connection: &mut Connection,
    owner: &Did,
    events: &[NewEvent],
) -> Result<HashSet<String>, StorageError> {
    let mut rows = Rows::new(WANTED);
    for source in events.iter().filter_map(|event| event.source.as_deref()) {
        rows.push([owner.as_str().into(), source.into()]);
    }
    if rows.is_empty() {
        return Ok(HashSet::new());
    }
    let doing = StorageError::doing("look for sources of events");
    let found = rows
        .fetch_all(
            connection,
            "SELECT e.source FROM r JOIN event e ON e.owner = r.owner AND e.source = r.name",
        )
        .await;
    let found = found.and_then(|rows| rows.iter().map(|row| row.get(0)).collect());
    found.map_err(doing)
}

/// The last version of each aggregate that is named.
async fn versions(
    connection: &mut Connection,
    owner: &Did,
    events: &[NewEvent],
) -> Result<BTreeMap<String, i64>, StorageError> {
    let named: BTreeSet<_> = events.iter().map(|event| &event.aggregate).collect();
    let mut rows = Rows::new(WANTED);
    for aggregate in named {
        rows.push([owner.as_str().into(), aggregate.into()]);
    }
    let doing = StorageError::doing("find the versions of aggregates");
    let found = rows
        .fetch_all(
            connection,
            "SELECT r.name, (SELECT e.version FROM event e
                 WHERE e.owner = r.owner AND e.aggregate = r.name
                 ORDER BY e.version DESC LIMIT 1) FROM r",
        )
        .await;
    let read = |row: &Row| Ok((row.get(0)?, row.get::<Option<i64>>(1)?.unwrap_or(0)));
    let found = found.and_then(|rows| rows.iter().map(read).collect());
    found.map_err(doing)
}

fn of_new(event: NewEvent, position: i64, version: i64, now: Timestamp) -> StoredEvent {
    StoredEvent {
        position,
        id: event.id,
        aggregate: event.aggregate,
        aggregate_type: event.aggregate_type,
        version,
        kind: event.kind,
        data: event.data,
        metadata: event.metadata,
        correlation: event.correlation,
        causation: event.causation,
        origin: event.origin,
        created_at: Timestamp::from_millisecond(millis(now)).unwrap_or(now),
    }
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
