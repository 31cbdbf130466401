//! What Jetstream's compressed frames are read with.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use zstd::bulk::Decompressor;

use crate::LONGEST_MESSAGE;

/// The dictionary that Jetstream's hosts compress frames with. Without one, frames come as they are.
#[derive(Clone, PartialEq, Eq)]
pub struct Dictionary(Arc<[u8]>);

/// Why bytes are no dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DictionaryError {
    /// Empty, or over [`Dictionary::LONGEST`].
    #[error("a dictionary has 1 byte to 16 MiB")]
    Length,
    /// It begins as one and does not go on as one.
    #[error("it is damaged")]
    Damaged,
}

/// Reads the frames of one connection.
pub(crate) struct Inflater(Decompressor<'static>);

impl Dictionary {
    /// The longest, in bytes; Jetstream's has about 100 KiB.
    pub const LONGEST: usize = 16 * 1024 * 1024;

    /// Takes what a trainer of Zstandard wrote, or any text that frames are like.
    pub fn new(bytes: &[u8]) -> Result<Self, DictionaryError> {
        if !(1..=Self::LONGEST).contains(&bytes.len()) {
            return Err(DictionaryError::Length);
        }
        let dictionary = Self(bytes.into());
        match dictionary.inflater() {
            Some(_) => Ok(dictionary),
            None => Err(DictionaryError::Damaged),
        }
    }

    pub(crate) fn inflater(&self) -> Option<Inflater> {
        Decompressor::with_dictionary(&self.0).ok().map(Inflater)
    }
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dictionary({} bytes)", self.0.len())
    }
}

impl Inflater {
    /// What a frame holds; none if it was compressed in another way, is damaged, or holds more than a
    /// message may.
    pub(crate) fn inflate(&mut self, frame: &[u8]) -> Option<Bytes> {
        let held = self.0.decompress(frame, LONGEST_MESSAGE).ok()?;
        Some(held.into())
    }
}
