//! The ways into histories: what owners append, and what happens in the network and in spaces.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use loggia_storage::{Appended, EventId, NewEvent, Storage, StorageError, Write};
use loggia_syntax::{Did, Nsid, RecordKey, SpaceRef};
use serde_json::json;

use crate::chance;

/// Bytes of the data of one event.
pub const MOST_DATA: usize = 256 * 1024;

/// Bytes of what else is to be kept of one event.
pub const MOST_METADATA: usize = 64 * 1024;

/// An event as somebody gives it, not looked at yet.
#[derive(Clone, Debug)]
pub struct Given<'a> {
    /// What it happened to.
    pub aggregate: String,
    /// What kind of thing that is.
    pub aggregate_type: Option<String>,
    /// What happened.
    pub kind: String,
    /// The rest of what happened.
    pub data: &'a str,
    /// The version that its aggregate must have before.
    pub expected: Option<i64>,
    /// What it belongs to.
    pub correlation: Option<String>,
    /// What caused it.
    pub causation: Option<String>,
    /// What else is to be kept.
    pub metadata: Option<&'a str>,
}

impl Given<'_> {
    /// An event that can be appended.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(self, now: Timestamp) -> Result<NewEvent, String> {
        let kind_of = |aggregate: &str| {
            let end = aggregate.find(['_', '-']).filter(|end| *end > 0);
            aggregate[..end.unwrap_or(aggregate.len())].to_owned()
        };
        let aggregate_type = self.aggregate_type;
        let aggregate_type = aggregate_type.unwrap_or_else(|| kind_of(&self.aggregate));
        short("aggregateId", 1..=512, &self.aggregate)?;
        short("aggregateType", 1..=512, &aggregate_type)?;
        short("eventType", 1..=256, &self.kind)?;
        short(
            "correlationId",
            0..=512,
            self.correlation.as_deref().unwrap_or_default(),
        )?;
        short(
            "causationId",
            0..=512,
            self.causation.as_deref().unwrap_or_default(),
        )?;
        Ok(NewEvent {
            id: EventId::new(now, chance::bytes()),
            data: json("data", self.data, MOST_DATA)?,
            metadata: self
                .metadata
                .map(|metadata| json("metadata", metadata, MOST_METADATA))
                .transpose()?,
            aggregate: self.aggregate,
            aggregate_type,
            kind: self.kind,
            correlation: self.correlation,
            causation: self.causation,
            source: None,
            origin: None,
            expected: self.expected,
        })
    }
}

fn short(name: &str, bytes: RangeInclusive<usize>, text: &str) -> Result<(), String> {
    if bytes.contains(&text.len()) && !text.contains('\0') {
        return Ok(());
    }
    let (least, most) = (bytes.start(), bytes.end());
    Err(format!("`{name}` has {least} to {most} bytes without NUL"))
}

/// JSON as it was written, within limits.
fn json(name: &str, text: &str, most: usize) -> Result<String, String> {
    if text.len() > most {
        return Err(format!("`{name}` has more than {most} bytes"));
    }
    let checked = serde_json::from_str::<serde::de::IgnoredAny>(text);
    checked.map_err(|error| format!("`{name}` is not JSON: {error}"))?;
    Ok(text.to_owned())
}

/// Something that happened elsewhere, for whoever has a projection that reads it.
#[derive(Clone, Debug)]
pub struct SourceEvent {
    /// The names under which it may be read, see [`origin_of_records`] and [`origin_of_space`].
    pub origins: Vec<String>,
    /// A name of its own: the same never makes a second event in one history.
    pub name: String,
    /// What it happened to: a record.
    pub aggregate: String,
    /// Its collection.
    pub aggregate_type: String,
    /// `create`, `update` or `delete`.
    pub kind: String,
    /// The record, JSON; null where it is gone.
    pub data: String,
    /// Where it is from, JSON.
    pub metadata: String,
}

/// A change of a record, as sources tell of it.
#[derive(Clone, Copy, Debug)]
pub struct RecordChange<'a> {
    /// Whose repository.
    pub author: &'a Did,
    /// The record's collection.
    pub collection: &'a Nsid,
    /// Its key.
    pub rkey: &'a RecordKey,
    /// The revision that the repository has by it.
    pub rev: &'a str,
    /// `create`, `update` or `delete`.
    pub action: &'a str,
    /// The record's CID, unless it is gone.
    pub cid: Option<&'a str>,
    /// The record, JSON, unless it is gone or was not sent.
    pub record: Option<&'a str>,
}

