//! Lexicon documents: reading, resolving, validating data, linting, comparing, exporting.
//!
//! Pure: no network and no clock. Only [`Catalog::load`](catalog::Catalog::load) touches the file
//! system.

pub mod catalog;
pub mod diff;
pub mod document;
pub mod export;
pub mod lint;
pub mod read;
pub mod validate;

mod library;
mod place;
mod references;
