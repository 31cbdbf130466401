//! What a repository must be, computed from the proposal alone: nothing here is the server's.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use k256::ecdsa::signature::Verifier as _;
use k256::ecdsa::{Signature, VerifyingKey};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// A commit as it arrives, in JSON or in DAG-CBOR.
#[derive(Debug)]
pub struct Commit {
    pub rev: String,
    pub hash: Vec<u8>,
    ikm: Vec<u8>,
    mac: Vec<u8>,
    sig: Vec<u8>,
}

impl Commit {
    pub fn of_json(commit: &Value) -> Self {
        let bytes = |field: &str| {
            let text = commit[field]["$bytes"].as_str().unwrap_or_default();
            BASE64_STANDARD_NO_PAD.decode(text).expect("base64")
        };
        assert_eq!(commit["ver"], 1);
        Self {
            rev: commit["rev"].as_str().expect("a revision").to_owned(),
            hash: bytes("hash"),
            ikm: bytes("ikm"),
            mac: bytes("mac"),
            sig: bytes("sig"),
        }
    }

    fn of_cbor(block: &[u8]) -> Self {
        let mut map = Cbor(block).map();
        assert_eq!(map.remove("ver"), Some(Item::Number(1)));
        let mut bytes = |field: &str| match map.remove(field) {
            Some(Item::Bytes(bytes)) => bytes,
            other => panic!("{field}: {other:?}"),
        };
        let (hash, ikm, mac, sig) = (bytes("hash"), bytes("ikm"), bytes("mac"), bytes("sig"));
        let Some(Item::Text(rev)) = map.remove("rev") else {
            panic!("a revision");
        };
        assert!(map.is_empty(), "{map:?}");
        Self {
            rev,
            hash,
            ikm,
            mac,
            sig,
        }
    }

    /// Holds that this author signed it for this space, with the key that is this point of K-256.
    pub fn holds(&self, space: &str, author: &str, point: &[u8; 65]) {
        let mut context = b"atproto-space-v1".to_vec();
        for part in [
            space.as_bytes(),
            author.as_bytes(),
            self.rev.as_bytes(),
            &self.ikm,
        ] {
            let length = u16::try_from(part.len()).expect("short");
            context.extend(length.to_be_bytes());
            context.extend(part);
        }
        let signature = Signature::from_slice(&self.sig).expect("a signature");
        assert_eq!(signature.normalize_s(), None, "the lower s");
        let key = VerifyingKey::from_sec1_bytes(point).expect("a point of the curve");
        let signed = key.verify(&context, &signature);
        signed.expect("the author has signed");
        let expanded = hmac(&self.ikm, &[&context[..], &[1]].concat());
        assert_eq!(hmac(&expanded, &self.hash), self.mac, "the MAC fits");
        assert_eq!(self.ikm.len(), 32);
    }
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("any length does");
    hmac.update(message);
    hmac.finalize().into_bytes().to_vec()
}

/// The digest over these records, each `COLLECTION/RKEY/CID`.
pub fn digest<'a>(elements: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut lanes = [0_u16; 1024];
    for element in elements {
        let mut expanded = [0; 2048];
        let mut hasher = blake3::Hasher::new();
        hasher.update(element.as_bytes());
        hasher.finalize_xof().fill(&mut expanded);
        for (lane, pair) in lanes.iter_mut().zip(expanded.chunks(2)) {
            *lane = lane.wrapping_add(u16::from_le_bytes([pair[0], pair[1]]));
        }
    }
    let state: Vec<u8> = lanes.iter().flat_map(|lane| lane.to_le_bytes()).collect();
    Sha256::digest(state).to_vec()
}

/// The identifier of a block, in base 32.
pub fn cid(block: &[u8]) -> String {
    text_of(&[&[0x01, 0x71, 0x12, 0x20], &Sha256::digest(block)[..]].concat())
}

fn text_of(cid: &[u8]) -> String {
    const DIGITS: &[u8] = b"abcdefghijklmnopqrstuvwxyz234567";
    let (mut text, mut held, mut bits) = (String::from("b"), 0_u32, 0);
    for byte in cid {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(DIGITS[(held >> bits) as usize & 31]));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(char::from(DIGITS[(held << (5 - bits)) as usize & 31]));
    }
    text
}

