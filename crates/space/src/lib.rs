//! Permissioned repositories: what an account holds in a space, and how others check their copy of it.
//!
//! Pure: bytes, keys and randomness come in, values and refusals come out. Knows neither stores nor
//! requests. The construction is that of the permissioned-data proposal (0016).
//!
//! - [`SetHash`]: one digest for all records of a repository, whatever the order of writing.
//! - [`SignedCommit`]: that digest, signed for one reader.
//! - [`Operation`], [`Copy`](struct@Copy): the log of changes, and a copy that follows it.
//! - [`car`] and [`snapshot`]: a whole repository in one file.

pub mod car;
mod commit;
mod digest;
mod index;
mod operation;
mod set_hash;
pub mod snapshot;

pub use commit::{BadCommit, CommitContext, SignedCommit};
pub use digest::{cid_of, raw_cid_of};
pub use index::{BadIndex, Index, RecordPath};
pub use operation::{BadPlace, Copy, Operation, OperationPlace, OutOfOrder};
pub use set_hash::{BadState, SetHash};
