//! Content-addressed blocks: links, CAR files, records and trees of repositories.
//!
//! Everything here reads from slices, allocates in proportion to what it is given, and believes nothing.

pub mod car;
pub mod invert;
pub mod json;
pub mod link;
pub mod tree;