/// A repository as a file: its commit, its index in order, and the blocks after it.
pub struct Snapshot {
    pub commit: Commit,
    pub index: Vec<(String, String)>,
    pub blocks: Vec<Vec<u8>>,
}

/// Reads a file, and holds everything that can be told from it alone.
pub fn read(file: &[u8]) -> Snapshot {
    let mut left = file;
    let mut section = || {
        if left.is_empty() {
            return None;
        }
        let (mut length, mut shift) = (0_usize, 0);
        loop {
            let byte = left[0];
            left = &left[1..];
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let (section, rest) = left.split_at(length);
        left = rest;
        Some(section)
    };
    let mut header = Cbor(section().expect("a header")).map();
    assert_eq!(header.remove("version"), Some(Item::Number(1)));
    let Some(Item::List(roots)) = header.remove("roots") else {
        panic!("no roots");
    };
    let blocks: Vec<(String, Vec<u8>)> = std::iter::from_fn(section)
        .map(|section| (text_of(&section[..36]), section[36..].to_vec()))
        .collect();
    for (name, block) in &blocks {
        assert_eq!(*name, cid(block), "every block is what it is called");
    }
    assert_eq!(
        roots,
        [
            Item::Link(blocks[0].0.clone()),
            Item::Link(blocks[1].0.clone())
        ]
    );
    let index: Vec<_> = Cbor(&blocks[1].1)
        .pairs()
        .into_iter()
        .map(|(path, item)| match item {
            Item::Link(cid) => (path, cid),
            other => panic!("{path}: {other:?}"),
        })
        .collect();
    for pair in index.windows(2) {
        let (one, other) = (&pair[0].0, &pair[1].0);
        assert!((one.len(), one) < (other.len(), other), "{one} {other}");
    }
    let commit = Commit::of_cbor(&blocks[0].1);
    let elements: Vec<_> = index
        .iter()
        .map(|(path, cid)| format!("{path}/{cid}"))
        .collect();
    assert_eq!(digest(elements.iter().map(String::as_str)), commit.hash);
    let (names, blocks): (Vec<_>, Vec<_>) = blocks.into_iter().skip(2).unzip();
    if !blocks.is_empty() {
        let wanted: Vec<_> = index.iter().map(|(_, cid)| cid.clone()).collect();
        assert_eq!(names, wanted, "records follow in the order of the index");
    }
    Snapshot {
        commit,
        index,
        blocks,
    }
}

/// The part of DAG-CBOR that such files are made of.
struct Cbor<'a>(&'a [u8]);

#[derive(Debug, PartialEq)]
enum Item {
    Number(u64),
    Text(String),
    Bytes(Vec<u8>),
    Link(String),
    List(Vec<Item>),
}

impl Cbor<'_> {
    fn map(&mut self) -> BTreeMap<String, Item> {
        self.pairs().into_iter().collect()
    }

    fn pairs(&mut self) -> Vec<(String, Item)> {
        let (major, count) = self.head();
        assert_eq!(major, 5, "a map");
        let mut pairs = Vec::new();
        for _ in 0..count {
            let Item::Text(key) = self.item() else {
                panic!("keys are texts");
            };
            pairs.push((key, self.item()));
        }
        pairs
    }

    fn item(&mut self) -> Item {
        let (major, value) = self.head();
        match major {
            0 => Item::Number(value),
            2 => Item::Bytes(self.take(value)),
            3 => Item::Text(String::from_utf8(self.take(value)).expect("UTF-8")),
            4 => Item::List((0..value).map(|_| self.item()).collect()),
            6 => match self.item() {
                Item::Bytes(bytes) if value == 42 && bytes[0] == 0 => {
                    Item::Link(text_of(&bytes[1..]))
                }
                other => panic!("tag {value}: {other:?}"),
            },
            _ => panic!("major type {major}"),
        }
    }

    fn take(&mut self, length: u64) -> Vec<u8> {
        let (taken, rest) = self.0.split_at(usize::try_from(length).expect("short"));
        self.0 = rest;
        taken.to_vec()
    }

    fn head(&mut self) -> (u8, u64) {
        let first = self.take(1)[0];
        let extra = match first & 31 {
            short @ 0..=23 => return (first >> 5, u64::from(short)),
            24 => 1,
            25 => 2,
            26 => 4,
            other => panic!("length {other}"),
        };
        let number = self
            .take(extra)
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte));
        (first >> 5, number)
    }
}
