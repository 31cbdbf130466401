//! `network.bsky.jetstream.subscribeEvents`: frames of `xrpc.v1.json`, numbered by the instance.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Account, Identity, Text, account_of, parse};
use crate::frame::{Notice, Place, RawChange, moment};
use crate::{Event, Frame, Malformed, Reason, Wanted, What};

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "$type", borrow)]
    frame_type: Text<'a>,
    #[serde(borrow)]
    payload: Option<Payload<'a>>,
    #[serde(borrow)]
    error: Option<Text<'a>>,
}

/// The members of all kinds of event.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'a> {
    #[serde(rename = "$type", borrow)]
    kind: Text<'a>,
    seq: Option<i64>,
    #[serde(borrow)]
    did: Option<Text<'a>>,
    #[serde(borrow)]
    time: Option<Text<'a>>,
    #[serde(borrow)]
    witnessed_at: Option<Text<'a>>,
    #[serde(borrow)]
    rev: Option<Text<'a>>,
    #[serde(borrow)]
    operation: Option<Text<'a>>,
    #[serde(borrow)]
    collection: Option<Text<'a>>,
    #[serde(borrow)]
    rkey: Option<Text<'a>>,
    #[serde(borrow)]
    cid: Option<Text<'a>>,
    #[serde(borrow)]
    record: Option<&'a RawValue>,
    #[serde(borrow)]
    identity: Option<Identity<'a>>,
    #[serde(borrow)]
    account: Option<Account<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
}

/// Reads one frame of Jetstream's second protocol.
///
/// What it says of collections that are not wanted, and kinds of event that are not known, leave an
/// empty frame with its place.
pub fn read(frame: &[u8], wanted: &Wanted) -> Result<Frame, Malformed> {
    let malformed = |reason, position| Malformed::new(reason, frame, position);
    let envelope: Envelope<'_> = parse(frame).map_err(|reason| malformed(reason, None))?;
    if &*envelope.frame_type == "error" {
        return Ok(Frame::notice(Some(end(envelope.error.as_deref()))));
    }
    let payload = match envelope.payload {
        Some(payload) => payload,
        None => return Err(malformed(Reason::Shape, None)),
    };
    let position = payload.seq;
    payload
        .event(wanted)
        .map_err(|reason| malformed(reason, position))
}

fn end(name: Option<&str>) -> Notice {
    match name {
        Some("FutureCursor") => Notice::Future,
        Some("CursorTooOld") => Notice::Outdated,
        _ => Notice::End,
    }
}

impl Payload<'_> {
    fn event(self, wanted: &Wanted) -> Result<Frame, Reason> {
        let kind = self.kind.rsplit_once('#').map_or("", |(_, kind)| kind);
        if kind == "info" {
            return Ok(Frame::notice(match self.name.as_deref() {
                Some("OutdatedCursor") => Some(Notice::Outdated),
                Some("FutureCursor") => Some(Notice::Future),
                _ => None,
            }));
        }
        let position = self.seq.ok_or(Reason::Shape)?;
        let time = moment(self.time.as_deref().ok_or(Reason::Shape)?)?;
        let witnessed = self.witnessed_at.as_deref().map(moment).transpose()?;
        let place = Place {
            position,
            time: witnessed.unwrap_or(time),
        };
        let what = match kind {
            "commit" => match self.change(wanted)? {
                Some(what) => what,
                None => return Ok(Frame::at(place)),
            },
            "identity" => self.identity.ok_or(Reason::Shape)?.into(),
            "account" => self.account.ok_or(Reason::Shape)?.into(),
            "sync" => What::Resync,
            _ => return Ok(Frame::at(place)),
        };
        let did = account_of(self.did.as_deref().ok_or(Reason::Shape)?)?;
        Ok(Frame::of(place, Event { time, did, what }))
    }

    fn change(&self, wanted: &Wanted) -> Result<Option<What>, Reason> {
        let change = RawChange {
            rev: self.rev.as_deref().ok_or(Reason::Shape)?,
            operation: self.operation.as_deref().ok_or(Reason::Shape)?,
            collection: self.collection.as_deref().ok_or(Reason::Shape)?,
            rkey: self.rkey.as_deref().ok_or(Reason::Shape)?,
            cid: self.cid.as_deref(),
            record: self.record.map(RawValue::get),
        };
        Ok(change.read(wanted)?.map(What::Change))
    }
}
