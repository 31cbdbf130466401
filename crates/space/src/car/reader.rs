//! Reading a file as its bytes come in.

use bytes::{Buf as _, Bytes, BytesMut};
use loggia_syntax::Cid;
use serde_ipld_dagcbor as cbor;
use sha2::{Digest as _, Sha256};

use super::{Block, Header};
use crate::digest::SHA2_256;

/// How much a file may ask for.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Roots of a file.
    pub roots: usize,
    /// Bytes of one block with its identifier: what a reader keeps.
    pub block: usize,
}

/// What a file holds, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// At first, its roots.
    Roots(Vec<Cid>),
    /// A block.
    Block(Block),
}

/// Why a file is not read on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCar {
    /// A length of more than eight bytes.
    #[error("the length at byte {0} is too long to be one")]
    Length(u64),
    /// More than the [`Limits`] allow.
    #[error("the section at byte {at} has {length} bytes, and {most} are the most")]
    TooLarge {
        /// Where.
        at: u64,
        /// How many.
        length: u64,
        /// How many there may be.
        most: usize,
    },
    /// The beginning of the file says nothing of use.
    #[error("not the header of a CAR file of version 1: {0}")]
    Header(String),
    /// What stands before a block is no identifier of AT Protocol's kind.
    #[error("the block at byte {0} has no identifier of version 1 with SHA-256")]
    Identifier(u64),
    /// The block is not what its identifier says.
    #[error("the block at byte {at} is not {cid}")]
    Contents {
        /// Where.
        at: u64,
        /// What it should be.
        cid: Cid,
    },
    /// The file ends within a section.
    #[error("the file ends in the middle of the section at byte {0}")]
    Cut(u64),
}

/// Takes bytes and gives what they hold.
#[derive(Debug)]
pub struct Reader {
    limits: Limits,
    /// What is not a whole section yet.
    waiting: BytesMut,
    /// How many bytes are done with.
    at: u64,
    begun: bool,
}

/// The most bytes of a length: sections are far shorter than what eight can say.
const LENGTH: usize = 8;
/// Bytes of a header beside its roots, and of each root.
const HEADER: usize = 64;

impl Reader {
    /// At the beginning of a file.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            waiting: BytesMut::new(),
            at: 0,
            begun: false,
        }
    }

    /// From now on blocks have at most so many bytes, with their identifiers.
    pub fn limit_blocks(&mut self, most: usize) {
        self.limits.block = most;
    }

    /// Takes what came next. Call [`Reader::next`] until nothing more is whole, before the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
    }

    /// The next whole thing; none until more bytes come.
    ///
    /// # Errors
    /// The file is no CAR file, or wants more than it may. Then it is of no more use.
    #[expect(clippy::should_implement_trait, reason = "nothing is not the end")]
    pub fn next(&mut self) -> Result<Option<Item>, BadCar> {
        let at = self.at;
        let Some(section) = self.section()? else {
            return Ok(None);
        };
        if self.begun {
            return Ok(Some(Item::Block(block(section, at)?)));
        }
        self.begun = true;
        Ok(Some(Item::Roots(self.roots(&section)?)))
    }

    /// The file is over.
    ///
    /// # Errors
    /// It ends in the middle, or before it began.
    pub fn end(&self) -> Result<(), BadCar> {
        match self.begun && self.waiting.is_empty() {
            true => Ok(()),
            false => Err(BadCar::Cut(self.at)),
        }
    }

    fn section(&mut self) -> Result<Option<Bytes>, BadCar> {
        let Some((length, taken)) = self.length()? else {
            return Ok(None);
        };
        let most = match self.begun {
            true => self.limits.block,
            false => HEADER * (self.limits.roots + 1),
        };
        let fits = usize::try_from(length)
            .ok()
            .filter(|&length| length <= most);
        let Some(fits) = fits else {
            return Err(BadCar::TooLarge {
                at: self.at,
                length,
                most,
            });
        };
        if self.waiting.len() < taken + fits {
            return Ok(None);
        }
        self.waiting.advance(taken);
        self.at += (taken + fits) as u64;
        Ok(Some(self.waiting.split_to(fits).freeze()))
    }

    /// The length of the next section, and how many bytes say it.
    fn length(&self) -> Result<Option<(u64, usize)>, BadCar> {
        let mut length = 0;
        for (place, byte) in self.waiting.iter().take(LENGTH).enumerate() {
            length |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return Ok(Some((length, place + 1)));
            }
        }
        match self.waiting.len() < LENGTH {
            true => Ok(None),
            false => Err(BadCar::Length(self.at)),
        }
    }

    fn roots(&self, header: &[u8]) -> Result<Vec<Cid>, BadCar> {
        let bad = |why: String| BadCar::Header(why);
        let header: Header = cbor::from_slice(header).map_err(|error| bad(error.to_string()))?;
        if header.version != 1 {
            return Err(bad(format!("version {}", header.version)));
        }
        if header.roots.len() > self.limits.roots {
            return Err(bad(format!("{} roots", header.roots.len())));
        }
        let roots = header.roots.iter().map(Cid::try_from);
        let roots: Result<_, _> = roots.collect();
        roots.map_err(|error| bad(error.to_string()))
    }
}

fn block(mut section: Bytes, at: u64) -> Result<Block, BadCar> {
    let mut rest = &section[..];
    let binary = cid::Cid::read_bytes(&mut rest).map_err(|_| BadCar::Identifier(at))?;
    let data = section.split_off(section.len() - rest.len());
    let cid = Cid::try_from(&binary).map_err(|_| BadCar::Identifier(at))?;
    if binary.hash().code() != SHA2_256 {
        return Err(BadCar::Identifier(at));
    }
    if Sha256::digest(&data)[..] != *binary.hash().digest() {
        return Err(BadCar::Contents { at, cid });
    }
    Ok(Block { cid, data })
}
