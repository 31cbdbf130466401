//! What this crate promises, seen from outside.

mod catalog;
mod diff;
mod documents;
mod export;
mod generate;
mod lint;
mod read;
mod shared;
mod validate;
