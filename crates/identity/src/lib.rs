//! Who is behind a DID: documents, public keys as data, resolution and a cache of it.
//!
//! This crate opens no connection: it fetches through [`Fetch`]. It knows how keys are written, not
//! how signatures are verified.

mod cache;
mod document;
mod fetch;
pub mod key;
mod resolve;

pub use cache::{CacheSettings, CachedResolver};
pub use document::{DidDocument, DocumentError, KeyLookupError, Service, VerificationMethod};
pub use fetch::{Fetch, FetchError, Fetched};
pub use key::{Curve, KeyError, Multikey};
pub use resolve::{ResolveDid, ResolveError, ResolveErrorKind, Resolver};
