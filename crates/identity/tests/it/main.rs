//! The crate from outside: documents as others write them, names, resolution, the
//! caches under load, and what means harm.

mod account;
mod cache;
mod document;
mod hostile;
mod key;
mod name;
mod resolver;
mod shared;
mod world;
