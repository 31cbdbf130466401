//! How much of everything an account or a space may have.

use jiff::SignedDuration;

/// Spaces of one authority.
pub const SPACES: u32 = 1_000;

/// Members of one space.
pub const MEMBERS: u32 = 100_000;

/// Client ids on the list of a space, and the bytes of each.
pub const CLIENT_IDS: usize = 100;
/// See [`CLIENT_IDS`].
pub const CLIENT_ID_BYTES: usize = 2_048;

/// Records of one repository: an index of so many takes some 20 MB while a snapshot is made.
pub const RECORDS: u32 = 100_000;

/// Changes in one call, as in the lexicon.
pub const WRITES: usize = 200;

/// Bytes of a record as DAG-CBOR, which is what the protocol allows.
pub const RECORD_BYTES: usize = 1 << 20;

/// How deep a record may be nested; deeper ones are no use to anybody, and every reader walks them.
pub const DEPTH: usize = 64;

/// Bytes of all blobs of one account.
pub const BLOB_BYTES: u64 = 256 << 20;

/// How long a blob stays that no record refers to.
pub const BLOB_WAITS: SignedDuration = SignedDuration::from_hours(24);

/// Credentials that have not ended, of one account for one space. They live ten minutes, or two hours
/// in the form of August.
pub const CREDENTIALS: u32 = 200;
