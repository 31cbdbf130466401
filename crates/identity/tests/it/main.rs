//! The crate from outside: documents as others write them, resolution, the cache under load.

mod cache;
mod document;
mod key;
mod resolver;
mod shared;
