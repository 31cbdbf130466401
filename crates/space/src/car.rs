//! CAR, version 1: blocks behind one another, each after its length and its identifier.
//!
//! Reads as the bytes come in and keeps no more than one block. Every block is checked against its
//! identifier.

mod reader;

use loggia_syntax::Cid;
use serde::{Deserialize, Serialize};
use serde_ipld_dagcbor as cbor;

pub use reader::{BadCar, Item, Limits, Reader};

/// The first section.
#[derive(Deserialize, Serialize)]
struct Header {
    roots: Vec<cid::Cid>,
    version: u64,
}

/// A block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its identifier, which fits.
    pub cid: Cid,
    /// Its bytes.
    pub data: bytes::Bytes,
}

/// The beginning of a file whose roots are the blocks with these contents, DAG-CBOR.
pub(crate) fn header(roots: &[&cid::Cid]) -> Vec<u8> {
    let header = Header {
        roots: roots.iter().map(|&root| *root).collect(),
        version: 1,
    };
    let header = cbor::to_vec(&header).expect("a list of links can be written");
    section(&[&header])
}

/// A block as it stands in a file.
pub(crate) fn block(cid: &cid::Cid, data: &[u8]) -> Vec<u8> {
    section(&[&cid.to_bytes(), data])
}

/// Parts that belong together, after their length.
fn section(parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut section = Vec::with_capacity(length + 4);
    let mut left = length;
    while left >= 0x80 {
        section.push(0x80 | (left & 0x7f) as u8);
        left >>= 7;
    }
    section.push(left as u8);
    for part in parts {
        section.extend_from_slice(part);
    }
    section
}
