//! The log of a repository's changes, and a copy that follows it.

use std::fmt;
use std::str::FromStr;

use loggia_syntax::{Cid, Nsid, RecordKey, Tid};

use crate::{SetHash, SignedCommit};

/// One change of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The revision that it led to; changes that were made together have the same.
    pub rev: Tid,
    /// The record's collection.
    pub collection: Nsid,
    /// Its key there.
    pub rkey: RecordKey,
    /// What it is afterwards; nothing if it was deleted.
    pub cid: Option<Cid>,
    /// What it was before; nothing if it was created.
    pub prev: Option<Cid>,
}

/// A place in the log, right after an operation: its revision and its number in it, from 0. Written
/// `REV/NUMBER`, as cursors of `com.atproto.space.listRepoOps` are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OperationPlace {
    /// The revision.
    pub rev: Tid,
    /// The operation's number among those of the revision.
    pub number: u32,
}

/// A text that is no place in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a place in a log of operations, which is `REV/NUMBER`")]
pub struct BadPlace;

/// An operation comes before what the copy has seen already.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an operation of revision {found} after those of {after}")]
pub struct OutOfOrder {
    /// The newest revision that was seen.
    pub after: Tid,
    /// The one that came.
    pub found: Tid,
}

/// How far somebody's copy of a repository has come: enough to check it against a commit, without the
/// records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copy {
    /// The newest revision that is in it; none if it is empty.
    pub rev: Option<Tid>,
    /// The hash over its records.
    pub hash: SetHash,
}

impl Copy {
    /// Follows an operation.
    ///
    /// # Errors
    /// It is older than what is in the copy; then nothing changes.
    pub fn apply(&mut self, operation: &Operation) -> Result<(), OutOfOrder> {
        if let Some(after) = self.rev.as_ref().filter(|rev| **rev > operation.rev) {
            return Err(OutOfOrder {
                after: after.clone(),
                found: operation.rev.clone(),
            });
        }
        let (collection, rkey) = (&operation.collection, &operation.rkey);
        if let Some(prev) = &operation.prev {
            self.hash.remove(collection, rkey, prev);
        }
        if let Some(cid) = &operation.cid {
            self.hash.add(collection, rkey, cid);
        }
        self.rev = Some(operation.rev.clone());
        Ok(())
    }

    /// Whether the copy is what a commit describes. Check the commit itself first.
    pub fn agrees_with(&self, commit: &SignedCommit) -> bool {
        self.rev
            .as_ref()
            .is_some_and(|rev| rev.as_str() == commit.rev)
            && self.hash.digest() == commit.hash
    }
}

impl fmt::Display for OperationPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.rev, self.number)
    }
}

impl FromStr for OperationPlace {
    type Err = BadPlace;

    fn from_str(text: &str) -> Result<Self, BadPlace> {
        let (rev, number) = text.split_once('/').ok_or(BadPlace)?;
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        Ok(Self {
            rev: Tid::new(rev).map_err(|_| BadPlace)?,
            number: number.parse().ok().filter(|_| digits).ok_or(BadPlace)?,
        })
    }
}
