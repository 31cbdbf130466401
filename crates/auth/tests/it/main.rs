//! The crate from outside: published vectors, whole verifications, and tokens made to deceive.

mod hostile;
mod keys;
mod replay;
mod service_auth;
mod shared;
mod tokens;
mod world;
