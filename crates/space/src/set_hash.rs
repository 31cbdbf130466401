//! One digest over a set of records that changes with each record alone.

use std::fmt;

use loggia_syntax::{Cid, Nsid, RecordKey};
use sha2::{Digest as _, Sha256};

/// Numbers in a state.
const LANES: usize = 1024;

/// A homomorphic hash over a multiset of texts (LtHash): 1,024 numbers of 16 bits, to which each text adds
/// 1,024 numbers of its own that BLAKE3 makes of it.
///
/// Order does not matter, what was added can be taken away, and twice the same counts twice: whoever adds
/// a record must know that it is not there yet.
#[derive(Clone, PartialEq, Eq)]
pub struct SetHash {
    lanes: Box<[u16; LANES]>,
}

/// A kept state has another length than [`SetHash::STATE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the state of a set hash has 2048 bytes, not {0}")]
pub struct BadState(pub usize);

impl SetHash {
    /// Bytes of a state, to keep and go on from.
    pub const STATE: usize = 2 * LANES;

    /// Of nothing.
    pub fn new() -> Self {
        Self {
            lanes: Box::new([0; LANES]),
        }
    }

    /// Goes on from a kept state.
    ///
    /// # Errors
    /// It has another length.
    pub fn from_state(state: &[u8]) -> Result<Self, BadState> {
        if state.len() != Self::STATE {
            return Err(BadState(state.len()));
        }
        let mut new = Self::new();
        new.each_lane(state, |_, kept| kept);
        Ok(new)
    }

    /// What to keep: the numbers, each with its lower byte first.
    pub fn state(&self) -> Vec<u8> {
        self.lanes
            .iter()
            .flat_map(|lane| lane.to_le_bytes())
            .collect()
    }

    /// Adds a record, which is not in it yet.
    pub fn add(&mut self, collection: &Nsid, rkey: &RecordKey, cid: &Cid) {
        self.add_element(&element(collection, rkey, cid));
    }

    /// Takes a record away that was added before.
    pub fn remove(&mut self, collection: &Nsid, rkey: &RecordKey, cid: &Cid) {
        self.remove_element(&element(collection, rkey, cid));
    }

    /// Adds any text: what [`SetHash::add`] does with `COLLECTION/RKEY/CID`.
    pub fn add_element(&mut self, element: &str) {
        self.each_lane(&expand(element), u16::wrapping_add);
    }

    /// Takes any text away.
    pub fn remove_element(&mut self, element: &str) {
        self.each_lane(&expand(element), u16::wrapping_sub);
    }

    /// The digest: SHA-256 over the state.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.state()).into()
    }

    fn each_lane(&mut self, bytes: &[u8], change: impl Fn(u16, u16) -> u16) {
        for (lane, bytes) in self.lanes.iter_mut().zip(bytes.chunks_exact(2)) {
            *lane = change(*lane, u16::from_le_bytes([bytes[0], bytes[1]]));
        }
    }
}

impl Default for SetHash {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SetHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SetHash({:02x?})", &self.digest()[..4])
    }
}

/// How a record is written for the hash.
fn element(collection: &Nsid, rkey: &RecordKey, cid: &Cid) -> String {
    format!("{collection}/{rkey}/{cid}")
}

/// As many bytes as a state has, made of a text.
fn expand(element: &str) -> [u8; SetHash::STATE] {
    let mut bytes = [0; SetHash::STATE];
    let mut hasher = blake3::Hasher::new();
    hasher.update(element.as_bytes());
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}
