//! The `loggia` binary as a user runs it.

mod check_config;
mod codegen;
mod diff;
mod export;
mod lint;
mod listen;
mod serve;
mod usage;
mod validate;
mod world;
