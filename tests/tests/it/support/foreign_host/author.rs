//! An author elsewhere: records, the log of changes, and what is said of them.

use std::collections::HashMap;

use loggia_auth::SigningKey;
use loggia_server::chance;
use loggia_space::{Index, Operation, RecordPath, SignedCommit, cid_of, snapshot};
use loggia_syntax::{Cid, Did, SpaceRef, Tid};
use serde_json::{Value, json};

use super::NOTES;

/// What is not as it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// The log has one operation more than what was committed to.
    Extra,
    /// The log says that a record was something else before.
    Before,
    /// The log does not end.
    Endless,
    /// The log begins later than it was asked to.
    Forgotten,
    /// The commit, of the log and of the whole, is about another hash.
    Hash,
    /// It is signed by somebody else.
    Signature,
    /// The index of the whole has a record that is not in what was committed to, and so has the log.
    Index,
    /// The whole goes on for long after its index; the log is forgotten.
    Huge,
    /// There was nothing after the first operation.
    Old,
    /// The last operation has not happened yet.
    Late,
}

/// An author.
pub struct Author {
    pub key: SigningKey,
    /// What is not as it is said, if anything.
    pub lie: Option<Lie>,
    space: SpaceRef,
    did: Did,
    log: Vec<Operation>,
    records: Vec<(RecordPath, Cid)>,
}

impl Author {
    /// Somebody who has written nothing.
    pub fn new(space: SpaceRef, did: Did, key: SigningKey) -> Self {
        Self {
            key,
            lie: None,
            space,
            did,
            log: Vec::new(),
            records: Vec::new(),
        }
    }

    /// Writes or deletes a record.
    pub fn write(&mut self, rkey: &str, text: Option<&str>, rev: &Tid) -> Option<String> {
        let path = path(rkey);
        let cid = text.map(cid_of_text);
        let at = self.records.iter().position(|(one, _)| *one == path);
        let prev = at.map(|at| self.records.remove(at).1);
        if let Some(cid) = &cid {
            self.records.push((path.clone(), cid.clone()));
        }
        self.log.push(Operation {
            rev: rev.clone(),
            collection: path.collection,
            rkey: path.rkey,
            cid: cid.clone(),
            prev,
        });
        cid.map(|cid| cid.to_string())
    }

    /// The newest revision.
    pub fn rev(&self) -> &Tid {
        &self.log.last().expect("something was written").rev
    }

    /// The digest over all records.
    pub fn digest(&self) -> [u8; 32] {
        let all = Index::new(self.records.iter().cloned());
        all.expect("no two are the same").set_hash().digest()
    }

    /// Everything that was written after this revision, from the start without one.
    pub fn operations(&self, since: Option<&str>) -> Vec<Value> {
        let mut log = self.log.to_vec();
        log.truncate(self.shown());
        log.retain(|one| since.is_none_or(|since| one.rev.as_str() > since));
        let end = log.last().cloned();
        match (self.lie, end) {
            (Some(Lie::Extra | Lie::Index), Some(mut end)) => {
                (end.rkey, end.prev) = (path("never").rkey, None);
                end.cid = Some(cid_of_text("never"));
                log.push(end);
            }
            (Some(Lie::Before), Some(mut end)) => {
                end.prev = Some(cid_of_text("another"));
                log.pop();
                log.push(end);
            }
            (Some(Lie::Forgotten | Lie::Huge), Some(_)) => {
                log.remove(0);
            }
            _ => {}
        }
        log.iter().map(shown).collect()
    }

    /// The commit as it is signed now.
    pub fn commit(&self) -> SignedCommit {
        let rev = &self.log[self.shown() - 1].rev;
        let mut digest = self.index().set_hash().digest();
        if self.lie == Some(Lie::Hash) {
            digest[0] ^= 1;
        }
        let other = SigningKey::k256([3; 32]).expect("a key");
        let key = match self.lie {
            Some(Lie::Signature) => &other,
            _ => &self.key,
        };
        let ikm = chance::bytes();
        let sign = |bytes: &[u8]| key.sign(bytes);
        let signed = SignedCommit::sign(&self.space, &self.did, rev, digest, ikm, sign);
        signed.expect("signs")
    }

    /// The whole repository without values.
    pub fn file(&self) -> Vec<u8> {
        let mut index = self.index();
        if self.lie == Some(Lie::Index) {
            let mut records: Vec<_> = index.iter().cloned().collect();
            records.push((path("never"), cid_of_text("never")));
            index = Index::new(records).expect("no two are the same");
        }
        let mut file = snapshot::head(&self.commit(), &index);
        if self.lie == Some(Lie::Huge) {
            file.resize(33 << 20, 0);
        }
        file
    }

    /// How many operations it shows.
    fn shown(&self) -> usize {
        match self.lie {
            Some(Lie::Old) => 1,
            Some(Lie::Late) => self.log.len() - 1,
            _ => self.log.len(),
        }
    }

    /// What there is after those.
    fn index(&self) -> Index {
        let mut records = HashMap::new();
        for operation in &self.log[..self.shown()] {
            let path = RecordPath {
                collection: operation.collection.clone(),
                rkey: operation.rkey.clone(),
            };
            match &operation.cid {
                Some(cid) => records.insert(path, cid.clone()),
                None => records.remove(&path),
            };
        }
        Index::new(records).expect("no two are the same")
    }
}

fn path(rkey: &str) -> RecordPath {
    RecordPath {
        collection: NOTES.parse().expect("an NSID"),
        rkey: rkey.parse().expect("a key"),
    }
}

fn cid_of_text(text: &str) -> Cid {
    cid_of(text.as_bytes())
}

fn shown(operation: &Operation) -> Value {
    json!({
        "rev": operation.rev,
        "collection": operation.collection,
        "rkey": operation.rkey,
        "cid": operation.cid,
        "prev": operation.prev,
    })
}
