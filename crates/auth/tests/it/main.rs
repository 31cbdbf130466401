//! The crate from outside: published vectors, whole verifications, and tokens made to deceive.

mod access_token;
mod attestation;
mod bits;
mod credential;
mod delegation;
mod dpop;
mod dpop_oracle;
mod hostile;
mod http_signature;
mod jwk;
mod keys;
mod nonces;
mod remote_keys;
mod replay;
mod scope;
mod scope_syntax;
mod scope_vectors;
mod service_auth;
mod shared;
mod spoil;
mod tokens;
mod world;
