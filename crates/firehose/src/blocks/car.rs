//! CAR files, version 1: a header with roots, then blocks under their links.

use std::collections::HashMap;

use serde::Deserialize;

use super::link::Link;

/// The most bytes of a header; one with two roots has about 100.
const LONGEST_HEADER: u64 = 4096;

/// A CAR file, block by block. A block's bytes are not hashed here.
#[derive(Clone, Debug)]
pub struct Blocks<'a> {
    rest: &'a [u8],
}

/// A CAR file with its blocks by link.
#[derive(Clone, Debug)]
pub struct Car<'a> {
    roots: Vec<Link>,
    blocks: HashMap<Link, &'a [u8]>,
}

/// What is wrong with a file, or with a block of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CarError {
    /// It does not begin with a header of version 1.
    #[error("the CAR file has no header of version 1")]
    Header,
    /// A block is cut, or is not filed under a link.
    #[error("the CAR file has a part that is no block")]
    Block,
    /// More blocks than were to be read.
    #[error("the CAR file has too many blocks")]
    TooMany,
    /// A block that is asked for is not there.
    #[error("the CAR file does not have the block")]
    Missing,
    /// A block's bytes do not have the hash of its link.
    #[error("a block's bytes do not have its hash")]
    Digest,
}

#[derive(Deserialize)]
struct Header {
    version: u64,
    roots: Vec<Link>,
}

/// Reads the header; what follows are the blocks.
pub fn open(file: &[u8]) -> Result<(Vec<Link>, Blocks<'_>), CarError> {
    let (length, rest) = varint(file).ok_or(CarError::Header)?;
    if length > LONGEST_HEADER {
        return Err(CarError::Header);
    }
    let (header, rest) = rest
        .split_at_checked(length as usize)
        .ok_or(CarError::Header)?;
    let header: Header = serde_ipld_dagcbor::from_slice(header).map_err(|_| CarError::Header)?;
    match header.version {
        1 => Ok((header.roots, Blocks { rest })),
        _ => Err(CarError::Header),
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Result<(Link, &'a [u8]), CarError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let block = self.block();
        if block.is_none() {
            self.rest = &[];
        }
        Some(block.ok_or(CarError::Block))
    }
}

impl<'a> Blocks<'a> {
    fn block(&mut self) -> Option<(Link, &'a [u8])> {
        let (length, rest) = varint(self.rest)?;
        let (part, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.rest = rest;
        Link::split(part)
    }
}

impl<'a> Car<'a> {
    /// Reads a file of at most so many blocks. Of two blocks under one link the first counts.
    pub fn read(file: &'a [u8], most: usize) -> Result<Self, CarError> {
        let (roots, parts) = open(file)?;
        let mut blocks = HashMap::new();
        for part in parts {
            let (link, block) = part?;
            if blocks.len() == most {
                return Err(CarError::TooMany);
            }
            blocks.entry(link).or_insert(block);
        }
        Ok(Self { roots, blocks })
    }

    /// What the file is about, as its header says.
    pub fn roots(&self) -> &[Link] {
        &self.roots
    }

    /// A block, its hash checked.
    pub fn block(&self, link: Link) -> Result<&'a [u8], CarError> {
        let block = self.blocks.get(&link).ok_or(CarError::Missing)?;
        match link.is_of(block) {
            true => Ok(block),
            false => Err(CarError::Digest),
        }
    }
}

/// An unsigned LEB128 number of at most 63 bits, and the bytes after it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (at, &byte) in bytes.iter().enumerate().take(9) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::varint;

    #[test]
    fn numbers_of_up_to_nine_bytes() {
        assert_eq!(varint(&[0, 9]), Some((0, &[9][..])));
        assert_eq!(varint(&[0xac, 0x02]), Some((300, &[][..])));
        assert_eq!(varint(&[0xff; 8]), None);
        let mut longest = [0xff; 9];
        longest[8] = 0x7f;
        assert_eq!(varint(&longest), Some((u64::MAX >> 1, &[][..])));
        assert_eq!(varint(&[0xff; 10]), None);
        assert_eq!(varint(&[]), None);
    }
}
