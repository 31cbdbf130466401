//! What happens elsewhere, on its way into the histories of those whose projections read it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use loggia_storage::{Appended, EventId, NewEvent, Storage, StorageError, Write};
use loggia_syntax::data::Data;
use loggia_syntax::{Did, Nsid, RecordKey, SpaceRef};
use serde_json::json;

use super::{intake, readers};
use crate::chance;

/// Bytes of events that are held on their way into the store, one history more on top: they are as many as
/// there are histories for each change.
const MOST_HELD: usize = 8 * 1024 * 1024;

/// A change of a record, as sources tell of it.
#[derive(Clone, Copy, Debug)]
pub struct RecordChange<'a> {
    /// The space that it is in; none for the network.
    pub space: Option<&'a SpaceRef>,
    /// Whose repository.
    pub author: &'a Did,
    /// The record's collection.
    pub collection: &'a Nsid,
    /// Its key.
    pub rkey: &'a RecordKey,
    /// The revision that the repository has by it.
    pub rev: &'a str,
    /// Which of the changes of this revision, where a record may change more than once by it; 0 where
    /// it may not.
    pub place: usize,
    /// `create`, `update` or `delete`.
    pub action: &'a str,
    /// The record's CID, unless it is gone.
    pub cid: Option<&'a str>,
    /// The record, unless it is gone or was not sent.
    pub record: Option<Contents<'a>>,
}

