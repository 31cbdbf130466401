//! What a commit did, and who says so.

use std::collections::BTreeMap;

use bytes::Bytes;
use ipld_core::ipld::Ipld;
use loggia_syntax::{Did, Nsid, RecordKey, Tid};

use super::message::{Commit, Op};
use crate::blocks::car::{Car, CarError};
use crate::blocks::invert::{self, Undo};
use crate::blocks::json;
use crate::blocks::link::Link;
use crate::blocks::tree::{self, TreeError};
use crate::frame::{Chain, ChainedCommit};
use crate::{
    Action, Change, Event, Frame, LONGEST_RECORD, Reason, Record, SignatureError, Signatures,
    Wanted, What,
};

/// The most operations of one commit (event stream specification).
const MOST_OPS: usize = 200;
/// The most blocks of one commit: a record for each operation, and the nodes of the tree around them.
const MOST_BLOCKS: usize = 20_000;
/// The most JSON that is made of one commit. Several operations can name one record, so that a small
/// commit could stand for a large text.
const MOST_JSON: usize = 8 * 1024 * 1024;
/// The version of commits.
const VERSION: i128 = 3;

impl<'a> Commit<'a> {
    /// The changes that are wanted. Of a commit with nothing wanted the blocks are not looked at.
    pub(super) fn frame(&self, wanted: &Wanted) -> Result<Frame, Reason> {
        let place = self.place()?;
        if self.ops.len() > MOST_OPS {
            return Err(Reason::Limit);
        }
        let mut frame = Frame::at(place);
        if !self.too_big && !self.ops.iter().any(|op| op.is_wanted(wanted)) {
            return Ok(frame);
        }
        let did: Did = self.repo.parse().map_err(|_| Reason::Identifier)?;
        let rev: Tid = self.rev.parse().map_err(|_| Reason::Identifier)?;
        let event = |what| Event {
            time: place.time,
            did: did.clone(),
            what,
        };
        if self.too_big {
            frame.events.push(event(What::Resync));
            return Ok(frame);
        }
        let (car, mut room) = (self.car()?, MOST_JSON);
        for op in self.ops.iter().filter(|op| op.is_wanted(wanted)) {
            match op.change(&car, &rev, &mut room) {
                Ok(change) => frame.events.push(event(What::Change(change))),
                Err(flaw) => frame.flaws.push(flaw),
            }
        }
        if let Some(resync) = frame.resync(&did) {
            frame.events.push(resync);
        }
        Ok(frame)
    }

    /// Its place among the account's commits; `data` if its signature holds. None if it names no account
    /// or no revision.
    pub(super) fn chain(&self, data: Option<Link>) -> Option<Box<Chain>> {
        let did = self.repo.parse().ok()?;
        if self.too_big {
            return Some(Box::new(Chain { did, commit: None }));
        }
        let commit = ChainedCommit {
            rev: self.rev.parse().ok()?,
            since: self.since.map(str::to_owned),
            before: self.prev_data,
            data,
        };
        Some(Box::new(Chain {
            did,
            commit: Some(commit),
        }))
    }

    fn car(&self) -> Result<Car<'a>, Reason> {
        if self.blocks.is_empty() {
            return Err(Reason::Missing);
        }
        Car::read(self.blocks, MOST_BLOCKS).map_err(Reason::from)
    }
}

impl Op<'_> {
    fn is_wanted(&self, wanted: &Wanted) -> bool {
        self.path
            .split_once('/')
            .is_none_or(|(collection, _)| wanted.has(collection))
    }

    fn change(&self, car: &Car<'_>, rev: &Tid, room: &mut usize) -> Result<Change, Reason> {
        let action = match self.action {
            "create" => Action::Create,
            "update" => Action::Update,
            "delete" => Action::Delete,
            _ => return Err(Reason::Shape),
        };
        let (collection, rkey) = self.path.split_once('/').ok_or(Reason::Identifier)?;
        let (cid, record) = match action {
            Action::Delete => (None, None),
            _ => {
                let link = self.cid.ok_or(Reason::Shape)?;
                (Some(link.to_cid()), Some(record(car.block(link)?, room)?))
            }
        };
        Ok(Change {
            rev: rev.clone(),
            action,
            collection: Nsid::new(collection).map_err(|_| Reason::Identifier)?,
            rkey: RecordKey::new(rkey).map_err(|_| Reason::Identifier)?,
            cid,
            record,
        })
    }
}

fn record(block: &[u8], room: &mut usize) -> Result<Record, Reason> {
    if block.len() > LONGEST_RECORD {
        return Err(Reason::Record);
    }
    if block.len() > *room {
        return Err(Reason::Limit);
    }
    let text = json::object(block).ok_or(Reason::Record)?;
    if text.len() > LONGEST_RECORD {
        return Err(Reason::Record);
    }
    *room = room.saturating_sub(text.len());
    Ok(Record::from_json(Bytes::from(text)))
}

