//! From wishes to changes: what a list of writes does to the records that are there.

use std::collections::HashMap;

use loggia_space::RecordPath;
use loggia_syntax::Cid;

use super::Changed;

/// What a record says of a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobClaim {
    /// Which blob.
    pub cid: Cid,
    /// What its bytes are.
    pub mime_type: String,
    /// How many bytes it has.
    pub size: u64,
}

/// What a record is to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordValue {
    /// What its bytes hash to.
    pub cid: Cid,
    /// Its bytes.
    pub dag_cbor: Vec<u8>,
    /// The blobs that it refers to; each must have been uploaded by the author, and be as it says.
    pub blobs: Vec<BlobClaim>,
}

/// What is to happen to a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordAction {
    /// Make it; it must not be there.
    Create(RecordValue),
    /// Replace it; it must be there.
    Update(RecordValue),
    /// Make or replace it.
    Put(RecordValue),
    /// Delete it; it must be there.
    Delete,
    /// Delete it if it is there.
    Clear,
}

/// One change that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordWrite {
    /// Which record.
    pub path: RecordPath,
    /// What is to happen to it.
    pub action: RecordAction,
}

/// Why nothing was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unwritten {
    /// A record that was to be made is there.
    Exists(RecordPath),
    /// A record that was to be changed is not there.
    Missing(RecordPath),
    /// A blob that a record refers to was not uploaded.
    NoBlob(Cid),
    /// A blob that a record refers to was uploaded as this type, and not as the record's.
    BlobType(BlobClaim, String),
    /// A blob that a record refers to has this many bytes, and not as many as the record says.
    BlobSize(BlobClaim, u64),
    /// The repository has as many records as are allowed.
    Full,
}

/// What is to be done, as far as the records that are there allow it.
#[derive(Debug, Default)]
pub(super) struct Plan<'w> {
    /// For the log, in order.
    pub(super) changes: Vec<Changed>,
    /// What each record that changes ends as.
    pub(super) ends: HashMap<&'w RecordPath, Option<&'w RecordValue>>,
    /// How many more records there are afterwards.
    pub(super) more: i64,
}

impl<'w> Plan<'w> {
    /// Goes through the writes in order; each sees what those before it did. `now` is what the records
    /// that they name hold.
    pub(super) fn of(
        writes: &'w [RecordWrite],
        mut now: HashMap<RecordPath, Cid>,
    ) -> Result<Self, Unwritten> {
        let mut plan = Self::default();
        for RecordWrite { path, action } in writes {
            let prev = now.get(path).cloned();
            let Some(value) = wanted(path, action, prev.as_ref())? else {
                continue;
            };
            match value {
                Some(value) => now.insert(path.clone(), value.cid.clone()),
                None => now.remove(path),
            };
            plan.more += i64::from(value.is_some()) - i64::from(prev.is_some());
            plan.ends.insert(path, value);
            plan.changes.push(Changed {
                collection: path.collection.clone(),
                rkey: path.rkey.clone(),
                cid: value.map(|value| value.cid.clone()),
                prev,
            });
        }
        Ok(plan)
    }
}

/// What a record is to become, which may be nothing; none if it is that already.
fn wanted<'w>(
    path: &RecordPath,
    action: &'w RecordAction,
    prev: Option<&Cid>,
) -> Result<Option<Option<&'w RecordValue>>, Unwritten> {
    use RecordAction::{Clear, Create, Delete, Put, Update};
    match (action, prev) {
        (Create(_), Some(_)) => Err(Unwritten::Exists(path.clone())),
        (Update(_) | Delete, None) => Err(Unwritten::Missing(path.clone())),
        (Clear, None) => Ok(None),
        (Update(value) | Put(value), Some(prev)) if value.cid == *prev => Ok(None),
        (Create(value) | Update(value) | Put(value), _) => Ok(Some(Some(value))),
        (Delete | Clear, Some(_)) => Ok(Some(None)),
    }
}
