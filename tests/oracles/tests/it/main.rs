//! The crate `rsky-space` gives the same verdict on the same tokens of spaces.
//!
//! It reads less of them than we do, so that only what both judge is generated: it does not look at `alg`
//! and `kid`, allows for no difference of clocks, and has no longest life.

mod credential;
mod delegation;
mod world;