impl From<CarError> for Reason {
    fn from(error: CarError) -> Self {
        match error {
            CarError::Header | CarError::Block => Self::Car,
            CarError::TooMany => Self::Limit,
            CarError::Missing => Self::Missing,
            CarError::Digest => Self::Digest,
        }
    }
}

/// What an account has signed, and the blocks around it.
pub(super) struct Proof<'a> {
    account: Did,
    /// The commit without its signature, as it was signed.
    signed: Vec<u8>,
    signature: Vec<u8>,
    /// The root of the tree.
    data: Link,
    car: Car<'a>,
}

impl<'a> Proof<'a> {
    /// Reads the commit that a frame brings, which must be of the frame's account and revision.
    pub(super) fn of(frame: &Commit<'a>) -> Result<Self, Reason> {
        let car = frame.car()?;
        let block = car.block(frame.commit)?;
        let commit: BTreeMap<String, Ipld> =
            serde_ipld_dagcbor::from_slice(block).map_err(|_| Reason::Commit)?;
        Self::read(frame, commit, car).ok_or(Reason::Commit)
    }

    fn read(frame: &Commit<'a>, mut commit: BTreeMap<String, Ipld>, car: Car<'a>) -> Option<Self> {
        let Some(Ipld::Bytes(signature)) = commit.remove("sig") else {
            return None;
        };
        let is_text = |name: &str, text: &str| match commit.get(name) {
            Some(Ipld::String(found)) => found == text,
            _ => false,
        };
        let fits = is_text("did", frame.repo)
            && is_text("rev", frame.rev)
            && commit.get("version") == Some(&Ipld::Integer(VERSION));
        let Some(Ipld::Link(data)) = commit.get("data") else {
            return None;
        };
        let data = Link::read(&data.to_bytes())?;
        let account = frame.repo.parse().ok()?;
        fits.then_some(())?;
        Some(Self {
            account,
            signed: serde_ipld_dagcbor::to_vec(&commit).ok()?,
            signature,
            data,
            car,
        })
    }

    /// Checks the signature, and then every change against the tree. Changes that the tree does not have
    /// are taken out.
    pub(super) async fn check(
        &self,
        signatures: &dyn Signatures,
        frame: &mut Frame,
    ) -> Result<(), Reason> {
        let checked = signatures
            .check(&self.account, &self.signed, &self.signature)
            .await;
        checked.map_err(|error| match error {
            SignatureError::Bad => Reason::Signature,
            SignatureError::NoKey(_) => Reason::Key,
        })?;
        let Frame { events, flaws, .. } = frame;
        events.retain(|event| match &event.what {
            What::Change(change) => match self.holds(change) {
                Ok(()) => true,
                Err(reason) => {
                    flaws.push(reason);
                    false
                }
            },
            _ => true,
        });
        if let Some(resync) = frame.resync(&self.account) {
            frame.events.push(resync);
        }
        Ok(())
    }

    /// Checks that the frame leaves no change out: from the tree that was signed, what it says that was
    /// done leads back to the tree that it says was before. Frames that do not say that are believed.
    pub(super) fn is_whole(&self, frame: &Commit<'_>) -> Result<(), Reason> {
        let Some(before) = frame.prev_data else {
            return Ok(());
        };
        let changes = frame.ops.iter().map(|op| Undo {
            key: op.path,
            now: op.cid,
            before: op.prev,
        });
        let changes: Vec<_> = changes.collect();
        match invert::before(&self.car, self.data, &changes) {
            Ok(found) if found == before => Ok(()),
            Ok(_) | Err(_) => Err(Reason::Chain),
        }
    }

    /// The root of the tree that was signed.
    pub(super) fn data(&self) -> Link {
        self.data
    }

    /// What the account has now is to be looked at as well.
    pub(super) fn tell_again(&self, frame: &mut Frame, reason: Reason) {
        frame.flaws.push(reason);
        if let Some(resync) = frame.resync(&self.account) {
            frame.events.push(resync);
        }
    }

    fn holds(&self, change: &Change) -> Result<(), Reason> {
        let key = format!("{}/{}", change.collection, change.rkey);
        let found = tree::find(&self.car, self.data, &key).map_err(|error| match error {
            TreeError::Node(error) => Reason::from(error),
            TreeError::Malformed | TreeError::Otherwise => Reason::Tree,
        })?;
        match found.map(Link::to_cid) == change.cid {
            true => Ok(()),
            false => Err(Reason::Tree),
        }
    }
}
