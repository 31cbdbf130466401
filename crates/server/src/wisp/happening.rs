//! A change of a record, as webhooks tell of it: its names and its body.

mod record;

use bytes::Bytes;
use jiff::Timestamp;
use loggia_delivery::{Notification, uuid};
use loggia_firehose::{Change, Event, What};
use loggia_syntax::{Did, RecordKey};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{COLLECTION, Version, canonical};

/// A change of a record that somebody is told of.
#[derive(Clone, Copy, Debug)]
pub struct Happening<'a> {
    did: &'a Did,
    time: Timestamp,
    change: &'a Change,
    relay: &'a str,
}

/// What [`Happening::source`] says beside the record's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause<'a> {
    /// What was done.
    pub action: &'a str,
    /// The hash of what was written; none if it was removed.
    pub cid: Option<&'a str>,
}

/// Why nobody is told of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Unfit {
    /// The body would be over the limit of all notifications.
    #[error("the body is over 512 KiB")]
    Size,
    /// Too many values.
    #[error("the body has more than 10000 values")]
    Nodes,
    /// Nested too deep.
    #[error("the body is nested more than 32 deep")]
    Depth,
    /// A member's name is too long.
    #[error("a name in the body has more than 512 characters")]
    Name,
    /// The record is no JSON that could be written again.
    #[error("the record cannot be read")]
    Unreadable,
}

/// The body, in the order of Wisp's documentation.
#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    event: &'a str,
    did: &'a str,
    collection: &'a str,
    rkey: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'a RawValue>,
    timestamp: String,
}

impl<'a> Cause<'a> {
    /// Reads a source; none if it is of another kind.
    pub fn read(source: &'a str) -> Option<Self> {
        let mut parts = source.strip_prefix("wisp:")?.rsplitn(4, ':');
        let (cid, action) = (parts.next()?, parts.next()?);
        // The revision and the address are there as well.
        let whole = parts.count() == 2;
        let cid = Some(cid).filter(|cid| *cid != NO_CID);
        whole.then_some(Self { action, cid })
    }
}

/// What a source says in the place of a hash.
const NO_CID: &str = "-";

impl<'a> Happening<'a> {
    /// The change that an event is, if it is one. `relay` is where it was seen: scheme, host and path.
    pub fn of(event: &'a Event, relay: &'a str) -> Option<Self> {
        match &event.what {
            What::Change(change) => Some(Self {
                did: &event.did,
                time: event.time,
                change,
                relay,
            }),
            What::Identity { .. } | What::Account { .. } | What::Resync => None,
        }
    }

    /// The name of the cause, which is the same wherever the change was seen: whoever is told of it
    /// is told once.
    pub fn source(&self) -> String {
        let Change {
            rev, action, cid, ..
        } = self.change;
        let cid = cid.as_ref().map_or(NO_CID, |cid| cid.as_str());
        format!("wisp:{}:{rev}:{action}:{cid}", self.uri())
    }

    /// The address of the record.
    pub fn uri(&self) -> String {
        let Change {
            collection, rkey, ..
        } = self.change;
        format!("at://{}/{collection}/{rkey}", self.did)
    }

    /// Whether the record is this webhook's own: it is told of others only.
    pub fn is_of(&self, owner: &Did, rkey: &RecordKey) -> bool {
        self.did == owner && self.change.rkey == *rkey && self.is_of_a_webhook()
    }

    fn is_of_a_webhook(&self) -> bool {
        self.change.collection.as_str() == COLLECTION
    }

    /// The name of the event, the same for all who are told of it.
    pub fn id(&self, version: Version) -> String {
        match version {
            Version::First => {
                let hash = self.hash(&[]);
                let bytes = hash.first_chunk().expect("a hash has thirty-two bytes");
                let id = uuid::Builder::from_custom_bytes(*bytes).into_uuid();
                id.hyphenated().to_string()
            }
            Version::Second => format!("whe_v1_{}", hex(&self.hash(&self.sighting()))),
        }
    }

    /// The name of its delivery to a webhook, the same over all attempts.
    pub fn key(&self, version: Version, owner: &Did, rkey: &RecordKey) -> String {
        let mut more = match version {
            Version::First => Vec::new(),
            Version::Second => self.sighting(),
        };
        more.push(("ownerDid", json!(owner)));
        more.push(("webhookRkey", json!(rkey)));
        format!("whd_v1_{}", hex(&self.hash(&more)))
    }

    /// Where and when the change was seen: a part of the newer version's names.
    fn sighting(&self) -> Vec<(&'static str, Value)> {
        let time = self.time.as_microsecond();
        vec![("relay", json!(self.relay)), ("timeUs", json!(time))]
    }

    fn hash(&self, more: &[(&str, Value)]) -> [u8; 32] {
        let change = self.change;
        let mut named = json!({
            "version": 1,
            "rev": change.rev,
            "operation": change.action.as_str(),
            "did": self.did,
            "collection": change.collection,
            "rkey": change.rkey,
            "cid": change.cid,
        });
        for (name, value) in more {
            named[name] = value.clone();
        }
        let text = canonical::write(&named).expect("a dozen short members");
        Sha256::digest(text).into()
    }

    /// The body that every webhook gets. A webhook's record is shown without its secret.
    ///
    /// # Errors
    /// It is more than receivers are sent.
    pub fn body(&self, version: Version) -> Result<Bytes, Unfit> {
        let change = self.change;
        let id = self.id(version);
        let record = change.record.as_ref();
        let record = record.map(|record| record::shown(record, self.is_of_a_webhook()));
        let record = record.transpose()?;
        let body = Body {
            id: &id,
            event: change.action.as_str(),
            did: self.did.as_str(),
            collection: change.collection.as_str(),
            rkey: change.rkey.as_str(),
            cid: change.cid.as_ref().map(|cid| cid.as_str()),
            record: record.as_deref(),
            timestamp: self.time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        };
        let text = match version {
            Version::First => serde_json::to_vec(&body).map_err(|_| Unfit::Unreadable)?,
            Version::Second => {
                // Read from the text, since a record is text within the body.
                let text = serde_json::to_vec(&body).map_err(|_| Unfit::Unreadable)?;
                let value = serde_json::from_slice(&text).map_err(|_| Unfit::Unreadable)?;
                canonical::write(&value)?
            }
        };
        if text.len() > Notification::MAX_BODY {
            return Err(Unfit::Size);
        }
        Ok(text.into())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
