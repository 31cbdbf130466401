//! What a consumer is handed.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::{Cursor, Event, Gap};

/// What came next, in the order in which the source said it.
///
/// Made of whole frames of one source, so that a commit with many records is never half done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// What happened.
    pub events: Vec<Event>,
    /// Where the source stands after these; none if it has not said so yet.
    pub cursor: Option<Cursor>,
    /// Events that were missed before or among these.
    pub gap: Option<Gap>,
    /// What could not be read, or is not what it says.
    pub malformed: Vec<Malformed>,
    /// How many frames these are.
    pub frames: usize,
}

/// A frame, or a part of one, that cannot be used. Its contents are not kept: they are a stranger's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    /// What is wrong with it.
    pub reason: Reason,
    /// The SHA-256 of the frame.
    pub sha256: [u8; 32],
    /// How long the frame was, in bytes.
    pub bytes: u64,
    /// Its number, if it could be read.
    pub position: Option<i64>,
}

/// What can be wrong with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Reason {
    /// The frame is longer than a frame may be, and was not read.
    #[error("it is longer than a frame may be")]
    TooLong,
    /// The frame is compressed, and the dictionary does not open it.
    #[error("it cannot be decompressed")]
    Compression,
    /// Neither JSON nor DAG-CBOR, or not of the right form.
    #[error("it cannot be read")]
    Syntax,
    /// A member is missing, or is of another type.
    #[error("a member is missing or of another type")]
    Shape,
    /// A DID, a collection, a record key, a revision, a hash or a time is none.
    #[error("an identifier or a time is none")]
    Identifier,
    /// A record is not an object, or is longer than a record may be.
    #[error("a record is not an object, or too long")]
    Record,
    /// More operations or blocks than a commit may have.
    #[error("more than a commit may have")]
    Limit,
    /// The blocks are not a CAR file.
    #[error("the blocks are not a CAR file")]
    Car,
    /// A block's bytes do not have the hash that they are filed under.
    #[error("a block's bytes do not have its hash")]
    Digest,
    /// A block that must be there is not.
    #[error("a block is missing")]
    Missing,
    /// The commit is not of this account and revision, or is no commit.
    #[error("the commit does not belong to the frame")]
    Commit,
    /// The commit's signature is not by the account's key.
    #[error("the signature is not by the account's key")]
    Signature,
    /// The account's key could not be found, so that nothing is known of the signature.
    #[error("the account's key cannot be found")]
    Key,
    /// The repository that was signed does not say of a record what the frame says.
    #[error("the signed repository says otherwise")]
    Tree,
    /// The commit does not follow from the one before: changes, or whole commits, were left out.
    #[error("changes were left out")]
    Chain,
}

impl Malformed {
    pub(crate) fn new(reason: Reason, frame: &[u8], position: Option<i64>) -> Self {
        let sha256 = Sha256::digest(frame).into();
        Self {
            reason,
            sha256,
            bytes: frame.len() as u64,
            position,
        }
    }
}

impl fmt::Debug for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Malformed({}", self.reason.as_str())?;
        if let Some(position) = self.position {
            write!(f, " at {position}")?;
        }
        write!(f, ")")
    }
}

impl Reason {
    /// A short name, for rows and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "too-long",
            Self::Compression => "compression",
            Self::Syntax => "syntax",
            Self::Shape => "shape",
            Self::Identifier => "identifier",
            Self::Record => "record",
            Self::Limit => "limit",
            Self::Car => "car",
            Self::Digest => "digest",
            Self::Missing => "missing",
            Self::Commit => "commit",
            Self::Signature => "signature",
            Self::Key => "key",
            Self::Tree => "tree",
            Self::Chain => "chain",
        }
    }
}
