//! What one frame of a source says, whatever protocol it is of.

use bytes::Bytes;
use jiff::Timestamp;
use loggia_syntax::{Cid, Did, Nsid, RecordKey, Tid};

use crate::blocks::link::Link;
use crate::{Action, Change, Event, Reason, Record, Wanted, What};

/// The longest record, in bytes of JSON: as much as the protocol allows for a block.
pub const LONGEST_RECORD: usize = 1024 * 1024;

/// One frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// What happened, of that what is wanted.
    pub events: Vec<Event>,
    /// Where in the source it stands; notices stand nowhere.
    pub place: Option<Place>,
    /// What the source says about itself.
    pub notice: Option<Notice>,
    /// Parts of it that cannot be used.
    pub flaws: Vec<Reason>,
    /// What it says of the chain of an account's commits, where signatures are checked.
    pub chain: Option<Box<Chain>>,
}

/// A commit among those of its account, or the end of what is known of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Whose.
    pub(crate) did: Did,
    /// The commit; none where what the repository holds now is to be looked at anew.
    pub(crate) commit: Option<ChainedCommit>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChainedCommit {
    pub(crate) rev: Tid,
    /// The revision before, as the host says.
    pub(crate) since: Option<String>,
    /// The root of the tree before: what this commit's changes, taken back, lead to.
    pub(crate) before: Option<Link>,
    /// The root of its tree; none if nobody has checked the signature.
    pub(crate) data: Option<Link>,
}

/// Where a frame stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its number.
    pub position: i64,
    /// When the source saw it: what a resumption by time goes by.
    pub time: Timestamp,
}

/// What a source can say about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It no longer has all that was asked for, and begins where it can.
    Outdated,
    /// It has not come so far as was asked for: its numbers have begun anew.
    Future,
    /// It ends here, for a reason of its own, e.g. that its reader is too slow.
    End,
}

impl Chain {
    /// Nothing is known any more of an account's commits.
    pub(crate) fn unknown(did: &str) -> Option<Box<Self>> {
        let did = did.parse().ok()?;
        Some(Box::new(Self { did, commit: None }))
    }
}

impl Frame {
    /// A frame of which nothing is wanted.
    pub(crate) fn at(place: Place) -> Self {
        Self {
            place: Some(place),
            ..Self::default()
        }
    }

    pub(crate) fn of(place: Place, event: Event) -> Self {
        Self {
            events: vec![event],
            place: Some(place),
            ..Self::default()
        }
    }

    /// Where something of a commit could not be used, what the account has now is to be looked at; said
    /// once.
    pub(crate) fn resync(&self, did: &Did) -> Option<Event> {
        let is_said = self.events.iter().any(|event| event.what == What::Resync);
        let time = self
            .place
            .filter(|_| !self.flaws.is_empty() && !is_said)?
            .time;
        Some(Event {
            time,
            did: did.clone(),
            what: What::Resync,
        })
    }

    pub(crate) fn notice(notice: Option<Notice>) -> Self {
        Self {
            notice,
            ..Self::default()
        }
    }
}

/// A change of one record as it stands in JSON, nothing of it checked yet.
pub(crate) struct RawChange<'a> {
    pub(crate) rev: &'a str,
    pub(crate) operation: &'a str,
    pub(crate) collection: &'a str,
    pub(crate) rkey: &'a str,
    pub(crate) cid: Option<&'a str>,
    pub(crate) record: Option<&'a str>,
}

impl RawChange<'_> {
    /// The change; none if nobody wants it, and then nothing was made of it.
    pub(crate) fn read(self, wanted: &Wanted) -> Result<Option<Change>, Reason> {
        if !wanted.has(self.collection) {
            return Ok(None);
        }
        let action = match self.operation {
            "create" => Action::Create,
            "update" => Action::Update,
            "delete" => Action::Delete,
            _ => return Err(Reason::Shape),
        };
        let (cid, record) = match action {
            Action::Delete => (None, None),
            _ => (
                Some(self.cid.ok_or(Reason::Shape)?),
                Some(record(self.record.ok_or(Reason::Shape)?)?),
            ),
        };
        Ok(Some(Change {
            rev: Tid::new(self.rev).map_err(|_| Reason::Identifier)?,
            action,
            collection: Nsid::new(self.collection).map_err(|_| Reason::Identifier)?,
            rkey: RecordKey::new(self.rkey).map_err(|_| Reason::Identifier)?,
            cid: cid
                .map(Cid::new)
                .transpose()
                .map_err(|_| Reason::Identifier)?,
            record,
        }))
    }
}

/// A copy of its own: a slice would keep alive whatever else the socket has read with it.
fn record(text: &str) -> Result<Record, Reason> {
    if text.len() > LONGEST_RECORD || !text.starts_with('{') {
        return Err(Reason::Record);
    }
    Ok(Record::from_json(Bytes::copy_from_slice(text.as_bytes())))
}

/// A moment as microseconds.
pub(crate) fn micros(micros: i64) -> Result<Timestamp, Reason> {
    Timestamp::from_microsecond(micros).map_err(|_| Reason::Identifier)
}

/// A moment as text.
pub(crate) fn moment(text: &str) -> Result<Timestamp, Reason> {
    text.parse().map_err(|_| Reason::Identifier)
}
