//! The generator from the outside: what it writes, and whether what it writes compiles and is right.

mod corpora;
mod differential;
mod golden;
mod routes;
mod third_party;
mod tree;
