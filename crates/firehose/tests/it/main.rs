//! The crate from outside.

mod backlinks;
mod blocks;
mod chain;
mod jetstream;
mod matcher;
mod naive;
mod property;
mod repo;
mod repos;
mod script;
mod stream;
mod world;
