//! Frames of `subscribeRepos`, made here.

use std::collections::BTreeMap;

use bytes::Bytes;
use cid::Cid;
use ipld_core::ipld;
use ipld_core::ipld::Ipld;
use loggia_firehose::{SignatureError, Signatures, Soon};
use loggia_syntax::Did;
use sha2::{Digest as _, Sha256};

pub const DID: &str = "did:plc:eygmaihciaxprqvxpfvl6flk";
pub const REV: &str = "3l3qo2vutsw2b";
pub const TIME: &str = "2026-08-12T10:00:00.000Z";

/// What is signed with, here.
const KEY: &[u8] = b"the account's key";

/// Blocks by their links, in the order in which they were added.
#[derive(Clone, Default)]
pub struct Store(pub Vec<(Cid, Vec<u8>)>);

impl Store {
    pub fn add(&mut self, value: &Ipld) -> Cid {
        let block = serde_ipld_dagcbor::to_vec(value).expect("DAG-CBOR");
        self.add_block(block)
    }

    pub fn add_block(&mut self, block: Vec<u8>) -> Cid {
        let cid = link(&block);
        self.0.push((cid, block));
        cid
    }

    /// All of it as a CAR file.
    pub fn car(&self, root: Cid) -> Vec<u8> {
        let header = ipld!({"version": 1, "roots": [root]});
        let mut file = part(&[], &serde_ipld_dagcbor::to_vec(&header).expect("DAG-CBOR"));
        for (cid, block) in &self.0 {
            file.extend(part(&cid.to_bytes(), block));
        }
        file
    }
}

pub fn link(block: &[u8]) -> Cid {
    let mut bytes = vec![1, 0x71, 0x12, 0x20];
    bytes.extend(Sha256::digest(block));
    Cid::try_from(bytes).expect("a CID")
}

fn part(cid: &[u8], block: &[u8]) -> Vec<u8> {
    let mut length = cid.len() + block.len();
    let mut part = Vec::new();
    while length > 0x7f {
        part.push(length as u8 | 0x80);
        length >>= 7;
    }
    part.push(length as u8);
    part.extend(cid);
    part.extend(block);
    part
}

/// A repository of one account, whose tree has one node.
pub struct Repo {
    pub store: Store,
    records: BTreeMap<String, Cid>,
    pub commit: BTreeMap<String, Ipld>,
}

impl Repo {
    pub fn new() -> Self {
        let commit = [
            ("did", Ipld::from(DID)),
            ("rev", Ipld::from(REV)),
            ("version", Ipld::from(3_i64)),
            ("prev", Ipld::Null),
        ];
        let commit = commit.map(|(name, value)| (name.to_owned(), value));
        Self {
            store: Store::default(),
            records: BTreeMap::new(),
            commit: commit.into(),
        }
    }

    pub fn put(&mut self, path: &str, record: &Ipld) -> Cid {
        let cid = self.store.add(record);
        self.records.insert(path.to_owned(), cid);
        cid
    }

    /// The node of the tree, with keys shortened as they are there.
    pub fn tree(&mut self) -> Cid {
        let (mut entries, mut last) = (Vec::new(), "");
        for (path, cid) in &self.records {
            let shared = path
                .bytes()
                .zip(last.bytes())
                .take_while(|(one, other)| one == other);
            let shared = shared.count();
            let rest = Ipld::Bytes(path.as_bytes()[shared..].to_vec());
            entries.push(ipld!({"p": shared as i64, "k": rest, "v": *cid, "t": null}));
            last = path;
        }
        let node = ipld!({"l": null, "e": entries});
        self.store.add(&node)
    }

    /// Signs what there is; returns the commit and all blocks.
    pub fn signed(mut self) -> (Cid, Vec<u8>) {
        let tree = self.tree();
        self.commit.insert("data".to_owned(), Ipld::Link(tree));
        let unsigned = serde_ipld_dagcbor::to_vec(&self.commit).expect("DAG-CBOR");
        self.commit
            .insert("sig".to_owned(), Ipld::Bytes(sign(&unsigned)));
        let commit = self.store.add(&Ipld::Map(self.commit.clone()));
        (commit, self.store.car(commit))
    }
}

fn sign(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest([KEY, bytes].concat()).to_vec()
}

/// An operation.
pub fn op(action: &str, path: &str, cid: Option<Cid>) -> Ipld {
    let cid = cid.map_or(Ipld::Null, Ipld::Link);
    ipld!({"action": action, "path": path, "cid": cid})
}

/// The members of a `#commit`.
pub fn commit(commit: Cid, blocks: Vec<u8>, ops: Vec<Ipld>) -> Ipld {
    ipld!({
        "seq": 7, "rebase": false, "tooBig": false, "repo": DID, "commit": commit, "rev": REV,
        "since": null, "blocks": Ipld::Bytes(blocks), "ops": ops, "blobs": [], "time": TIME,
    })
}

/// A frame of this type.
pub fn frame(frame_type: &str, payload: &Ipld) -> Bytes {
    headed(&ipld!({"op": 1, "t": frame_type}), payload)
}

pub fn headed(header: &Ipld, payload: &Ipld) -> Bytes {
    let mut frame = serde_ipld_dagcbor::to_vec(header).expect("DAG-CBOR");
    frame.extend(serde_ipld_dagcbor::to_vec(payload).expect("DAG-CBOR"));
    frame.into()
}

/// Checks signatures that were made here.
pub struct Keys {
    pub known: bool,
}

impl Signatures for Keys {
    fn check<'a>(
        &'a self,
        account: &'a Did,
        signed: &'a [u8],
        signature: &'a [u8],
    ) -> Soon<'a, Result<(), SignatureError>> {
        Box::pin(async move {
            assert_eq!(account.as_str(), DID);
            match self.known {
                true if signature == sign(signed) => Ok(()),
                true => Err(SignatureError::Bad),
                false => Err(SignatureError::NoKey("nobody knows it".into())),
            }
        })
    }
}

/// Keys that come late, and the first one asked for last of all.
pub struct SlowKeys(pub std::sync::atomic::AtomicU32);

impl Signatures for SlowKeys {
    fn check<'a>(
        &'a self,
        _: &'a Did,
        signed: &'a [u8],
        signature: &'a [u8],
    ) -> Soon<'a, Result<(), SignatureError>> {
        let asked = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let late = std::time::Duration::from_secs(60 - u64::from(asked));
        Box::pin(async move {
            tokio::time::sleep(late).await;
            assert_eq!(signature, sign(signed));
            Ok(())
        })
    }
}
