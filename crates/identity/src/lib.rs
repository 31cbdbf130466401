//! Who is behind a DID or a handle: documents, public keys as data, resolution and a cache of it.
//!
//! - [`Resolver`]: from a DID to its [`DidDocument`]; [`CachedResolver`] remembers.
//! - [`NameResolver`]: from a [`Name`] (a handle, the authority of a lexicon) to the DID that its
//!   domain names; [`CachedNames`] remembers.
//! - [`Accounts`]: both together, and whether both sides agree.
//! - [`Cache`]: what these caches are made of, for whatever else is looked up by a DID.
//!
//! This crate opens no connection: it fetches through [`Fetch`] and asks the DNS through
//! [`LookUpTxt`]. It knows how keys are written, not how signatures are verified.

mod account;
mod cache;
mod document;
mod fetch;
pub mod key;
mod name;
mod resolve;
mod txt;

pub use account::{Account, AccountError, Accounts, HandleState};
pub use cache::{Cache, CacheFailure, CacheKey, CacheSettings, CachedNames, CachedResolver};
pub use document::{
    DidDocument, DocumentError, KeyLookupError, Service, ServiceLookupError, VerificationMethod,
};
pub use fetch::{Fetch, FetchError, Fetched};
pub use key::{Curve, KeyError, Multikey};
pub use name::{Name, NameError, NameErrorKind, NameResolver, ResolveName};
pub use resolve::{ResolveDid, ResolveError, ResolveErrorKind, Resolver};
pub use txt::{LookUpTxt, TxtError};
