//! The conformance suite of the store, on SQLite files; and what a crash leaves behind.

mod crash;
mod fixture;
mod outcomes;
mod queue;
mod registrations;
mod replay;
mod webhooks;
mod work;
