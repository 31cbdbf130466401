//! Identifiers, string formats and the data model of AT Protocol.
//!
//! Every identifier is a type that keeps the received text exactly and can only hold valid text.
//! This crate knows nothing of lexicons, HTTP or storage.
//!
//! - One type per string format ([`Did`], [`AtUri`], …), and [`Format`] for a format known only by
//!   its name at run time.
//! - [`data`]: values as the protocol knows them, in JSON and in DAG-CBOR.
//! - [`check`]: the constraints that a type cannot hold, shared by generated code and by the
//!   dynamic validator.

mod error;
mod excerpt;
mod format;
mod newtype;
mod scan;

mod at_identifier;
mod at_uri;
mod cid;
mod datetime;
mod did;
mod handle;
mod language;
mod nsid;
mod record_key;
mod space_ref;
mod tid;
mod uri;

#[cfg(feature = "atrium")]
mod atrium;

pub mod check;
pub mod data;

pub use at_identifier::AtIdentifier;
pub use at_uri::{AtUri, AtUriParts, SpaceParts};
#[cfg(feature = "atrium")]
pub use atrium::AtriumError;
pub use cid::{Cid, CidError};
pub use datetime::Datetime;
pub use did::Did;
pub use error::SyntaxError;
pub use excerpt::Excerpt;
pub use format::Format;
pub use handle::Handle;
pub use language::Language;
pub use nsid::Nsid;
pub use record_key::RecordKey;
pub use space_ref::SpaceRef;
pub use tid::Tid;
pub use uri::Uri;