/// The name of records of a collection, of everyone or of one account.
pub fn origin_of_records(collection: &Nsid, did: Option<&Did>) -> String {
    match did {
        None => format!("records {collection}"),
        Some(did) => format!("records {collection} {did}"),
    }
}

/// The name of records of a space, all or those of one collection.
pub fn origin_of_space(space: &SpaceRef, collection: Option<&Nsid>) -> String {
    match collection {
        None => format!("space {space}"),
        Some(collection) => format!("space {space} {collection}"),
    }
}

impl SourceEvent {
    /// A change in the network.
    pub fn of_record(change: RecordChange<'_>) -> Self {
        let origins = vec![
            origin_of_records(change.collection, None),
            origin_of_records(change.collection, Some(change.author)),
        ];
        let uri = format!(
            "at://{}/{}/{}",
            change.author, change.collection, change.rkey
        );
        change.event(origins, uri, None)
    }

    /// A change in a space that is hosted here.
    pub fn in_space(space: &SpaceRef, change: RecordChange<'_>) -> Self {
        let origins = vec![
            origin_of_space(space, None),
            origin_of_space(space, Some(change.collection)),
        ];
        let uri = format!(
            "{space}/{}/{}/{}",
            change.author, change.collection, change.rkey
        );
        change.event(origins, uri, Some(space))
    }
}

impl RecordChange<'_> {
    fn event(self, origins: Vec<String>, uri: String, space: Option<&SpaceRef>) -> SourceEvent {
        let mut metadata = json!({
            "did": self.author.as_str(),
            "collection": self.collection.as_str(),
            "rkey": self.rkey.as_str(),
            "rev": self.rev,
        });
        if let Some(cid) = self.cid {
            metadata["cid"] = cid.into();
        }
        if let Some(space) = space {
            metadata["space"] = space.as_str().into();
        }
        SourceEvent {
            name: format!("{uri} {}", self.rev),
            aggregate: uri,
            aggregate_type: self.collection.to_string(),
            kind: self.action.to_owned(),
            data: self.record.unwrap_or("null").to_owned(),
            metadata: metadata.to_string(),
            origins,
        }
    }
}

/// Appends what an owner says: all or none of it.
///
/// # Errors
/// The store failed.
pub async fn append(
    storage: &Storage,
    tx: &mut Write,
    owner: &Did,
    events: Vec<NewEvent>,
    now: Timestamp,
) -> Result<Appended, StorageError> {
    storage.events().append(tx, owner, events, now).await
}

/// Appends what happened elsewhere to the histories of all whose projections read it; how many events
/// that made. What was taken before makes none. In the transaction that moves the source's cursor;
/// after its commit, wake the folding.
///
/// # Errors
/// The store failed.
pub async fn take(
    storage: &Storage,
    tx: &mut Write,
    events: &[SourceEvent],
    now: Timestamp,
) -> Result<usize, StorageError> {
    let mut origins: Vec<_> = events.iter().flat_map(|event| &event.origins).collect();
    origins.sort();
    origins.dedup();
    let mut taken = 0;
    for origin in origins {
        let readers = storage.projections().readers_of(tx, origin).await?;
        for owner in readers {
            let read = events.iter().filter(|event| event.origins.contains(origin));
            let new = read.map(|event| new_event(event, origin, now)).collect();
            match append(storage, tx, &owner, new, now).await? {
                Appended::Done(stored) => taken += stored.len(),
                Appended::Conflict { .. } => unreachable!("no version was expected"),
            }
        }
    }
    Ok(taken)
}

fn new_event(event: &SourceEvent, origin: &str, now: Timestamp) -> NewEvent {
    NewEvent {
        id: EventId::new(now, chance::bytes()),
        aggregate: event.aggregate.clone(),
        aggregate_type: event.aggregate_type.clone(),
        kind: event.kind.clone(),
        data: event.data.clone(),
        metadata: Some(event.metadata.clone()),
        correlation: None,
        causation: None,
        source: Some(format!("{origin} {}", event.name)),
        origin: Some(origin.to_owned()),
        expected: None,
    }
}
