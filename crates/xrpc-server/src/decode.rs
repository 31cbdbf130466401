//! From a request to the arguments of a handler.

mod body;
mod input;
mod params;

pub(crate) use body::Fault;
pub(crate) use input::{blame, input, no_input};
pub(crate) use params::params;

/// Violations named in one message; a caller mends these and asks again.
pub(crate) const MOST_VIOLATIONS: usize = 10;

/// Bytes of one complaint: what it quotes may be as long as the body.
pub(crate) const MOST_WORDS: usize = 2048;
