//! Values as AT Protocol knows them, apart from any schema.
//!
//! Every type here reads and writes two forms, told apart by serde's `is_human_readable`: JSON,
//! where byte strings are `{"$bytes": …}` and links `{"$link": …}`, and DAG-CBOR, where they are
//! byte strings and tag 42. Source: data model specification of AT Protocol.

mod blob;
mod bytes;
mod integer;
mod link;
mod object;
mod value;

pub use blob::{Blob, BlobError, BlobFacts, BlobField};
pub use bytes::{Bytes, BytesError};
pub use integer::Integer;
pub use link::{CidLink, LinkError};
pub use value::Data;

/// An object of any fields, in the order of their names.
pub type Object = std::collections::BTreeMap<String, Data>;
