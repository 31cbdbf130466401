//! Types of every lexicon in the lexicons folder, generated.
//!
//! A module per NSID: `com.atproto.space.registerNotify` is [`com::atproto::space::register_notify`],
//! with the marker type `RegisterNotify` and its `Params`, `Input`, `Output` and `Error`. Nothing
//! here is written by hand but this page; `cargo xtask codegen` writes the rest.

mod lexicons;

pub use lexicons::*;
