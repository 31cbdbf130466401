//! The way in: to one history, or to many with the same few statements.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use loggia_syntax::Did;

use super::{Appended, Events, NewEvent, StoredEvent};
use crate::column::millis;
use crate::sql::{Columns, Connection, Kind, Row, Rows};
use crate::{StorageError, Write};

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

const OWNERS: Columns = &[("owner", Kind::Text)];
const NAMES: Columns = &[("owner", Kind::Text), ("name", Kind::Text)];
const ENDS: Columns = &[("owner", Kind::Text), ("last", Kind::Integer)];

/// What is to be appended, and to whose history.
type Histories = BTreeMap<Did, Vec<NewEvent>>;

/// How a history ends before something is appended.
#[derive(Default)]
struct End {
    /// The position of its last event.
    position: i64,
    /// Those of the new events' sources that have made an event before.
    sources: HashSet<String>,
    /// The last version of each aggregate that is named.
    versions: HashMap<String, i64>,
}

/// Another version was expected of an aggregate, which has this one.
struct Unexpected {
    version: i64,
}

impl Events {
    /// Appends all or none of them, in their order.
    pub async fn append(
        &self,
        tx: &mut Write,
        owner: &Did,
        events: Vec<NewEvent>,
        now: Timestamp,
    ) -> Result<Appended, StorageError> {
        let histories = Histories::from([(owner.clone(), events)]);
        self.append_all(tx, histories, now).await
    }

    /// Appends to many histories, with as many statements as to one: all or none of it. What is stored
    /// comes in the order of the owners.
    pub async fn append_all(
        &self,
        tx: &mut Write,
        histories: BTreeMap<Did, Vec<NewEvent>>,
        now: Timestamp,
    ) -> Result<Appended, StorageError> {
        let connection = tx.sql();
        let mut ends = ends(connection, &histories).await?;
        let mut stored = Vec::new();
        let (mut rows, mut moved) = (Rows::new(EVENTS), Rows::new(ENDS));
        for (owner, events) in histories {
            let end = ends.entry(owner.to_string()).or_default();
            for (place, event) in events.into_iter().enumerate() {
                match end.take(event, now) {
                    Ok(Some((event, source))) => {
                        push(&mut rows, &owner, (&event, source));
                        stored.push(event);
                    }
                    Ok(None) => {}
                    Err(Unexpected { version }) => {
                        return Ok(Appended::Conflict { place, version });
                    }
                }
            }
            moved.push([owner.to_string().into(), end.position.into()]);
        }
        write(connection, rows, moved).await?;
        Ok(Appended::Done(stored))
    }
}

impl End {
    /// The next place, for an event, and what the event was made of, which is not read back. None if its
    /// source has made one before.
    fn take(
        &mut self,
        event: NewEvent,
        now: Timestamp,
    ) -> Result<Option<(StoredEvent, Option<String>)>, Unexpected> {
        if let Some(source) = &event.source
            && !self.sources.insert(source.clone())
        {
            return Ok(None);
        }
        let version = self.versions.entry(event.aggregate.clone()).or_default();
        if event.expected.is_some_and(|expected| expected != *version) {
            return Err(Unexpected { version: *version });
        }
        *version += 1;
        self.position += 1;
        let stored = StoredEvent {
            position: self.position,
            id: event.id,
            aggregate: event.aggregate,
            aggregate_type: event.aggregate_type,
            version: *version,
            kind: event.kind,
            data: event.data,
            metadata: event.metadata,
            correlation: event.correlation,
            causation: event.causation,
            origin: event.origin,
            created_at: Timestamp::from_millisecond(millis(now)).unwrap_or(now),
        };
        Ok(Some((stored, event.source)))
    }
}

fn push(rows: &mut Rows<'_>, owner: &Did, (event, source): (&StoredEvent, Option<String>)) {
    rows.push([
        owner.to_string().into(),
        event.position.into(),
        event.id.as_bytes().to_vec().into(),
        event.aggregate.clone().into(),
        event.aggregate_type.clone().into(),
        event.version.into(),
        event.kind.clone().into(),
        event.data.clone().into(),
        event.metadata.clone().into(),
        event.correlation.clone().into(),
        event.causation.clone().into(),
        source.into(),
        event.origin.clone().into(),
        millis(event.created_at).into(),
    ]);
}