/// A record as its source has it.
#[derive(Clone, Copy, Debug)]
pub enum Contents<'a> {
    /// A JSON text.
    Json(&'a [u8]),
    /// DAG-CBOR.
    DagCbor(&'a [u8]),
}

/// Why the data of an event is null though there is a record.
#[derive(Clone, Copy)]
enum Omitted {
    TooLarge,
    Unreadable,
}

/// What all names of records of the network begin with.
pub const RECORDS: &str = "records";

/// The name of records of a collection, of everyone or of one account.
pub fn origin_of_records(collection: &Nsid, did: Option<&Did>) -> String {
    match did {
        None => format!("{RECORDS} {collection}"),
        Some(did) => format!("{RECORDS} {collection} {did}"),
    }
}

/// The name of records of a space, all or those of one collection.
pub fn origin_of_space(space: &SpaceRef, collection: Option<&Nsid>) -> String {
    match collection {
        None => format!("space {space}"),
        Some(collection) => format!("space {space} {collection}"),
    }
}

/// Whether what comes from `origin` is of the source `reads`, which may name more than it.
pub fn is_of(origin: &str, reads: &str) -> bool {
    let rest = origin.strip_prefix(reads);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// The space that an event is from, if it is from one.
pub fn space_of(origin: &str) -> Option<SpaceRef> {
    let space = origin.strip_prefix("space ")?.split(' ').next()?;
    SpaceRef::new(space).ok()
}

/// Appends changes to the histories of all whose projections read them, once to each history however
/// many of its projections do; how many events that made. What was taken before makes none. In the
/// transaction that moves the source's cursor, or makes the change; after its commit, wake the folding.
///
/// # Errors
/// The store failed.
pub async fn take(
    storage: &Storage,
    tx: &mut Write,
    changes: &[RecordChange<'_>],
    now: Timestamp,
) -> Result<usize, StorageError> {
    let projections = storage.projections();
    if changes.is_empty() || !projections.any_reads(tx).await? {
        return Ok(0);
    }
    let names: Vec<_> = changes.iter().map(RecordChange::names).collect();
    let all: BTreeSet<_> = names.iter().flatten().cloned().collect();
    let readers = projections.readers_of(tx, &all).await?;
    let mut allowed = BTreeMap::new();
    let spaces: BTreeSet<_> = changes.iter().filter_map(|change| change.space).collect();
    for space in spaces {
        let wishes = readers.keys().cloned().collect();
        let may = readers::who_may_read(storage, tx, wishes, space).await?;
        allowed.insert(space, may);
    }
    let mut events: Vec<Option<NewEvent>> = vec![None; changes.len()];
    let mut part = Part::default();
    for (owner, reads) in readers {
        let of_owner = changes.iter().zip(&names).zip(&mut events);
        let of_owner = of_owner.filter(|((change, names), _)| {
            let may = |space| allowed.get(space).is_some_and(|may| may.contains(&owner));
            names.iter().any(|name| reads.contains(name)) && change.space.is_none_or(may)
        });
        let new = of_owner.map(|((change, _), event)| {
            let event = event.get_or_insert_with(|| change.event(now)).clone();
            NewEvent {
                id: EventId::new(now, chance::bytes()),
                ..event
            }
        });
        let new = new.collect();
        part.add(owner, new);
        if part.bytes > MOST_HELD {
            part.write(storage, tx, now).await?;
        }
    }
    part.write(storage, tx, now).await?;
    metrics::counter!("loggia_projection_sourced_events_total").increment(part.taken as u64);
    Ok(part.taken)
}

/// What goes into histories together.
#[derive(Default)]
struct Part {
    histories: BTreeMap<Did, Vec<NewEvent>>,
    /// Of the data, and something for the rest.
    bytes: usize,
    /// Events that were written.
    taken: usize,
}

impl Part {
    /// In the order of the owners, as their histories are held until the transaction ends.
    fn add(&mut self, owner: Did, events: Vec<NewEvent>) {
        let bytes = events.iter().map(|event| event.data.len() + 1024);
        self.bytes += bytes.sum::<usize>();
        if !events.is_empty() {
            self.histories.insert(owner, events);
        }
    }

    async fn write(
        &mut self,
        storage: &Storage,
        tx: &mut Write,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let histories = std::mem::take(&mut self.histories);
        self.bytes = 0;
        if histories.is_empty() {
            return Ok(());
        }
        match storage.events().append_all(tx, histories, now).await? {
            Appended::Done(stored) => self.taken += stored.len(),
            Appended::Conflict { .. } => unreachable!("no version was expected"),
        }
        Ok(())
    }
}

impl RecordChange<'_> {
    /// The names under which it may be read: the wider, then the closer one, which is its origin.
    fn names(&self) -> [String; 2] {
        match self.space {
            Some(space) => [
                origin_of_space(space, None),
                origin_of_space(space, Some(self.collection)),
            ],
            None => [
                origin_of_records(self.collection, None),
                origin_of_records(self.collection, Some(self.author)),
            ],
        }
    }

    fn event(&self, now: Timestamp) -> NewEvent {
        let (author, collection, rkey) = (self.author, self.collection, self.rkey);
        let uri = match self.space {
            Some(space) => format!("{space}/{author}/{collection}/{rkey}"),
            None => format!("at://{author}/{collection}/{rkey}"),
        };
        let mut metadata = json!({
            "did": author.as_str(),
            "collection": collection.as_str(),
            "rkey": rkey.as_str(),
            "rev": self.rev,
        });
        if let Some(cid) = self.cid {
            metadata["cid"] = cid.into();
        }
        if let Some(space) = self.space {
            metadata["space"] = space.as_str().into();
        }
        let data = match self.record.map(json_of).transpose() {
            Ok(data) => data.unwrap_or_else(|| "null".to_owned()),
            Err(omitted) => {
                metadata["omitted"] = omitted.as_str().into();
                "null".to_owned()
            }
        };
        let [_, origin] = self.names();
        NewEvent {
            id: EventId::new(now, chance::bytes()),
            source: Some(format!("{uri} {} {} {}", self.rev, self.place, self.action)),
            aggregate: uri,
            aggregate_type: collection.to_string(),
            kind: self.action.to_owned(),
            data,
            metadata: Some(metadata.to_string()),
            correlation: None,
            causation: None,
            origin: Some(origin),
            expected: None,
        }
    }
}

fn json_of(record: Contents<'_>) -> Result<String, Omitted> {
    let text = match record {
        Contents::Json(text) => {
            let text = std::str::from_utf8(text).map_err(|_| Omitted::Unreadable)?;
            intake::check_json(text).map_err(|_| Omitted::Unreadable)?;
            text.to_owned()
        }
        Contents::DagCbor(bytes) => {
            let data: Data =
                serde_ipld_dagcbor::from_slice(bytes).map_err(|_| Omitted::Unreadable)?;
            serde_json::to_string(&data).map_err(|_| Omitted::Unreadable)?
        }
    };
    match text.len() > intake::MOST_DATA {
        true => Err(Omitted::TooLarge),
        false => Ok(text),
    }
}

impl Omitted {
    fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "tooLarge",
            Self::Unreadable => "unreadable",
        }
    }
}
