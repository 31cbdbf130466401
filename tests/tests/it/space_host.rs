//! Spaces and repositories of accounts that the server holds the keys of.

mod blobs;
mod credentials;
mod crowd;
mod managing_app;
mod records;
mod refusals;
mod rules;
mod sync;
mod telling;
pub mod verifier;