async fn write(
    connection: &mut Connection,
    rows: Rows<'_>,
    moved: Rows<'_>,
) -> Result<(), StorageError> {
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
    moved
        .execute(
            connection,
            "UPDATE projection_tenant SET last_event = r.last FROM r
             WHERE projection_tenant.owner = r.owner",
        )
        .await
        .map_err(StorageError::doing("move the ends of histories"))?;
    Ok(())
}

/// Holds the histories until the transaction ends, and says how each ends.
async fn ends(
    connection: &mut Connection,
    histories: &Histories,
) -> Result<BTreeMap<String, End>, StorageError> {
    let held = histories.keys().map(|owner| format!("events of {owner}"));
    connection.hold_all(held.collect()).await?;
    let mut ends = begin_all(connection, histories).await?;
    for (owner, source) in known_sources(connection, histories).await? {
        ends.entry(owner).or_default().sources.insert(source);
    }
    for (owner, aggregate, version) in versions(connection, histories).await? {
        let end = ends.entry(owner).or_default();
        end.versions.insert(aggregate, version);
    }
    Ok(ends)
}

/// Makes sure that there are these histories; where each ends.
async fn begin_all(
    connection: &mut Connection,
    histories: &Histories,
) -> Result<BTreeMap<String, End>, StorageError> {
    let owners = || {
        let mut rows = Rows::new(OWNERS);
        for owner in histories.keys() {
            rows.push([owner.as_str().into()]);
        }
        rows
    };
    let begun = owners().execute(
        connection,
        "INSERT INTO projection_tenant (owner, last_event)
         SELECT r.owner, 0 FROM r WHERE true ON CONFLICT (owner) DO NOTHING",
    );
    begun
        .await
        .map_err(StorageError::doing("begin histories"))?;
    let found = owners().fetch_all(
        connection,
        "SELECT t.owner, t.last_event FROM r JOIN projection_tenant t ON t.owner = r.owner",
    );
    let read = |row: &Row| {
        let end = End {
            position: row.get(1)?,
            ..End::default()
        };
        Ok((row.get(0)?, end))
    };
    let found = found.await;
    let ends = found.and_then(|rows| rows.iter().map(read).collect());
    ends.map_err(StorageError::doing("find the ends of histories"))
}

/// Those of the sources that have made an event before, each with the owner of the history.
async fn known_sources(
    connection: &mut Connection,
    histories: &Histories,
) -> Result<Vec<(String, String)>, StorageError> {
    let mut rows = Rows::new(NAMES);
    for (owner, events) in histories {
        for source in events.iter().filter_map(|event| event.source.as_deref()) {
            rows.push([owner.as_str().into(), source.into()]);
        }
    }
    let found = rows.fetch_all(
        connection,
        "SELECT e.owner, e.source FROM r JOIN event e ON e.owner = r.owner AND e.source = r.name",
    );
    let read = |row: &Row| Ok((row.get(0)?, row.get(1)?));
    let found = found.await;
    let known = found.and_then(|rows| rows.iter().map(read).collect());
    known.map_err(StorageError::doing("look for sources of events"))
}

/// The last version of each aggregate that is named, with the owner of the history.
async fn versions(
    connection: &mut Connection,
    histories: &Histories,
) -> Result<Vec<(String, String, i64)>, StorageError> {
    let mut rows = Rows::new(NAMES);
    for (owner, events) in histories {
        let named: BTreeSet<_> = events.iter().map(|event| &event.aggregate).collect();
        for aggregate in named {
            rows.push([owner.as_str().into(), aggregate.into()]);
        }
    }
    let found = rows.fetch_all(
        connection,
        "SELECT r.owner, r.name, (SELECT e.version FROM event e
             WHERE e.owner = r.owner AND e.aggregate = r.name
             ORDER BY e.version DESC LIMIT 1), s.version
         FROM r LEFT JOIN swept_version s ON s.owner = r.owner AND s.aggregate = r.name",
    );
    let read = |row: &Row| {
        let (kept, swept): (Option<i64>, Option<i64>) = (row.get(2)?, row.get(3)?);
        Ok((row.get(0)?, row.get(1)?, kept.max(swept).unwrap_or(0)))
    };
    let found = found.await;
    let versions = found.and_then(|rows| rows.iter().map(read).collect());
    versions.map_err(StorageError::doing("find the versions of aggregates"))
}
