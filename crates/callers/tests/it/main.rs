//! Whole calls to small services: real tokens in, whole answers out.

mod account;
mod service;
mod space;
mod world;
