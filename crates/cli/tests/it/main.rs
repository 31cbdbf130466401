//! The `loggia` binary as a user runs it.

mod account;
mod check_config;
mod client;
mod codegen;
mod deliveries;
mod diff;
mod export;
mod keys;
mod lint;
mod listen;
mod serve;
mod usage;
mod validate;
mod world;
