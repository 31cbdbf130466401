//! What happened on the network.

use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;
use loggia_syntax::{AtUri, Cid, Did, Handle, Nsid, RecordKey, Tid};

/// One thing that happened to one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When, as the source says; microseconds matter.
    pub time: Timestamp,
    /// To whom.
    pub did: Did,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A record was written or removed.
    Change(Change),
    /// The account's DID document or handle may have changed: look again.
    Identity {
        /// The new handle, if the source says it. Unverified.
        handle: Option<Handle>,
    },
    /// The account's hosting status.
    Account {
        /// Whether its repository is served.
        active: bool,
        /// Why not: `deactivated`, `takendown`, `suspended`, `deleted`, ….
        status: Option<String>,
    },
    /// What its repository holds now cannot be told from its changes: a commit was too large for the
    /// stream, or their chain is broken. Look again at whatever of it matters.
    Resync,
}

/// What became of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The revision of the repository: orders all changes of one account, the same whatever source
    /// tells it.
    pub rev: Tid,
    /// Created, updated or deleted.
    pub action: Action,
    /// The record's collection.
    pub collection: Nsid,
    /// Its key.
    pub rkey: RecordKey,
    /// Its hash; none when it is deleted.
    pub cid: Option<Cid>,
    /// Itself; none when it is deleted.
    pub record: Option<Record>,
}

/// What can happen to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// It is new.
    Create,
    /// It has other contents.
    Update,
    /// It is gone.
    Delete,
}

/// A record as JSON text: one object, at most 1 MiB. Not validated against any lexicon.
#[derive(Clone, PartialEq, Eq)]
pub struct Record(Bytes);

impl Event {
    /// The record's address, if this is a change of one.
    pub fn uri(&self) -> Option<AtUri> {
        let What::Change(change) = &self.what else {
            return None;
        };
        let text = format!("at://{}/{}/{}", self.did, change.collection, change.rkey);
        Some(text.parse().expect("its parts are valid"))
    }
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Create, Self::Update, Self::Delete];

    /// What the wire calls it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Record {
    /// A text that was read as one JSON object.
    pub fn from_json(text: Bytes) -> Self {
        Self(text)
    }

    /// How long the text is, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The JSON text.
    pub fn as_json(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Record {
    /// How long it is; what people write is none of a log's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({} bytes)", self.0.len())
    }
}
