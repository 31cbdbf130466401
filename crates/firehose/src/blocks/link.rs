//! Links as repositories use them.

use std::fmt;

use ::cid::Cid as AnyCid;
use cid::serde::CID_SERDE_PRIVATE_IDENTIFIER;
use ipld_core::ipld::Ipld;
use loggia_syntax::Cid;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use sha2::{Digest as _, Sha256};

/// Bytes of a link.
const LENGTH: usize = 36;
/// Version 1, …
const VERSION: u8 = 0x01;
/// … DAG-CBOR …
const DAG_CBOR: u8 = 0x71;
/// … or raw bytes, …
const RAW: u8 = 0x55;
/// … and a SHA-256 of 32 bytes.
const SHA_256: [u8; 2] = [0x12, 0x20];

/// The hash that a block is known by: the two kinds of CID that the protocol blesses, DAG-CBOR and raw,
/// of version 1 and with SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Link([u8; LENGTH]);

impl Link {
    /// Reads the binary form, if it is one of the two kinds and nothing more.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; LENGTH] = bytes.try_into().ok()?;
        let fits =
            bytes[0] == VERSION && matches!(bytes[1], DAG_CBOR | RAW) && bytes[2..4] == SHA_256;
        fits.then_some(Self(bytes))
    }

    /// The first link of these bytes, and the bytes after it.
    pub fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (link, rest) = bytes.split_at_checked(LENGTH)?;
        Some((Self::read(link)?, rest))
    }

    /// The link of a DAG-CBOR block.
    pub fn of_dag_cbor(block: &[u8]) -> Self {
        let mut bytes = [0; LENGTH];
        bytes[..4].copy_from_slice(&[VERSION, DAG_CBOR, SHA_256[0], SHA_256[1]]);
        bytes[4..].copy_from_slice(&Sha256::digest(block));
        Self(bytes)
    }

    /// Whether this is the link of that block.
    pub fn is_of(&self, block: &[u8]) -> bool {
        Sha256::digest(block)[..] == self.0[4..]
    }

    /// The link as a value of DAG-CBOR.
    pub(crate) fn to_ipld(self) -> Ipld {
        let cid = AnyCid::try_from(&self.0[..]);
        Ipld::Link(cid.expect("the constructor has read the same bytes"))
    }

    #[cfg(test)]
    pub(crate) fn bytes(&self) -> [u8; LENGTH] {
        self.0
    }

    /// The link as text, in base 32.
    pub fn to_cid(self) -> Cid {
        let cid = AnyCid::try_from(&self.0[..]).expect("the constructor has read the same bytes");
        Cid::try_from(&cid).expect("it is of version 1")
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({})", self.to_cid())
    }
}

impl<'de> Deserialize<'de> for Link {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_newtype_struct(CID_SERDE_PRIVATE_IDENTIFIER, Binary)
    }
}

struct Binary;

impl<'de> Visitor<'de> for Binary {
    type Value = Link;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a link of version 1 with SHA-256")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<Link, D::Error> {
        from.deserialize_bytes(self)
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Link, E> {
        Link::read(bytes).ok_or_else(|| E::custom("not a link of a repository"))
    }
}
