//! `/subscribe`: a position is the time, in microseconds.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Account, Identity, Text, account_of, parse};
use crate::frame::{Place, RawChange, micros};
use crate::{Event, Frame, Malformed, Reason, Wanted, What};

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    did: Text<'a>,
    time_us: i64,
    #[serde(borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    commit: Option<Commit<'a>>,
    #[serde(borrow)]
    identity: Option<Identity<'a>>,
    #[serde(borrow)]
    account: Option<Account<'a>>,
}

#[derive(Deserialize)]
struct Commit<'a> {
    #[serde(borrow)]
    rev: Text<'a>,
    #[serde(borrow)]
    operation: Text<'a>,
    #[serde(borrow)]
    collection: Text<'a>,
    #[serde(borrow)]
    rkey: Text<'a>,
    #[serde(borrow)]
    cid: Option<Text<'a>>,
    #[serde(borrow)]
    record: Option<&'a RawValue>,
}

/// Reads one frame of Jetstream's first protocol.
///
/// What it says of collections that are not wanted, and kinds of event that are not known, leave an
/// empty frame with its place.
pub fn read(frame: &[u8], wanted: &Wanted) -> Result<Frame, Malformed> {
    let line: Line<'_> =
        parse(frame).map_err(|reason: Reason| Malformed::new(reason, frame, None))?;
    let position = line.time_us;
    line.event(wanted)
        .map_err(|reason| Malformed::new(reason, frame, Some(position)))
}

impl Line<'_> {
    fn event(self, wanted: &Wanted) -> Result<Frame, Reason> {
        let time = micros(self.time_us)?;
        let place = Place {
            position: self.time_us,
            time,
        };
        let what = match &*self.kind {
            "commit" => match change(self.commit.ok_or(Reason::Shape)?, wanted)? {
                Some(what) => what,
                None => return Ok(Frame::at(place)),
            },
            "identity" => self.identity.ok_or(Reason::Shape)?.into(),
            "account" => self.account.ok_or(Reason::Shape)?.into(),
            _ => return Ok(Frame::at(place)),
        };
        let did = account_of(&self.did)?;
        Ok(Frame::of(place, Event { time, did, what }))
    }
}

fn change(commit: Commit<'_>, wanted: &Wanted) -> Result<Option<What>, Reason> {
    let change = RawChange {
        rev: &commit.rev,
        operation: &commit.operation,
        collection: &commit.collection,
        rkey: &commit.rkey,
        cid: commit.cid.as_deref(),
        record: commit.record.map(RawValue::get),
    };
    Ok(change.read(wanted)?.map(What::Change))
}
